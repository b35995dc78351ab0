// Reads protobuf messages field by field, where they lie.
//
// For what is read a thousand times a second: generated code would copy each string, and says of a
// bad one neither where it is nor what it is.
#ifndef WEIR_BASE_WIRE_READER_H_
#define WEIR_BASE_WIRE_READER_H_

#include <google/protobuf/io/coded_stream.h>

#include <cstdint>

#include "absl/strings/string_view.h"

namespace weir {

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

  explicit WireReader(absl::string_view message)
      : input_(reinterpret_cast<const uint8_t*>(message.data()), static_cast<int>(message.size())) {
  }

  // False at the end, and where it is no message or holds groups, which nobody writes.
  bool Next(Field& field);

  // Once Next said false: whether all of it was read.
  bool ok() const { return ok_; }

 private:
  google::protobuf::io::CodedInputStream input_;
  bool ok_ = true;
};

}  // namespace weir

#endif  // WEIR_BASE_WIRE_READER_H_
