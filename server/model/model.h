// A loaded model, whatever its format.
#ifndef WEIR_SERVER_MODEL_MODEL_H_
#define WEIR_SERVER_MODEL_MODEL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "server/model/model_settings.h"
#include "server/model/tensor.h"

namespace weir {

// Thread-safe: any number of threads may run a model at once.
class Model {
 public:
  virtual ~Model() = default;

  // Runs one batch. `inputs` are in the order of the settings, already checked against them, and
  // have to live as long as the outputs, which may be parts of them. The outputs are in the order
  // of the settings and fit them. When the model itself fails, the status is INTERNAL and its text
  // is for the log only.
  virtual absl::StatusOr<TensorBundle> Run(absl::Span<const TensorView> inputs) const = 0;
};

// Loads one version of a model from its file. `settings` outlive the model.
using LoadModelFn = absl::StatusOr<std::unique_ptr<Model>> (*)(const ModelSettings& settings,
                                                               const std::string& path);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_MODEL_H_
