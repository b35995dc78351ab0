#include "server/model/compute_backend.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/csrc/jit/passes/tensorexpr_fuser.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/version.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace weir {
namespace {

// oneDNN and its wrapper keep compiled code for each operation and shape that they have met: the
// first for the process, the second for each thread. docs/performance.md has the sizes. What the
// environment says already stays.
void BoundShapeCaches() {
  setenv("DNNL_PRIMITIVE_CACHE_CAPACITY", "3072", /*overwrite=*/0);
  setenv("LRU_CACHE_CAPACITY", "128", /*overwrite=*/0);
}

ComputeBackend Initialize() {
  BoundShapeCaches();
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

}  // namespace

ComputeBackend InitializeTorch() {
  static const auto* const backend = new ComputeBackend(Initialize());
  return *backend;
}

void SetThreadsWithinOperations(int threads) {
  // at::set_num_threads would set those of all threads yet to come, too, and make its pool anew,
  // which takes milliseconds. torch asks OpenMP, which keeps a number for each thread.
  static const auto set_threads =
      reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  // The first question on a thread sets torch's default there.
  if (at::get_num_threads() != threads && set_threads != nullptr) set_threads(threads);
}

}  // namespace weir
