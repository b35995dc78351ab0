// Proves that a model fits its settings, and that another form of it gives the same answers.
#ifndef WEIR_SERVER_MODEL_LOAD_CHECK_H_
#define WEIR_SERVER_MODEL_LOAD_CHECK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/model/model.h"
#include "server/model/model_settings.h"
#include "server/model/tensor.h"

namespace weir {

class LoadCheck {
 public:
  // Runs `model` on one row and on several of MadeUpInputs, and on settings.warm_up, and keeps the
  // answers. INVALID_ARGUMENT if it fails on any. `settings` outlive the check.
  static absl::StatusOr<LoadCheck> Create(const ModelSettings& settings, const Model& model);

  // Runs `other` on the same inputs. An error says on what it fails, or which answer differs from
  // that of the first by more than CheckSameOutputs allows.
  absl::Status Compare(const Model& other) const;

 private:
  struct Case {
    std::string description;
    std::vector<TensorView> inputs;
    TensorBundle outputs;
  };

  explicit LoadCheck(const ModelSettings& settings) : settings_(settings) {}

  static absl::Status On(const Case& on, const absl::Status& status);

  const ModelSettings& settings_;
  std::vector<Case> cases_;
  std::vector<std::shared_ptr<const void>> made_up_;  // What inputs are views of.
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_LOAD_CHECK_H_
