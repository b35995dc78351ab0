// Tensors inside the server, without torch.
#ifndef WEIR_SERVER_MODEL_TENSOR_H_
#define WEIR_SERVER_MODEL_TENSOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "weir/v1/tensor.pb.h"

namespace weir {

// A tensor whose shape and elements somebody else owns. Elements are row-major, without padding,
// little-endian.
struct TensorView {
  v1::DataType type = v1::TYPE_INVALID;
  absl::Span<const int64_t> shape;
  absl::string_view data;
};

struct Tensor {
  v1::DataType type = v1::TYPE_INVALID;
  std::vector<int64_t> shape;
  std::string data;
};

// Tensors whose elements live as long as the bundle, wherever they are.
struct TensorBundle {
  std::vector<TensorView> views;
  std::shared_ptr<const void> owner;
};

// A view of `tensor`, which has to outlive it.
TensorView View(const Tensor& tensor);

// Views of `tensors`, and the tensors themselves.
TensorBundle Bundle(std::vector<Tensor> tensors);

// The bytes of one element, or 0 for types without a fixed size.
int ElementBytes(v1::DataType type);

// The number of elements of `shape`; an error for sizes below 1 and for products beyond 2^40.
absl::StatusOr<int64_t> ElementCount(absl::Span<const int64_t> shape);

// "[1, 28, 28]"; of many dimensions only the first ones.
std::string ShapeToString(absl::Span<const int64_t> shape);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_TENSOR_H_
