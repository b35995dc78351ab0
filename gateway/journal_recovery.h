// Finds out what the files of a journal hold. Changes none of them.
#ifndef WEIR_GATEWAY_JOURNAL_RECOVERY_H_
#define WEIR_GATEWAY_JOURNAL_RECOVERY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/journal_format.h"

namespace weir {

struct JournalRecovery {
  int64_t bytes = 0;          // Of all files that count.
  int64_t entries = 0;        // Whole ones.
  int64_t restored = 0;       // The newest of each key.
  int64_t cut_bytes = 0;      // The tail of a write that did not end.
  int64_t damages = 0;        // Places where something is missing; the log names each.
  int64_t damaged_bytes = 0;  // What was passed over there.
};

struct RecoveredSegments {
  struct Segment {
    std::string path;
    SegmentHeader header;
    bool has_header = false;  // Else nothing of it could be read.
    int64_t end = 0;          // Behind the last whole record.
    int64_t size = 0;         // Of the file.
  };

  JournalRecovery recovery;
  std::vector<Segment> segments;  // Those that count, by number.
  std::vector<std::string>
      obsolete;              // Files that something newer stands for, or were never finished.
  uint64_t next_number = 1;  // Larger than that of any segment.
};

// Calls restore with the newest entry of each key. Of the last log, what follows `end` is to be cut
// before anything is appended. Fails as Journal::Open does.
absl::StatusOr<RecoveredSegments> RecoverJournal(
    const std::string& directory, absl::FunctionRef<absl::Status(const JournalEntry&)> restore);

}  // namespace weir

#endif  // WEIR_GATEWAY_JOURNAL_RECOVERY_H_
