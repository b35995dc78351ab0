// What one version of one model counts: the hot path of the recorder.
#ifndef WEIR_SERVER_STATS_VERSION_STATS_H_
#define WEIR_SERVER_STATS_VERSION_STATS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/stats/duration_bounds.h"
#include "server/stats/version_layout.h"

namespace weir {

// How one request ended. Times are in nanoseconds; those below zero count as zero.
struct AnswerRecord {
  absl::StatusCode code = absl::StatusCode::kOk;
  Rejection rejection = Rejection::kNone;

  // These count if the code is OK.
  int64_t rows = 0;
  int64_t total_ns = 0;
  std::array<int64_t, kStages> stage_ns = {};  // By Stage.
};

// Thread-safe; made by a Recorder and valid as long as that lives. Nothing here locks, allocates or
// waits: each thread counts in a shard of its own, and those beyond the number of shards share one.
// What a layout does not count is left out.
class VersionStats {
 public:
  // A request has come.
  void RecordStart();

  // Exactly once for each request, before its answer is handed to the transport.
  void RecordAnswer(const AnswerRecord& answer);

  // A batch ran, and kept its instance busy for so long.
  void RecordBatch(int64_t rows, absl::Duration busy);

  // One row of an answer. An index without a class, or beyond the first 50, counts as `other`.
  // A score that is not within 0 and 1 counts as the nearest of them, NaN as 0.
  void RecordClass(int64_t index, float score);

  // One row of an answer. NaN and infinity count in the histogram, not in the sum.
  void RecordValue(double value);

  // Requests that have come and are not answered. Never fewer than there were all the while; those
  // that come or are answered meanwhile may count. Not hot.
  int64_t in_flight() const;

 private:
  friend class Recorder;

  explicit VersionStats(const VersionDefinition& definition);
  explicit VersionStats(VersionLayout layout);

  // Before anything else: shards + 1 times `stride` cells, all 0.
  void Attach(uint64_t* cells, size_t stride, int shards);

  // Calls `record` with the shard of this thread.
  template <typename Fn>
  void WithShard(Fn record);

  void RecordLoadFailure();

  uint64_t* Shard(size_t index) const { return cells_ + index * stride_; }

  // Of `count` cells from `first` on, over all shards that a thread has had.
  uint64_t Sum(size_t first, size_t count) const;

  const VersionDefinition definition_;
  const DurationBounds duration_bounds_;
  const VersionLayout layout_;

  // Constant after Attach.
  uint64_t* cells_ = nullptr;
  size_t stride_ = 0;
  unsigned shards_ = 0;  // Behind these is the one that all other threads share.
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_VERSION_STATS_H_
