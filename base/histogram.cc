#include "base/histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace weir {
namespace {

double MiddleOf(int bucket) {
  const uint64_t begin = HistogramBucketBegin(bucket);
  // The last bucket ends at 2^64, which is 0 here; the difference is right nevertheless.
  const uint64_t end = bucket + 1 < kHistogramBuckets ? HistogramBucketBegin(bucket + 1) : 0;
  return static_cast<double>(begin) + static_cast<double>(end - begin - 1) / 2;
}

}  // namespace

void Histogram::Merge(const Histogram& other) {
  for (int bucket = 0; bucket < kHistogramBuckets; ++bucket) {
    counts_[bucket] += other.counts_[bucket];
  }
  sum_ += other.sum_;
}

int64_t Histogram::Count() const {
  return std::accumulate(counts_.begin(), counts_.end(), int64_t{0});
}

double Histogram::Mean() const {
  const int64_t count = Count();
  return count == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count);
}

double Histogram::Quantile(double q) const {
  const int64_t count = Count();
  if (count == 0) return 0;
  // The product may come out a little above the whole number that it is.
  const auto rank = static_cast<int64_t>(std::ceil(q * static_cast<double>(count) - 1e-6));
  int64_t left = std::clamp<int64_t>(rank, 1, count);
  int bucket = 0;
  while ((left -= counts_[bucket]) > 0) ++bucket;
  return MiddleOf(bucket);
}

}  // namespace weir
