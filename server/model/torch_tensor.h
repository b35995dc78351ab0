// Between weir's tensors and torch's. For the code that sees torch; its exceptions pass through.
#ifndef WEIR_SERVER_MODEL_TORCH_TENSOR_H_
#define WEIR_SERVER_MODEL_TORCH_TENSOR_H_

#include <ATen/ATen.h>

#include <exception>
#include <optional>
#include <string>

#include "server/model/tensor.h"

namespace weir {

// nullopt for types that LibTorch lacks.
std::optional<at::ScalarType> ToScalarType(v1::DataType type);

// A tensor on the bytes of `view`, which have to outlive it. The type is one that LibTorch has.
at::Tensor ToTorch(const TensorView& view);

// What a person needs of torch's messages, which go on for pages of stack: the first line, but of a
// failure inside the module the last one, where the module's own words are.
std::string Reason(const std::exception& error);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_TORCH_TENSOR_H_
