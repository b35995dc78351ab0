#include "base/wire_numbers.h"

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

}  // namespace weir
