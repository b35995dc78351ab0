#include "server/model/torch_tensor.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace weir {

std::optional<at::ScalarType> ToScalarType(v1::DataType type) {
  switch (type) {
    case v1::TYPE_BOOL:
      return at::kBool;
    case v1::TYPE_UINT8:
      return at::kByte;
    case v1::TYPE_INT8:
      return at::kChar;
    case v1::TYPE_INT16:
      return at::kShort;
    case v1::TYPE_INT32:
      return at::kInt;
    case v1::TYPE_INT64:
      return at::kLong;
    case v1::TYPE_FP16:
      return at::kHalf;
    case v1::TYPE_BF16:
      return at::kBFloat16;
    case v1::TYPE_FP32:
      return at::kFloat;
    case v1::TYPE_FP64:
      return at::kDouble;
    default:
      return std::nullopt;
  }
}

at::Tensor ToTorch(const TensorView& view) {
  return at::from_blob(const_cast<char*>(view.data.data()),
                       at::IntArrayRef(view.shape.data(), view.shape.size()),
                       at::TensorOptions(*ToScalarType(view.type)));
}

std::string Reason(const std::exception& error) {
  const auto* const c10_error = dynamic_cast<const c10::Error*>(&error);
  absl::string_view text =
      c10_error != nullptr ? c10_error->what_without_backtrace() : error.what();
  text = absl::StripAsciiWhitespace(text);
  if (absl::StrContains(text, "Traceback of TorchScript")) {
    return std::string(text.substr(text.rfind('\n') + 1));
  }
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace weir
