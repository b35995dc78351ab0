// Reads protobuf messages field by field, where they lie.
//
// For what is read a thousand times a second: generated code would copy each string, and says of a
// bad one neither where it is nor what it is.
#ifndef WEIR_BASE_WIRE_READER_H_
#define WEIR_BASE_WIRE_READER_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace weir {

constexpr size_t kMaxVarintBytes = 10;

// Takes a number of variable length off the front of `bytes`; false if it takes more than
// `max_bytes`, which are kMaxVarintBytes at most, or ends too soon. Bits above the 64th are lost,
// as protobuf has it.
inline bool TakeVarint(absl::string_view& bytes, size_t max_bytes, uint64_t& value) {
  value = 0;
  for (size_t i = 0; i < bytes.size() && i < max_bytes; ++i) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte >= 0x80) continue;
    bytes.remove_prefix(i + 1);
    return true;
  }
  return false;
}

// Not thread-safe. What it gives points into the message.
class WireReader {
 public:
  struct Field {
    enum class Type { kNumber, kFixed64, kBytes, kFixed32 };

    uint32_t number = 0;
    Type type = Type::kNumber;
    uint64_t value = 0;       // Of all but kBytes.
    absl::string_view bytes;  // Of kBytes.

    bool Is(uint32_t wanted_number, Type wanted_type) const {
      return number == wanted_number && type == wanted_type;
    }
  };

  explicit WireReader(absl::string_view message) : left_(message) {}

  // False at the end, and where it is no message or holds groups, which nobody writes.
  bool Next(Field& field);

  // Once Next said false: whether all of it was read.
  bool ok() const { return ok_; }

 private:
  bool Read(Field& field);
  template <typename Number>
  bool ReadFixed(Field& field);

  absl::string_view left_;
  bool ok_ = true;
};

}  // namespace weir

#endif  // WEIR_BASE_WIRE_READER_H_
