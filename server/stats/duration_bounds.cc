#include "server/stats/duration_bounds.h"

#include <algorithm>
#include <limits>

namespace weir {
namespace {

constexpr uint64_t kMicrosecond = 1000;
constexpr uint64_t kMillisecond = 1000 * kMicrosecond;
constexpr uint64_t kSecond = 1000 * kMillisecond;

constexpr std::array<uint64_t, 16> kClassic = {
    100 * kMicrosecond,  250 * kMicrosecond,  500 * kMicrosecond, 1 * kMillisecond,
    2500 * kMicrosecond, 5 * kMillisecond,    10 * kMillisecond,  25 * kMillisecond,
    50 * kMillisecond,   100 * kMillisecond,  250 * kMillisecond, 500 * kMillisecond,
    1 * kSecond,         2500 * kMillisecond, 5 * kSecond,        10 * kSecond,
};

}  // namespace

DurationBounds::DurationBounds(absl::Duration slo_latency) {
  std::vector<uint64_t> bounds(kClassic.begin(), kClassic.end());
  if (slo_latency > absl::ZeroDuration() && slo_latency < absl::Hours(24 * 365)) {
    const auto slo_ns = static_cast<uint64_t>(absl::ToInt64Nanoseconds(slo_latency));
    const auto place = std::lower_bound(bounds.begin(), bounds.end(), slo_ns);
    if (slo_ns > 0 && (place == bounds.end() || *place != slo_ns)) bounds.insert(place, slo_ns);
  }
  size_ = static_cast<int>(bounds.size());
  bounds_ns_.fill(std::numeric_limits<uint64_t>::max());
  std::copy(bounds.begin(), bounds.end(), bounds_ns_.begin());
  int bound = 0;
  for (int bucket = 0; bucket < kHistogramBuckets; ++bucket) {
    while (bound < size_ && bounds[bound] < HistogramBucketBegin(bucket)) ++bound;
    first_candidate_[bucket] = static_cast<uint8_t>(bound);
  }
}

std::vector<double> DurationBounds::Seconds() const {
  std::vector<double> seconds;
  for (int i = 0; i < size_; ++i) {
    // As everybody makes seconds of weir.slo_latency, so that the two are the same number.
    seconds.push_back(absl::ToDoubleSeconds(absl::Nanoseconds(bounds_ns_[i])));
  }
  return seconds;
}

}  // namespace weir
