#include "server/model/tensor.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weir {

TensorView View(const Tensor& tensor) { return {tensor.type, tensor.shape, tensor.data}; }

TensorBundle Bundle(std::vector<Tensor> tensors) {
  auto owned = std::make_shared<const std::vector<Tensor>>(std::move(tensors));
  TensorBundle bundle;
  for (const Tensor& tensor : *owned) bundle.views.push_back(View(tensor));
  bundle.owner = std::move(owned);
  return bundle;
}

int ElementBytes(v1::DataType type) {
  switch (type) {
    case v1::TYPE_BOOL:
    case v1::TYPE_UINT8:
    case v1::TYPE_INT8:
      return 1;
    case v1::TYPE_UINT16:
    case v1::TYPE_INT16:
    case v1::TYPE_FP16:
    case v1::TYPE_BF16:
      return 2;
    case v1::TYPE_UINT32:
    case v1::TYPE_INT32:
    case v1::TYPE_FP32:
      return 4;
    case v1::TYPE_UINT64:
    case v1::TYPE_INT64:
    case v1::TYPE_FP64:
      return 8;
    default:
      return 0;
  }
}

absl::StatusOr<int64_t> ElementCount(absl::Span<const int64_t> shape) {
  constexpr int64_t kMaxElements = int64_t{1} << 40;
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (size < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", ShapeToString(shape), " has a size below 1"));
    }
    if (count > kMaxElements / size) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", ShapeToString(shape), " has too many elements"));
    }
    count *= size;
  }
  return count;
}

std::string ShapeToString(absl::Span<const int64_t> shape) {
  constexpr size_t kMaxShown = 8;
  if (shape.size() <= kMaxShown) return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
  return absl::StrCat("[", absl::StrJoin(shape.first(kMaxShown), ", "), ", ...] (", shape.size(),
                      " dimensions)");
}

}  // namespace weir
