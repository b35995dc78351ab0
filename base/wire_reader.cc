#include "base/wire_reader.h"

namespace weir {
namespace {

// Of what fits 32 bits, as tags and lengths have to. Those that read them take more.
constexpr int kMaxBytes = 5;

}  // namespace

bool WireReader::Next(Field& field) {
  const int start = input_.CurrentPosition();
  const uint32_t tag = input_.ReadTag();
  if (tag == 0) {
    ok_ = ok_ && input_.ConsumedEntireMessage();
    return false;
  }
  field.number = tag >> 3;
  bool read = field.number != 0 && input_.CurrentPosition() - start <= kMaxBytes;
  switch (tag & 7) {
    case 0:
      field.type = Field::Type::kNumber;
      read = read && input_.ReadVarint64(&field.value);
      break;
    case 1:
      field.type = Field::Type::kFixed64;
      read = read && input_.ReadLittleEndian64(&field.value);
      break;
    case 2: {
      field.type = Field::Type::kBytes;
      uint64_t size = 0;
      const int length = input_.CurrentPosition();
      read = read && input_.ReadVarint64(&size) && input_.CurrentPosition() - length <= kMaxBytes;
      const void* data = nullptr;
      int left = 0;
      input_.GetDirectBufferPointerInline(&data, &left);
      read = read && size <= static_cast<uint64_t>(left);
      if (!read) break;
      field.bytes = absl::string_view(static_cast<const char*>(data), size);
      read = input_.Skip(static_cast<int>(size));
      break;
    }
    case 5: {
      field.type = Field::Type::kFixed32;
      uint32_t value = 0;
      read = read && input_.ReadLittleEndian32(&value);
      field.value = value;
      break;
    }
    default:  // Groups, which nobody writes.
      read = false;
  }
  if (!read) ok_ = false;
  return read;
}

}  // namespace weir
