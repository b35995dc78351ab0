#include "models/train/export.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "models/train/network.h"

namespace weir {
namespace {

// The outermost layers are Linear, or a Conv whose inputs share one scale and have no offset.
void FoldScaling(const Signature& signature, const torch::jit::Module& network) {
  const std::vector<torch::Tensor> tensors = TrainableTensors(network);
  torch::Tensor first_weight = tensors[0], first_bias = tensors[1];
  torch::Tensor last_weight = tensors[tensors.size() - 2], last_bias = tensors.back();

  first_weight.mul_(signature.input_scale);
  if (signature.input_offset.count_nonzero().item<int64_t>() > 0) {
    TORCH_CHECK(first_weight.dim() == 2, "an offset is folded into Linear alone");
    first_bias.sub_((first_weight * signature.input_offset).sum(1));
  }
  last_weight.mul_(signature.output_scale);
  last_bias.mul_(signature.output_scale).add_(signature.output_offset);
}

}  // namespace

torch::jit::Module MakeServedModule(const torch::jit::Module& network, const Signature& signature) {
  torch::NoGradGuard no_grad;
  torch::jit::Module module = network.deepcopy();
  FoldScaling(signature, module);
  for (torch::Tensor tensor : StateTensors(module)) {
    tensor.requires_grad_(false);
    tensor.set_data(tensor.contiguous());
  }
  module.define(signature.forward);
  module.eval();
  return torch::jit::freeze(module);
}

absl::Status SaveModule(const torch::jit::Module& module, const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot make ", path));
  const std::string temporary = path + ".new";
  try {
    module.save(temporary);
  } catch (const std::exception& exception) {
    return absl::InternalError(absl::StrCat("cannot write ", temporary, ": ", exception.what()));
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot replace ", path));
  }
  return absl::OkStatus();
}

}  // namespace weir
