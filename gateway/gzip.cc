#include "gateway/gzip.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "gateway/huffman.h"

namespace weir {
namespace {

// Deflate (RFC 1951): literals, an end, and lengths share a code; distances have another.
constexpr int kEnd = 256;
constexpr int kLiteralCodes = 286;
constexpr int kDistanceCodes = 30;
constexpr size_t kMinMatch = 3;
constexpr size_t kMaxMatch = 258;
constexpr size_t kMaxDistance = size_t{32} << 10;

// Text that becomes one block, with codes of its own.
constexpr size_t kBlockBytes = size_t{256} << 10;

// How much has to be the same for a match outside of the step before.
constexpr ptrdiff_t kHashed = 6;
constexpr int kHashBits = 12;

// New text of a step is searched for at its beginning; all over, if it is longer than this.
constexpr ptrdiff_t kLongText = 32;

// A code, and bits that follow it.
struct Coded {
  uint16_t code;
  uint16_t extra;
  uint8_t extra_bits;
};

constexpr Coded CodeOfLength(uint32_t length) {
  if (length < kMinMatch) return {};
  if (length == kMaxMatch) return {285, 0, 0};
  const uint32_t l = length - kMinMatch;
  if (l < 8) return {static_cast<uint16_t>(257 + l), 0, 0};
  const int extra_bits = std::bit_width(l) - 3;
  return {static_cast<uint16_t>(257 + 4 * (extra_bits + 1) + (l >> extra_bits & 3)),
          static_cast<uint16_t>(l & ((1U << extra_bits) - 1)), static_cast<uint8_t>(extra_bits)};
}

// Of a distance less one.
constexpr uint8_t CodeOfDistance(uint32_t d) {
  if (d < 4) return static_cast<uint8_t>(d);
  const int extra_bits = std::bit_width(d) - 2;
  return static_cast<uint8_t>(2 * (extra_bits + 1) + (d >> extra_bits & 1));
}

// Looked up, since to work them out took half of the time.
constexpr auto kLengths = [] {
  std::array<Coded, kMaxMatch + 1> lengths = {};
  for (size_t i = 0; i < lengths.size(); ++i) lengths[i] = CodeOfLength(i);
  return lengths;
}();

// Of distances less one below 256, then of each 128th.
constexpr auto kDistances = [] {
  std::array<uint8_t, 512> codes = {};
  for (uint32_t i = 0; i < 256; ++i) {
    codes[i] = CodeOfDistance(i);
    codes[256 + i] = CodeOfDistance(i << 7);
  }
  return codes;
}();

int DistanceCode(uint32_t distance) {
  const uint32_t d = distance - 1;
  return d < 256 ? kDistances[d] : kDistances[256 + (d >> 7)];
}

class BitWriter {
 public:
  explicit BitWriter(TextBuffer& out) : out_(&out) {}

  // For so many bytes more.
  void Reserve(size_t bytes) { to_ = out_->Room(bytes + sizeof(bits_)); }
  // Ends what Reserve began.
  void Commit() { out_->SetEnd(to_); }

  // At most 57 bits between two calls of Flush, or one code after another until IsFull.
  void Put(uint64_t bits, int count) {
    bits_ |= bits << count_;
    count_ += count;
  }
  void Put(HuffmanCode code) { Put(code.bits, code.length); }
  void Flush() {
    std::memcpy(to_, &bits_, sizeof(bits_));  // The first bit is the lowest of the first byte.
    to_ += count_ >> 3;
    bits_ >>= count_ & ~7;
    count_ &= 7;
  }
  // Whether there is no room for one more code.
  bool IsFull() const { return count_ > 64 - 16; }
  void FinishByte() {
    count_ = (count_ + 7) & ~7;
    Flush();
  }

 private:
  static_assert(std::endian::native == std::endian::little);

  TextBuffer* out_;
  char* to_ = nullptr;
  uint64_t bits_ = 0;
  int count_ = 0;
};

// Writes blocks of deflate from a page's steps.
class PageDeflater {
 public:
  explicit PageDeflater(TextBuffer& out) : writer_(out), window_(kMaxDistance + kRoom) {}

  // Returns the text's CRC.
  uint32_t Deflate(const PageText& page) {
    PageText::Reader reader(page);
    uint32_t crc = libdeflate_crc32(0, nullptr, 0);
    size_t begin = 0;  // Of the new text in window_; before it is what matches may refer to.
    while (true) {
      char* const text = window_.data() + begin;
      StartBlock();
      const size_t size =
          reader.Read(text, kRoom, [this](size_t keep, const char* step, size_t step_size) {
            AddStep(keep, step, step_size);
          });
      if (size == 0) break;
      crc = libdeflate_crc32(crc, text, size);
      WriteBlock(/*last=*/false, size);
      // The end of the text goes to the front.
      const size_t end = begin + size;
      const size_t kept = std::min(end, kMaxDistance);
      std::memmove(window_.data(), window_.data() + end - kept, kept);
      base_ += end - kept;
      begin = kept;
    }
    WriteBlock(/*last=*/true, 0);
    return crc;
  }

 private:
  static constexpr size_t kRoom = kBlockBytes + PageText::Reader::kMinRoomBytes;

  // A literal, or a match: its length and distance, of which the former is not 0.
  struct Token {
    uint16_t length;
    uint16_t distance_or_byte;  // 32768 fits.
  };

  void StartBlock() {
    tokens_.clear();
    literal_counts_.fill(0);
    distance_counts_.fill(0);
    literal_counts_[kEnd] = 1;
  }

