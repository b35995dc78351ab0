// Repeated numbers in protobuf messages that are read field by field.
#ifndef WEIR_BASE_WIRE_NUMBERS_H_
#define WEIR_BASE_WIRE_NUMBERS_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/wire_reader.h"

namespace weir {

static_assert(std::endian::native == std::endian::little, "packed doubles are read as they lie");

// Both append what a field holds, packed or not; false if it holds anything else, or if there would
// be more than `max_size`: of repeated doubles,
bool AppendDoubles(const WireReader::Field& field, size_t max_size, std::vector<double>& numbers);

// or of repeated int64s or uint64s, to some vector of such.
template <typename Vector>
bool AppendNumbers(const WireReader::Field& field, size_t max_size, Vector& numbers) {
  using Number = typename Vector::value_type;
  if (field.type == WireReader::Field::Type::kNumber) {
    if (numbers.size() >= max_size) return false;
    numbers.push_back(static_cast<Number>(field.value));
    return true;
  }
  if (field.type != WireReader::Field::Type::kBytes) return false;
  const auto* byte = reinterpret_cast<const uint8_t*>(field.bytes.data());
  const auto* const end = byte + field.bytes.size();
  while (byte != end) {
    if (numbers.size() >= max_size) return false;
    uint64_t number = *byte & 0x7f;
    for (int shift = 7; *byte++ >= 0x80; shift += 7) {
      if (byte == end || shift > 63) return false;
      number |= static_cast<uint64_t>(*byte & 0x7f) << shift;
    }
    numbers.push_back(static_cast<Number>(number));
  }
  return true;
}

}  // namespace weir

#endif  // WEIR_BASE_WIRE_NUMBERS_H_
