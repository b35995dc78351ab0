#include "server/model/made_up_data.h"

#include <cstring>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace weir {
namespace {

constexpr int64_t kMaxBytes = 64 << 20;

template <typename T, typename Next>
void Fill(std::string& data, Next next) {
  for (size_t at = 0; at + sizeof(T) <= data.size(); at += sizeof(T)) {
    const T value = next();
    std::memcpy(&data[at], &value, sizeof(T));
  }
}

}  // namespace

absl::StatusOr<Tensor> ZeroTensor(v1::DataType type, std::vector<int64_t> shape) {
  WEIR_ASSIGN_OR_RETURN(const int64_t count, ElementCount(shape));
  const int64_t bytes = count * ElementBytes(type);
  if (bytes > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat("shape ", ShapeToString(shape), " takes ", bytes,
                                                   " bytes, more than ", kMaxBytes));
  }
  return Tensor{type, std::move(shape), std::string(bytes, '\0')};
}

void FillWithRandom(Tensor& tensor) {
  std::minstd_rand engine;
  // The low bits of such an engine are poor.
  const auto bits = [&engine](int count) {
    return static_cast<uint32_t>(engine() & 0x7fffffff) >> (31 - count);
  };
  switch (tensor.type) {
    case v1::TYPE_FP32:
      return Fill<float>(tensor.data, [&] { return static_cast<float>(bits(24)) * 0x1p-24F; });
    case v1::TYPE_FP64:
      return Fill<double>(tensor.data, [&] { return bits(30) * 0x1p-30; });
    // Exponent bits of 0.5: values from there to 1.
    case v1::TYPE_FP16:
      return Fill<uint16_t>(tensor.data, [&] { return 0x3800 | bits(10); });
    case v1::TYPE_BF16:
      return Fill<uint16_t>(tensor.data, [&] { return 0x3f00 | bits(7); });
    case v1::TYPE_BOOL:
      return Fill<uint8_t>(tensor.data, [&] { return bits(1); });
    case v1::TYPE_UINT8:
      return Fill<uint8_t>(tensor.data, [&] { return bits(8); });
    case v1::TYPE_INT8:
      return Fill<int8_t>(tensor.data, [&] { return bits(7); });
    case v1::TYPE_INT16:
      return Fill<int16_t>(tensor.data, [&] { return bits(7); });
    case v1::TYPE_INT32:
      return Fill<int32_t>(tensor.data, [&] { return bits(7); });
    case v1::TYPE_INT64:
      return Fill<int64_t>(tensor.data, [&] { return bits(7); });
    default:
      return;
  }
}

}  // namespace weir
