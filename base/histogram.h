// Distributions of whole numbers, such as durations in nanoseconds, in log-linear buckets.
//
// Each octave [2^k, 2^(k+1)) has 32 buckets of equal width, and numbers below 64 have a bucket
// each. So any number is known to within 1/64 (1.6 %) of itself, whatever its size, and histograms
// are merged without loss.
#ifndef WEIR_BASE_HISTOGRAM_H_
#define WEIR_BASE_HISTOGRAM_H_

#include <array>
#include <bit>
#include <cstdint>

namespace weir {

inline constexpr int kHistogramOctaveBits = 5;  // 32 buckets an octave.
inline constexpr int kHistogramBuckets = (64 - kHistogramOctaveBits + 1) << kHistogramOctaveBits;

// The bucket of `value`. Larger values never have a smaller one.
constexpr int HistogramBucketOf(uint64_t value) {
  constexpr int kBits = kHistogramOctaveBits;
  if (value < (1U << kBits)) return static_cast<int>(value);
  const int shift = std::bit_width(value) - 1 - kBits;
  return (shift << kBits) + static_cast<int>(value >> shift);
}

// The smallest value of `bucket`; the largest is the next bucket's smallest less one.
constexpr uint64_t HistogramBucketBegin(int bucket) {
  constexpr int kBits = kHistogramOctaveBits;
  if (bucket < (1 << kBits)) return bucket;
  const int shift = (bucket >> kBits) - 1;
  return static_cast<uint64_t>(bucket - (shift << kBits)) << shift;
}

// 15 KB large. Not thread-safe: threads keep one each and merge them.
class Histogram {
 public:
  void Record(uint64_t value, int64_t times = 1) {
    counts_[HistogramBucketOf(value)] += times;
    sum_ += value * times;
  }

  void Merge(const Histogram& other);

  // How many values there are, by their buckets.
  int64_t Count() const;

  // The exact mean; 0 without values.
  double Mean() const;

  // The value that at least the share `q` of all values do not exceed, with q from 0 to 1, as the
  // middle of its bucket; 0 without values.
  double Quantile(double q) const;

  int64_t CountInBucket(int bucket) const { return counts_[bucket]; }

 private:
  std::array<int64_t, kHistogramBuckets> counts_ = {};
  uint64_t sum_ = 0;
};

}  // namespace weir

#endif  // WEIR_BASE_HISTOGRAM_H_
