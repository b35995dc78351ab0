// Repeated numbers in protobuf messages that are read field by field.
#ifndef WEIR_BASE_WIRE_NUMBERS_H_
#define WEIR_BASE_WIRE_NUMBERS_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
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
  for (absl::string_view left = field.bytes; !left.empty();) {
    uint64_t number = 0;
    if (numbers.size() >= max_size || !TakeVarint(left, kMaxVarintBytes, number)) return false;
    numbers.push_back(static_cast<Number>(number));
  }
  return true;
}

}  // namespace weir

#endif  // WEIR_BASE_WIRE_NUMBERS_H_
