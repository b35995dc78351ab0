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
// server runs requests in parallel, nothing that compiles in the middle of a request, and bounds on
// what it keeps for each shape. Further calls only return the same.
ComputeBackend InitializeTorch();

// From here on torch's operations on the calling thread use so many threads; those of other threads
// do not change. Takes nanoseconds. Multiplications that LibTorch leaves to OpenBLAS keep to one.
void SetThreadsWithinOperations(int threads);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_COMPUTE_BACKEND_H_
