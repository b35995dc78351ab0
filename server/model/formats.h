// The model formats that this server reads. A new format is one file beside torchscript_model.cc
// and one line in formats.cc.
#ifndef WEIR_SERVER_MODEL_FORMATS_H_
#define WEIR_SERVER_MODEL_FORMATS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/model/model.h"

namespace weir {

// Loads the file at `path` with the loader for settings.backend, an error if there is
// none. `settings` must outlive the model.
absl::StatusOr<std::unique_ptr<Model>> LoadModel(const ModelSettings& settings,
                                                 const std::string& path);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_FORMATS_H_
