#include "server/stats/push_schedule.h"

#include <algorithm>
#include <cstdint>

namespace weir {
namespace {

constexpr absl::Duration kMaxFirstBackoff = absl::Seconds(1);

}  // namespace

PushSchedule::PushSchedule(const Options& options, absl::Time begin)
    : options_(options), begin_(begin), due_(begin) {}

void PushSchedule::Succeeded(absl::Time now) {
  backoff_ = absl::ZeroDuration();
  absl::Duration into_beat;
  const int64_t beats = absl::IDivDuration(std::max(now - begin_, absl::ZeroDuration()),
                                           options_.interval, &into_beat);
  due_ = begin_ + (beats + 1) * options_.interval;
}

void PushSchedule::Failed(absl::Time now, double draw) {
  backoff_ = backoff_ == absl::ZeroDuration() ? std::min(options_.interval, kMaxFirstBackoff)
                                              : 2 * backoff_;
  backoff_ = std::min(backoff_, options_.max_backoff);
  due_ = now + backoff_ * (0.5 + draw / 2);
}

}  // namespace weir
