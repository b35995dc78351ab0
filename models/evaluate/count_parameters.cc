#include <torch/script.h>

#include <functional>

#include "absl/strings/str_cat.h"
#include "models/evaluate/evaluate.h"

namespace weir {
namespace {

int64_t CountIn(const torch::jit::Block& block) {
  int64_t count = 0;
  for (const torch::jit::Node* node : block.nodes()) {
    for (const torch::jit::Block* inner : node->blocks()) count += CountIn(*inner);
    const auto value =
        node->kind() == c10::prim::Constant ? torch::jit::toIValue(node->output()) : c10::nullopt;
    // Numbers alone in their tensor are settings of an operation.
    if (value && value->isTensor() && value->toTensor().dim() > 0) {
      count += value->toTensor().numel();
    }
  }
  return count;
}

}  // namespace

absl::StatusOr<int64_t> CountParameters(const std::string& model_path) {
  try {
    torch::jit::Module module = torch::jit::load(model_path, torch::kCPU);
    int64_t count = 0;
    for (const torch::Tensor& tensor : module.parameters()) count += tensor.numel();
    for (const torch::Tensor& tensor : module.buffers()) count += tensor.numel();
    // Freezing has made constants of the weights.
    return count + CountIn(*module.get_method("forward").graph()->block());
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", model_path, ": ", error.what()));
  }
}

}  // namespace weir
