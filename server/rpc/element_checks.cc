#include "server/rpc/element_checks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

// Beyond this a double no longer tells neighbouring integers apart.
constexpr double kMaxExactInteger = int64_t{1} << 53;

template <typename T>
bool Fits(double value) {
  if constexpr (std::is_same_v<T, double>) return true;
  if constexpr (std::is_same_v<T, float>) {
    return !std::isfinite(value) || std::abs(value) <= std::numeric_limits<float>::max();
  }
  const double least =
      std::max(static_cast<double>(std::numeric_limits<T>::min()), -kMaxExactInteger);
  const double most =
      std::min(static_cast<double>(std::numeric_limits<T>::max()), kMaxExactInteger);
  return value >= least && value <= most && value == std::floor(value);
}

template <typename T>
absl::StatusOr<std::string> Pack(absl::Span<const double> values, v1::DataType type) {
  std::string bytes(values.size() * sizeof(T), '\0');
  for (size_t i = 0; i < values.size(); ++i) {
    if (!Fits<T>(values[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat("values[", i, "] = ", values[i], " is no ", v1::DataType_Name(type)));
    }
    const T element = static_cast<T>(values[i]);
    std::memcpy(&bytes[i * sizeof(T)], &element, sizeof(T));
  }
  return bytes;
}

// A floating-point number is finite unless all bits of its exponent are set.
template <typename Bits>
absl::Status CheckExponents(absl::string_view data, Bits exponent) {
  const size_t count = data.size() / sizeof(Bits);
  for (size_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, data.data() + i * sizeof(Bits), sizeof(Bits));
    if ((bits & exponent) == exponent) {
      return absl::InvalidArgumentError(
          absl::StrCat("element ", i, " is NaN or infinite, and this model takes finite numbers"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> PackValues(absl::Span<const double> values, v1::DataType type) {
  switch (type) {
    case v1::TYPE_BOOL:  // CheckBools sees the bytes.
    case v1::TYPE_UINT8:
      return Pack<uint8_t>(values, type);
    case v1::TYPE_INT8:
      return Pack<int8_t>(values, type);
    case v1::TYPE_INT16:
      return Pack<int16_t>(values, type);
    case v1::TYPE_INT32:
      return Pack<int32_t>(values, type);
    case v1::TYPE_INT64:
      return Pack<int64_t>(values, type);
    case v1::TYPE_FP32:
      return Pack<float>(values, type);
    case v1::TYPE_FP64:
      return Pack<double>(values, type);
    default:
      return absl::InvalidArgumentError(
          absl::StrCat(v1::DataType_Name(type), " has to travel in data, not in values"));
  }
}

absl::Status CheckFinite(absl::string_view data, v1::DataType type) {
  switch (type) {
    case v1::TYPE_FP16:
      return CheckExponents<uint16_t>(data, 0x7c00);
    case v1::TYPE_BF16:
      return CheckExponents<uint16_t>(data, 0x7f80);
    case v1::TYPE_FP32:
      return CheckExponents<uint32_t>(data, 0x7f800000);
    case v1::TYPE_FP64:
      return CheckExponents<uint64_t>(data, 0x7ff0000000000000);
    default:
      return absl::OkStatus();
  }
}

absl::Status CheckBools(absl::string_view data) {
  for (size_t i = 0; i < data.size(); ++i) {
    if (data[i] != 0 && data[i] != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "element ", i, " of TYPE_BOOL is ", static_cast<uint8_t>(data[i]), ", not 0 or 1"));
    }
  }
  return absl::OkStatus();
}

}  // namespace weir
