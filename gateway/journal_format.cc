#include "gateway/journal_format.h"

#include <libdeflate.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace weir {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

constexpr absl::string_view kMagic = "weirjnl\n";
constexpr uint32_t kFormat = 1;
constexpr size_t kHeaderCopyBytes = kSegmentHeaderBytes / 2;
constexpr size_t kNumberDigits = 16;
constexpr absl::string_view kLogSuffix = ".log";
constexpr absl::string_view kSnapshotSuffix = ".snapshot";

// Where the parts of a record's header are.
constexpr size_t kCrcAt = 4;
constexpr size_t kLengthAt = 8;
constexpr size_t kKindAt = 12;
constexpr size_t kOrderAt = 16;
constexpr size_t kArrivalAt = 24;
constexpr size_t kIdAt = 32;

template <typename T>
void Put(T value, size_t at, char* bytes) {
  std::memcpy(bytes + at, &value, sizeof(value));
}

template <typename T>
T Get(absl::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

uint32_t Crc(uint32_t seed, absl::string_view bytes) {
  return libdeflate_crc32(seed, bytes.data(), bytes.size());
}

}  // namespace

std::string SegmentName(SegmentKind kind, uint64_t number) {
  return absl::StrFormat("%0*d%s", kNumberDigits, number,
                         kind == SegmentKind::kLog ? kLogSuffix : kSnapshotSuffix);
}

std::optional<std::pair<SegmentKind, uint64_t>> ParseSegmentName(absl::string_view name) {
  const SegmentKind kind =
      absl::ConsumeSuffix(&name, kLogSuffix) ? SegmentKind::kLog : SegmentKind::kSnapshot;
  if (kind == SegmentKind::kSnapshot && !absl::ConsumeSuffix(&name, kSnapshotSuffix)) {
    return std::nullopt;
  }
  uint64_t number;
  if (name.size() != kNumberDigits ||
      !std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
      !absl::SimpleAtoi(name, &number)) {
    return std::nullopt;
  }
  return std::make_pair(kind, number);
}

// Twice the same, so that a damaged one does not take the segment with it.
std::string EncodeSegmentHeader(const SegmentHeader& header) {
  char copy[kHeaderCopyBytes];
  std::memcpy(copy, kMagic.data(), kMagic.size());
  Put(kFormat, 8, copy);
  Put(header.kind, 12, copy);
  Put(header.number, 16, copy);
  Put(header.salt, 24, copy);
  Put(Crc(0, {copy, 28}), 28, copy);
  const absl::string_view view(copy, sizeof(copy));
  return absl::StrCat(view, view);
}

absl::StatusOr<SegmentHeader> DecodeSegmentHeader(absl::string_view bytes) {
  bytes = bytes.substr(0, kSegmentHeaderBytes);
  // Of a file that was not written in full nothing is there, or zeros.
  const absl::string_view written = bytes.substr(0, bytes.find_last_not_of('\0') + 1);
  bool is_ours = absl::StartsWith(kMagic, written.substr(0, kMagic.size()));
  for (size_t at : {size_t{0}, kHeaderCopyBytes}) {
    if (bytes.size() < at + kHeaderCopyBytes) break;
    const absl::string_view copy = bytes.substr(at, kHeaderCopyBytes);
    if (!absl::StartsWith(copy, kMagic)) continue;
    is_ours = true;
    if (Get<uint32_t>(copy, 28) != Crc(0, copy.substr(0, 28))) continue;
    if (const auto format = Get<uint32_t>(copy, 8); format != kFormat) {
      return absl::FailedPreconditionError(absl::StrCat("is a journal of format ", format,
                                                        ", and this weir reads format ", kFormat));
    }
    return SegmentHeader{.kind = Get<SegmentKind>(copy, 12),
                         .number = Get<uint64_t>(copy, 16),
                         .salt = Get<uint32_t>(copy, 24)};
  }
  if (is_ours) return absl::DataLossError("has lost its header");
  return absl::FailedPreconditionError("is not a journal of weir");
}

void AppendRecord(const JournalEntry& entry, uint32_t salt, std::string& out) {
  const size_t begin = out.size();
  char header[kRecordHeaderBytes] = {};
  Put(salt, 0, header);
  Put(static_cast<uint32_t>(entry.payload.size()), kLengthAt, header);
  Put(entry.key.kind, kKindAt, header);
  Put(entry.order, kOrderAt, header);
  Put(absl::ToUnixNanos(entry.arrival), kArrivalAt, header);
  Put(entry.key.id, kIdAt, header);
  absl::StrAppend(&out, absl::string_view(header, sizeof(header)), entry.payload);
  Put(Crc(salt, absl::string_view(out).substr(begin + kLengthAt)), begin + kCrcAt, out.data());
}

std::optional<size_t> ClaimedRecordBytes(absl::string_view bytes, uint32_t salt) {
  if (Get<uint32_t>(bytes, 0) != salt) return std::nullopt;
  const auto length = Get<uint32_t>(bytes, kLengthAt);
  if (length > kMaxJournalPayloadBytes) return std::nullopt;
  return kRecordHeaderBytes + length;
}

std::optional<JournalEntry> DecodeRecord(absl::string_view bytes, uint32_t salt) {
  if (Get<uint32_t>(bytes, kCrcAt) != Crc(salt, bytes.substr(kLengthAt))) return std::nullopt;
  return JournalEntry{.key = {.kind = Get<uint8_t>(bytes, kKindAt),
                              .id = Get<std::array<uint8_t, 16>>(bytes, kIdAt)},
                      .order = Get<uint64_t>(bytes, kOrderAt),
                      .arrival = absl::FromUnixNanos(Get<int64_t>(bytes, kArrivalAt)),
                      .payload = bytes.substr(kRecordHeaderBytes)};
}

size_t FindRecord(absl::string_view bytes, size_t from, uint32_t salt) {
  char marker[sizeof(salt)];
  Put(salt, 0, marker);
  return bytes.find(absl::string_view(marker, sizeof(marker)), from);
}

}  // namespace weir
