#include "base/wire_reader.h"

#include <bit>
#include <cstring>

namespace weir {
namespace {

// Of what fits 32 bits, as tags and lengths have to. Those that read them take more.
constexpr size_t kMaxBytes = 5;

}  // namespace

bool WireReader::Next(Field& field) {
  if (!ok_ || left_.empty()) return false;
  return ok_ = Read(field);
}

bool WireReader::Read(Field& field) {
  uint64_t tag = 0;
  if (!TakeVarint(left_, kMaxBytes, tag)) return false;
  field.number = static_cast<uint32_t>(tag) >> 3;
  if (field.number == 0) return false;
  switch (tag & 7) {
    case 0:
      field.type = Field::Type::kNumber;
      return TakeVarint(left_, kMaxVarintBytes, field.value);
    case 1:
      field.type = Field::Type::kFixed64;
      return ReadFixed<uint64_t>(field);
    case 2: {
      field.type = Field::Type::kBytes;
      uint64_t size = 0;
      if (!TakeVarint(left_, kMaxBytes, size) || size > left_.size()) return false;
      field.bytes = left_.substr(0, size);
      left_.remove_prefix(size);
      return true;
    }
    case 5:
      field.type = Field::Type::kFixed32;
      return ReadFixed<uint32_t>(field);
    default:  // Groups, which nobody writes.
      return false;
  }
}

template <typename Number>
bool WireReader::ReadFixed(Field& field) {
  static_assert(std::endian::native == std::endian::little, "numbers are read as they lie");
  Number number;
  if (left_.size() < sizeof(number)) return false;
  std::memcpy(&number, left_.data(), sizeof(number));
  left_.remove_prefix(sizeof(number));
  field.value = number;
  return true;
}

}  // namespace weir
