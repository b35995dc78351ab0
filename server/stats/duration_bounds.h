// The buckets of durations: where the bounds are, and which bucket a duration belongs to.
#ifndef WEIR_SERVER_STATS_DURATION_BOUNDS_H_
#define WEIR_SERVER_STATS_DURATION_BOUNDS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "base/histogram.h"

namespace weir {

// Bounds from 100 us to 10 s, and one more where the SLO is, so that the share of requests that
// meet it is exact. Immutable, so thread-safe.
class DurationBounds {
 public:
  // An infinite `slo_latency` is no bound.
  explicit DurationBounds(absl::Duration slo_latency);

  // The number of the first bound that is not smaller than `ns`, or how many bounds there are.
  // `log_linear` is HistogramBucketOf(ns), which callers need besides.
  int BucketOf(uint64_t ns, int log_linear) const {
    int bucket = first_candidate_[log_linear];
    while (ns > bounds_ns_[bucket]) ++bucket;  // Twice at most: that many bounds are in one bucket.
    return bucket;
  }

  std::vector<double> Seconds() const;

 private:
  static constexpr int kMaxBounds = 17;

  int size_ = 0;
  std::array<uint64_t, kMaxBounds + 1>
      bounds_ns_;  // Behind the last one stands the largest number.
  // For each bucket of base/histogram.h: where its smallest value belongs.
  std::array<uint8_t, kHistogramBuckets> first_candidate_;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_DURATION_BOUNDS_H_
