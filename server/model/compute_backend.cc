#include "server/model/compute_backend.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/csrc/jit/passes/tensorexpr_fuser.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/version.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace weir {

ComputeBackend InitializeTorch() {
  at::set_num_threads(1);
  at::set_num_interop_threads(1);
  // Profiling and fusion compile anew when new shapes come, in the middle of requests; a frozen and
  // optimised module gains nothing from them (docs/performance.md).
  torch::jit::getProfilingMode() = false;
  torch::jit::setTensorExprFuserEnabled(false);
  // OpenBLAS has threads of its own, which torch does not set.
  using SetThreads = void (*)(int);
  if (const auto set_threads =
          reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) {
    set_threads(1);
  }
  std::string blas = "built into LibTorch";
  bool slow = false;
  Dl_info info;
  if (void* const sgemm = dlsym(RTLD_DEFAULT, "sgemm_"); sgemm && dladdr(sgemm, &info) != 0) {
    blas = std::filesystem::weakly_canonical(info.dli_fname);
    slow = !absl::StrContains(blas, "openblas") && !absl::StrContains(blas, "mkl") &&
           !absl::StrContains(blas, "blis") && !absl::StrContains(blas, "torch");
  }
  return {absl::StrCat("LibTorch ", TORCH_VERSION, ", BLAS ", blas), slow};
}

}  // namespace weir
