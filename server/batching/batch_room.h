// Decides how far a batch may grow without making anyone in it late.
#ifndef WEIR_SERVER_BATCHING_BATCH_ROOM_H_
#define WEIR_SERVER_BATCHING_BATCH_ROOM_H_

#include <cmath>
#include <cstdint>

#include "absl/time/time.h"
#include "server/batching/batch_cost.h"

namespace weir {

// Predictions are wrong by about this much: batches of one size differ by a few percent, and
// requests come in other sizes than those that would fill a batch. A request is queued only if it
// would be in time with this much to spare, and batches become less efficient by this much at most
// for the sake of tight deadlines. The former makes up for the latter; otherwise a full queue could
// go on being served in ever smaller batches, each of them just in time for requests that waited
// too long.
inline constexpr double kPredictionMargin = 0.1;

// Whether what takes so long, to the nanosecond, would be in time with the margin. These two go by
// way of nanoseconds, because the long arithmetic of durations takes longer than all the rest.
inline bool IsInTime(double needed_ns, absl::Duration left) {
  return needed_ns * (1 + kPredictionMargin) <=
         static_cast<double>(absl::ToInt64Nanoseconds(left)) + 0.5;
}
inline absl::Duration WithoutMargin(absl::Duration time) {
  const auto nanoseconds = static_cast<double>(absl::ToInt64Nanoseconds(time));
  return absl::Nanoseconds(std::llround(nanoseconds / (1 + kPredictionMargin)));
}

// One batch that is being put together. Not thread-safe.
class BatchRoom {
 public:
  enum class Fit { kTaken, kNextBatch, kTooLate };

  // For at most `full_rows`, or a single request of more. `cost` has to outlive this.
  BatchRoom(const BatchCost& cost, int64_t full_rows);

  // Takes the next request if its batch would be done within `left`, and from then on no more rows
  // than that allows. `crowded`: enough rows wait for a full batch. Then others can take the place
  // of a request that would be late without the margin, or that needs a much less efficient batch.
  Fit Take(int64_t rows, absl::Duration left, bool crowded);

  int64_t full_rows() const { return full_rows_; }
  int64_t rows() const { return rows_; }
  bool is_full() const { return rows_ >= most_rows_; }

 private:
  // Whether a batch of `rows` does about as much in a time as a full one.
  bool IsEfficient(int64_t rows) const;

  const BatchCost& cost_;
  const int64_t full_rows_;
  int64_t most_rows_;         // That the deadlines of those in it allow.
  absl::Duration most_time_;  // Of so many rows.
  int64_t rows_ = 0;
};

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_BATCH_ROOM_H_
