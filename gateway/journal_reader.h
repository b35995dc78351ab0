// Reads one file of a journal, whatever became of it.
#ifndef WEIR_GATEWAY_JOURNAL_READER_H_
#define WEIR_GATEWAY_JOURNAL_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/journal_format.h"

namespace weir {

struct ByteRange {
  int64_t begin = 0;
  int64_t bytes = 0;
};

struct SegmentContent {
  int64_t entries = 0;
  int64_t end = 0;                // Behind the last whole record.
  int64_t size = 0;               // Of the file; what lies between is the tail of a broken write.
  std::vector<ByteRange> damage;  // Before `end`.
};

// Calls visit(offset, entry) for each whole record; the entry's payload is gone when it returns.
// After a damaged record, goes on with the next one that is whole. Fails only if the file cannot be
// read. `path` is for errors.
absl::StatusOr<SegmentContent> ReadSegment(
    int file, const std::string& path, const SegmentHeader& header,
    absl::FunctionRef<void(int64_t offset, const JournalEntry&)> visit);

// Reads `bytes` at `offset`, or what there is of them, into `out`.
absl::Status ReadAt(int file, const std::string& path, int64_t offset, size_t bytes,
                    std::string& out);

}  // namespace weir

#endif  // WEIR_GATEWAY_JOURNAL_READER_H_
