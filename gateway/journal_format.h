// The bytes of a journal's files; docs/journal.md describes them.
#ifndef WEIR_GATEWAY_JOURNAL_FORMAT_H_
#define WEIR_GATEWAY_JOURNAL_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

// What an entry is about.
struct JournalKey {
  uint8_t kind = 0;  // Any but kSnapshotEnd.
  std::array<uint8_t, 16> id = {};

  friend bool operator==(const JournalKey&, const JournalKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const JournalKey& key) {
    return H::combine(std::move(h), key.kind, key.id);
  }
};

// Of entries with one key that with the largest order counts; among equals, the later one.
struct JournalEntry {
  JournalKey key;
  uint64_t order = 0;
  absl::Time arrival;
  absl::string_view payload;  // At most kMaxJournalPayloadBytes.
};

enum class SegmentKind : uint32_t {
  kLog = 1,       // What was appended.
  kSnapshot = 2,  // Stands for the log with its number and all segments with smaller ones.
};

struct SegmentHeader {
  SegmentKind kind = SegmentKind::kLog;
  uint64_t number = 0;
  // Random, and not 0: nobody can make a payload that looks like a record of the segment.
  uint32_t salt = 0;
};

inline constexpr size_t kSegmentHeaderBytes = 64;
inline constexpr size_t kRecordHeaderBytes = 48;
inline constexpr size_t kMaxJournalPayloadBytes = size_t{64} << 20;

// The kind of the last record of a complete snapshot; its order is how many come before it.
inline constexpr uint8_t kSnapshotEnd = 255;

// Comes after the name of a snapshot until it is complete.
inline constexpr absl::string_view kUnfinishedSuffix = ".unfinished";

// "0000000000000012.log" or ".snapshot".
std::string SegmentName(SegmentKind kind, uint64_t number);
std::optional<std::pair<SegmentKind, uint64_t>> ParseSegmentName(absl::string_view name);

std::string EncodeSegmentHeader(const SegmentHeader& header);

// From the first kSegmentHeaderBytes of a file, or all there are. FAILED_PRECONDITION if they are
// not a journal's, or of a newer format; DATA_LOSS if they were, or are zeros, as a loss of power
// leaves them.
absl::StatusOr<SegmentHeader> DecodeSegmentHeader(absl::string_view bytes);

void AppendRecord(const JournalEntry& entry, uint32_t salt, std::string& out);

// The size of the record that begins with these bytes, if one does; they are at least
// kRecordHeaderBytes.
std::optional<size_t> ClaimedRecordBytes(absl::string_view bytes, uint32_t salt);

// `bytes` are those that ClaimedRecordBytes says. Nothing if they are damaged. The entry's payload
// points into them.
std::optional<JournalEntry> DecodeRecord(absl::string_view bytes, uint32_t salt);

// Where after `from` a record may begin; npos if nowhere.
size_t FindRecord(absl::string_view bytes, size_t from, uint32_t salt);

}  // namespace weir

#endif  // WEIR_GATEWAY_JOURNAL_FORMAT_H_
