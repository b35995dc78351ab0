// From a trained network to the file that is served.
#ifndef WEIR_MODELS_TRAIN_EXPORT_H_
#define WEIR_MODELS_TRAIN_EXPORT_H_

#include <torch/script.h>

#include <string>

#include "absl/status/status.h"
#include "models/train/task.h"

namespace weir {

// The module that is served: takes a client's values as they are, scales them, runs `network`, and
// answers in a client's terms. `signature.forward` is added, the scaling is folded into the first
// and last layer, normalisation into the convolutions, and all is frozen. `network` is not changed.
torch::jit::Module MakeServedModule(const torch::jit::Module& network, const Signature& signature);

// Writes `module` to `path`, whose directory is made where missing; the file is replaced in one
// step.
absl::Status SaveModule(const torch::jit::Module& module, const std::string& path);

}  // namespace weir

#endif  // WEIR_MODELS_TRAIN_EXPORT_H_
