#include "base/wire_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/wire_reader.h"

namespace weir {
namespace {

enum WireType { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2 };

constexpr size_t kMaxTagBytes = 5;

constexpr size_t kLeastCapacity = 256;

// Both return the end of what they take.
char* PutVarint(uint64_t value, char* bytes) {
  for (; value >= 0x80; value >>= 7) *bytes++ = static_cast<char>(value | 0x80);
  *bytes++ = static_cast<char>(value);
  return bytes;
}

char* PutTag(uint32_t field, WireType type, char* bytes) {
  return PutVarint(field << 3 | type, bytes);
}

}  // namespace

void WireWriter::Clear(size_t kept_bytes) {
  size_ = 0;
  if (capacity_ <= kept_bytes) return;
  buffer_.reset();
  capacity_ = 0;
}

void WireWriter::Grow(size_t room) {
  const size_t capacity = std::max({size_ + room, 2 * capacity_, kLeastCapacity});
  std::unique_ptr<char[]> larger(new char[capacity]);
  std::copy_n(buffer_.get(), size_, larger.get());
  buffer_ = std::move(larger);
  capacity_ = capacity;
}

void WireWriter::Number(uint32_t field, uint64_t value) {
  if (value == 0) return;
  SetEnd(PutVarint(value, PutTag(field, kVarint, End(kMaxTagBytes + kMaxVarintBytes))));
}

void WireWriter::Double(uint32_t field, double value) {
  static_assert(std::endian::native == std::endian::little, "doubles are written as they lie");
  const auto bits = std::bit_cast<uint64_t>(value);
  if (bits == 0) return;  // Minus zero is another value.
  char* const end = PutTag(field, kFixed64, End(kMaxTagBytes + sizeof(bits)));
  std::memcpy(end, &bits, sizeof(bits));
  SetEnd(end + sizeof(bits));
}

void WireWriter::Bytes(uint32_t field, absl::string_view bytes) {
  if (bytes.empty()) return;
  char* end = End(kMaxTagBytes + kMaxVarintBytes + bytes.size());
  end = PutVarint(bytes.size(), PutTag(field, kLengthDelimited, end));
  std::memcpy(end, bytes.data(), bytes.size());
  SetEnd(end + bytes.size());
}

void WireWriter::PackedNumbers(uint32_t field, absl::Span<const int64_t> values) {
  if (values.empty()) return;
  const Message packed(*this, field);
  char* end = End(kMaxVarintBytes * values.size());
  for (const int64_t value : values) end = PutVarint(static_cast<uint64_t>(value), end);
  SetEnd(end);
}

// Most are short: one byte is left for the length.
WireWriter::Message::Message(WireWriter& writer, uint32_t field) : writer_(writer) {
  writer_.SetEnd(PutTag(field, kLengthDelimited, writer_.End(kMaxTagBytes + 1)) + 1);
  begin_ = writer_.size_;
}

WireWriter::Message::~Message() {
  const size_t size = writer_.size_ - begin_;
  if (size < 0x80) {
    writer_.buffer_[begin_ - 1] = static_cast<char>(size);
    return;
  }
  std::array<char, kMaxVarintBytes> length;
  const size_t more = PutVarint(size, length.data()) - length.data() - 1;
  char* const end = writer_.End(more);
  char* const begin = end - size;
  std::memmove(begin + more, begin, size);
  std::memcpy(begin - 1, length.data(), 1 + more);
  writer_.SetEnd(end + more);
}

}  // namespace weir
