#include "base/wire_writer.h"

#include <array>
#include <bit>
#include <cstring>

namespace weir {
namespace {

constexpr size_t kMaxVarintBytes = 10;

// Returns how many bytes of `bytes` it takes.
size_t PutVarint(uint64_t value, char* bytes) {
  size_t size = 0;
  for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
  bytes[size++] = static_cast<char>(value);
  return size;
}

}  // namespace

void WireWriter::Varint(uint64_t value) {
  if (value < 0x80) {
    output_.push_back(static_cast<char>(value));
    return;
  }
  std::array<char, kMaxVarintBytes> bytes;
  output_.append(bytes.data(), PutVarint(value, bytes.data()));
}

void WireWriter::Number(uint32_t field, uint64_t value) {
  if (value == 0) return;
  Tag(field, kVarint);
  Varint(value);
}

void WireWriter::Double(uint32_t field, double value) {
  static_assert(std::endian::native == std::endian::little, "doubles are written as they lie");
  const auto bits = std::bit_cast<uint64_t>(value);
  if (bits == 0) return;  // Minus zero is another value.
  Tag(field, kFixed64);
  std::array<char, sizeof(bits)> bytes;
  std::memcpy(bytes.data(), &bits, sizeof(bits));
  output_.append(bytes.data(), bytes.size());
}

void WireWriter::Bytes(uint32_t field, absl::string_view bytes) {
  if (bytes.empty()) return;
  Tag(field, kLengthDelimited);
  Varint(bytes.size());
  output_.append(bytes.data(), bytes.size());
}

void WireWriter::PackedNumbers(uint32_t field, absl::Span<const int64_t> values) {
  if (values.empty()) return;
  const Message packed(*this, field);
  for (const int64_t value : values) Varint(static_cast<uint64_t>(value));
}

// Most are short: one byte of length is left for now.
WireWriter::Message::Message(WireWriter& writer, uint32_t field) : output_(writer.output_) {
  writer.Tag(field, kLengthDelimited);
  output_.push_back(0);
  begin_ = output_.size();
}

WireWriter::Message::~Message() {
  std::array<char, kMaxVarintBytes> bytes;
  const size_t size = PutVarint(output_.size() - begin_, bytes.data());
  output_.replace(begin_ - 1, 1, bytes.data(), size);
}

}  // namespace weir