  void AddLiteral(char c) {
    const auto byte = static_cast<uint8_t>(c);
    tokens_.push_back({0, byte});
    ++literal_counts_[byte];
  }

  void AddMatch(size_t length, size_t distance) {
    const int distance_code = DistanceCode(distance);
    while (length > 0) {
      // No rest that is too short for a match.
      const size_t rest = length - std::min(length, kMaxMatch);
      const size_t part = rest > 0 && rest < kMinMatch ? kMaxMatch - kMinMatch : length - rest;
      tokens_.push_back({static_cast<uint16_t>(part), static_cast<uint16_t>(distance)});
      ++literal_counts_[kLengths[part].code];
      ++distance_counts_[distance_code];
      length -= part;
    }
  }

  void AddStep(size_t keep, const char* step, size_t size) {
    const char* at = step;
    const char* const end = step + size;
    if (keep >= kMinMatch && last_step_bytes_ <= kMaxDistance) {
      AddMatch(keep, last_step_bytes_);
      at += keep;
    }
    last_step_bytes_ = size;
    const char* const search_end = end - at > kLongText ? end : at + 1;
    while (at < search_end && end - at >= kHashed) AddSearched(end, at);
    while (at != end) AddLiteral(*at++);
  }

  // Adds a match, or a literal, and moves on. There are kHashed bytes at least.
  void AddSearched(const char* end, const char*& at) {
    uint64_t bytes;
    std::memcpy(&bytes, at, sizeof(bytes));  // The window has room behind its text.
    const uint64_t hash = (bytes << 16) * 0x9E3779B97F4A7C15 >> (64 - kHashBits);
    const uint64_t position = base_ + (at - window_.data());
    const uint64_t distance = position - recent_[hash];
    recent_[hash] = position;
    if (distance == 0 || distance > kMaxDistance || std::memcmp(at - distance, at, kHashed) != 0) {
      AddLiteral(*at++);
      return;
    }
    const char* const before = at - distance;
    size_t length = kHashed;
    while (at + length < end && before[length] == at[length]) ++length;
    AddMatch(length, distance);
    at += length;
  }

  void WriteBlock(bool last, size_t text_bytes) {
    std::array<HuffmanCode, kLiteralCodes> literals;
    std::array<HuffmanCode, kDistanceCodes> distances;
    MakeHuffmanCodes(literal_counts_, absl::MakeSpan(literals));
    MakeHuffmanCodes(distance_counts_, absl::MakeSpan(distances));
    // A copy, which can stay in registers.
    BitWriter writer = writer_;
    writer.Reserve(512 + 2 * text_bytes);
    writer.Put(last ? 1 : 0, 1);
    writer.Put(2, 2);  // With codes of its own.
    writer.Put(kLiteralCodes - 257, 5);
    writer.Put(kDistanceCodes - 1, 5);
    // The lengths of codes have a code too: here four bits for each from 0 to 15. It is told in an
    // order that begins with the three numbers that are not used.
    writer.Put(19 - 4, 4);
    for (int i = 0; i < 19; ++i) {
      writer.Put(i < 3 ? 0 : 4, 3);
      writer.Flush();
    }
    for (const HuffmanCode& code : literals) PutLength(code, writer);
    for (const HuffmanCode& code : distances) PutLength(code, writer);
    for (const Token token : tokens_) {
      if (token.length == 0) {
        writer.Put(literals[token.distance_or_byte]);
        if (writer.IsFull()) writer.Flush();
      } else {
        writer.Flush();
        const Coded& length = kLengths[token.length];
        writer.Put(literals[length.code]);
        writer.Put(length.extra, length.extra_bits);
        const int code = DistanceCode(token.distance_or_byte);
        const int extra_bits = std::max(code / 2 - 1, 0);
        writer.Put(distances[code]);
        writer.Put((token.distance_or_byte - 1) & ((1U << extra_bits) - 1), extra_bits);
        writer.Flush();
      }
    }
    writer.Flush();
    writer.Put(literals[kEnd]);
    writer.Flush();
    if (last) writer.FinishByte();
    writer.Commit();
    writer_ = writer;
  }

  static void PutLength(HuffmanCode code, BitWriter& writer) {
    // Codes are written from their highest bit on.
    static constexpr std::array<uint8_t, 16> kReversed = {0, 8, 4, 12, 2, 10, 6, 14,
                                                          1, 9, 5, 13, 3, 11, 7, 15};
    writer.Put(kReversed[code.length], 4);
    writer.Flush();
  }

  BitWriter writer_;
  std::vector<char> window_;
  uint64_t base_ = 0;  // How much text came before window_.
  size_t last_step_bytes_ = 0;
  // Where text was seen last whose hash this is.
  std::array<uint64_t, size_t{1} << kHashBits> recent_ = {};

  // Of the block.
  std::vector<Token> tokens_;
  std::array<uint32_t, kLiteralCodes> literal_counts_;
  std::array<uint32_t, kDistanceCodes> distance_counts_;
};

void AppendInteger(uint32_t value, TextBuffer& out) {
  char bytes[sizeof(value)];
  std::memcpy(bytes, &value, sizeof(value));
  out.Append({bytes, sizeof(bytes)});
}

}  // namespace

void Gzip(const PageText& page, TextBuffer& out) {
  // Deflate, no time, fastest, on Unix.
  out.Append(absl::string_view("\x1f\x8b\x08\0\0\0\0\0\x04\x03", 10));
  const uint32_t crc = std::make_unique<PageDeflater>(out)->Deflate(page);
  AppendInteger(crc, out);
  AppendInteger(static_cast<uint32_t>(page.size()), out);
}

}  // namespace weir
