// Models in TorchScript. The only code of the server that sees torch; its exceptions end here.
#ifndef WEIR_SERVER_MODEL_TORCHSCRIPT_MODEL_H_
#define WEIR_SERVER_MODEL_TORCHSCRIPT_MODEL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/model/model.h"

namespace weir {

// Loads a TorchScript file and runs it on a few inputs, made up or of settings.warm_up: that proves
// that inputs and outputs are what the settings say. Unless the settings say otherwise it serves
// the module frozen and optimised; if that changes an answer or fails, the module as it is, and the
// log says so.
//
// forward()'s arguments take the settings' inputs by name, else by a "__<position>" at the end of
// the input's name, else in order. It returns a tensor, or tensors in a tuple or list (taken by
// position in the same way), or a dictionary (taken by name).
absl::StatusOr<std::unique_ptr<Model>> LoadTorchScriptModel(const ModelSettings& settings,
                                                            const std::string& path);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_TORCHSCRIPT_MODEL_H_
