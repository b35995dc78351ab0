#include "base/wire_writer.h"

#include <array>
#include <bit>
#include <cstring>

namespace weir {
namespace {

constexpr size_t kMaxVarintBytes = 10;

// Returns the end of what it takes.
char* PutVarint(uint64_t value, char* bytes) {
  for (; value >= 0x80; value >>= 7) *bytes++ = static_cast<char>(value | 0x80);
  *bytes++ = static_cast<char>(value);
  return bytes;
}

}  // namespace

void WireWriter::Append(uint32_t field, WireType type, uint64_t value) {
  std::array<char, 2 * kMaxVarintBytes> bytes;
  const char* const end = PutVarint(value, PutVarint(field << 3 | type, bytes.data()));
  output_.append(bytes.data(), end - bytes.data());
}

void WireWriter::Number(uint32_t field, uint64_t value) {
  if (value != 0) Append(field, kVarint, value);
}

void WireWriter::Double(uint32_t field, double value) {
  static_assert(std::endian::native == std::endian::little, "doubles are written as they lie");
  const auto bits = std::bit_cast<uint64_t>(value);
  if (bits == 0) return;  // Minus zero is another value.
  std::array<char, kMaxVarintBytes + sizeof(bits)> bytes;
  char* const end = PutVarint(field << 3 | kFixed64, bytes.data());
  std::memcpy(end, &bits, sizeof(bits));
  output_.append(bytes.data(), end + sizeof(bits) - bytes.data());
}

void WireWriter::Bytes(uint32_t field, absl::string_view bytes) {
  if (bytes.empty()) return;
  Append(field, kLengthDelimited, bytes.size());
  output_.append(bytes.data(), bytes.size());
}

void WireWriter::PackedNumbers(uint32_t field, absl::Span<const int64_t> values) {
  if (values.empty()) return;
  const Message packed(*this, field);
  for (const int64_t value : values) {
    std::array<char, kMaxVarintBytes> bytes;
    const char* const end = PutVarint(static_cast<uint64_t>(value), bytes.data());
    output_.append(bytes.data(), end - bytes.data());
  }
}

// Most are short: one byte of length is left for now.
WireWriter::Message::Message(WireWriter& writer, uint32_t field) : output_(writer.output_) {
  writer.Append(field, kLengthDelimited, 0);
  begin_ = output_.size();
}

WireWriter::Message::~Message() {
  std::array<char, kMaxVarintBytes> bytes;
  const char* const end = PutVarint(output_.size() - begin_, bytes.data());
  output_.replace(begin_ - 1, 1, bytes.data(), end - bytes.data());
}

}  // namespace weir
