#include "gateway/wire.h"

#include <cstring>

namespace weir {

bool AppendDoubles(const WireReader::Field& field, size_t max_size, std::vector<double>& numbers) {
  if (field.type == WireReader::Field::Type::kFixed64) {
    if (numbers.size() == max_size) return false;
    numbers.push_back(std::bit_cast<double>(field.value));
    return true;
  }
  if (field.type != WireReader::Field::Type::kBytes) return false;
  const size_t count = field.bytes.size() / sizeof(double);
  if (count * sizeof(double) != field.bytes.size()) return false;
  if (count > max_size - numbers.size()) return false;
  if (count == 0) return true;
  const size_t before = numbers.size();
  numbers.resize(before + count);
  std::memcpy(&numbers[before], field.bytes.data(), field.bytes.size());
  return true;
}

bool AppendNumbers(const WireReader::Field& field, size_t max_size,
                   std::vector<uint64_t>& numbers) {
  if (field.type == WireReader::Field::Type::kNumber) {
    if (numbers.size() == max_size) return false;
    numbers.push_back(field.value);
    return true;
  }
  if (field.type != WireReader::Field::Type::kBytes) return false;
  const auto* byte = reinterpret_cast<const uint8_t*>(field.bytes.data());
  const auto* const end = byte + field.bytes.size();
  while (byte != end) {
    if (numbers.size() == max_size) return false;
    uint64_t number = *byte & 0x7f;
    for (int shift = 7; *byte++ >= 0x80; shift += 7) {
      if (byte == end || shift > 63) return false;
      number |= static_cast<uint64_t>(*byte & 0x7f) << shift;
    }
    numbers.push_back(number);
  }
  return true;
}

}  // namespace weir
