// Writes protobuf messages field by field, where generated code would first fill a message of its
// own and then copy it.
#ifndef WEIR_BASE_WIRE_WRITER_H_
#define WEIR_BASE_WIRE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace weir {

// Not thread-safe. As proto3 has it, a field that has the value that it has anyway is not written.
class WireWriter {
 public:
  WireWriter() = default;
  WireWriter(const WireWriter&) = delete;
  WireWriter& operator=(const WireWriter&) = delete;

  // What was written; until something else is.
  absl::string_view bytes() const { return {buffer_.get(), size_}; }

  // Begins anew, and keeps its memory for that, unless it has more than so many bytes.
  void Clear(size_t kept_bytes);

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
    WireWriter& writer_;
    size_t begin_ = 0;
  };

 private:
  // Behind what was written, with so much room.
  char* End(size_t room) {
    if (capacity_ - size_ < room) Grow(room);
    return buffer_.get() + size_;
  }
  void Grow(size_t room);
  void SetEnd(const char* end) { size_ = end - buffer_.get(); }

  std::unique_ptr<char[]> buffer_;  // Not cleared before it is filled.
  size_t capacity_ = 0;
  size_t size_ = 0;
};

}  // namespace weir

#endif  // WEIR_BASE_WIRE_WRITER_H_
