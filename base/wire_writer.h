// Writes protobuf messages field by field, where generated code would first fill a message of its
// own and then copy it.
#ifndef WEIR_BASE_WIRE_WRITER_H_
#define WEIR_BASE_WIRE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace weir {

// Not thread-safe. As proto3 has it, a field that has the value that it has anyway is not written.
class WireWriter {
 public:
  // Appends to `output`, which has to outlive it.
  explicit WireWriter(std::string& output) : output_(output) {}
  WireWriter(const WireWriter&) = delete;
  WireWriter& operator=(const WireWriter&) = delete;

  void Number(uint32_t field, uint64_t value);
  void Double(uint32_t field, double value);
  void Bytes(uint32_t field, absl::string_view bytes);
  void PackedNumbers(uint32_t field, absl::Span<const int64_t> values);

  // A message within the message: what is written during its life.
  class Message {
   public:
    Message(WireWriter& writer, uint32_t field);
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    ~Message();

   private:
    std::string& output_;
    size_t begin_ = 0;
  };

 private:
  enum WireType { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2 };

  void Append(uint32_t field, WireType type, uint64_t value);

  std::string& output_;
};

}  // namespace weir

#endif  // WEIR_BASE_WIRE_WRITER_H_
