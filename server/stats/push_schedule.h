// When to push to a gateway.
#ifndef WEIR_SERVER_STATS_PUSH_SCHEDULE_H_
#define WEIR_SERVER_STATS_PUSH_SCHEDULE_H_

#include "absl/time/time.h"

namespace weir {

// Pure policy: time is an argument, and so is chance. Not thread-safe.
//
// While pushes succeed, they begin on the beats of one interval, so that all gateways that are well
// get the same snapshot. After a failure the next one waits: at first for an interval, or a second
// if that is less, and for twice as long after each further one, up to max_backoff; of that a
// random share between a half and all, so that servers that lost a gateway together do not come
// back together.
class PushSchedule {
 public:
  struct Options {
    absl::Duration interval = absl::Seconds(1);
    absl::Duration max_backoff = absl::Seconds(5);
  };

  // The first push is due at `begin`.
  PushSchedule(const Options& options, absl::Time begin);

  // When the next push shall begin. One that is under way comes first: at most one at a time.
  absl::Time due() const { return due_; }

  // How a push ended. `draw` is a random number evenly out of [0, 1).
  void Succeeded(absl::Time now);
  void Failed(absl::Time now, double draw);

 private:
  Options options_;
  absl::Time begin_;
  absl::Time due_;
  absl::Duration backoff_ = absl::ZeroDuration();  // Of the last failure; zero after a success.
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_PUSH_SCHEDULE_H_
