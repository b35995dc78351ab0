// What computes, and how it is set up.
#ifndef WEIR_SERVER_MODEL_COMPUTE_BACKEND_H_
#define WEIR_SERVER_MODEL_COMPUTE_BACKEND_H_

#include <string>

namespace weir {

struct ComputeBackend {
  std::string description;  // LibTorch's version and its BLAS.
  bool slow_blas = false;
};

// Sets LibTorch up for serving, once, before models are loaded: one thread an operation, since the
// server runs requests in parallel, and nothing that compiles in the middle of a request.
ComputeBackend InitializeTorch();

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_COMPUTE_BACKEND_H_
