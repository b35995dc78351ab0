// When to compact a journal.
#ifndef WEIR_GATEWAY_JOURNAL_COMPACTION_POLICY_H_
#define WEIR_GATEWAY_JOURNAL_COMPACTION_POLICY_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace weir {

// Due when the log has grown beyond `min_bytes`, and beyond `factor` times what the last compaction
// left: so a journal is at most factor + 1 times as large as what it has to hold, plus min_bytes,
// and each byte that is pushed costs 1/factor bytes of compaction.
struct CompactionPolicy {
  int64_t min_bytes = int64_t{64} << 20;
  int64_t factor = 3;
  absl::Duration retry_after = absl::Minutes(1);  // A failed one.

  absl::Time not_before = absl::InfinitePast();

  bool Due(int64_t log_bytes, int64_t snapshot_bytes, absl::Time now) const {
    return now >= not_before && log_bytes > std::max(min_bytes, factor * snapshot_bytes);
  }

  void NoteFailure(absl::Time now) { not_before = now + retry_after; }
};

}  // namespace weir

#endif  // WEIR_GATEWAY_JOURNAL_COMPACTION_POLICY_H_
