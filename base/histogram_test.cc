#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace weir {
namespace {

constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();

TEST(HistogramBucketTest, SmallNumbersHaveABucketEach) {
  for (uint64_t value = 0; value < 64; ++value) {
    EXPECT_EQ(HistogramBucketOf(value), static_cast<int>(value));
  }
}

TEST(HistogramBucketTest, ABucketBeginsWhereTheOneBeforeItEnds) {
  for (int bucket = 1; bucket < kHistogramBuckets; ++bucket) {
    EXPECT_EQ(HistogramBucketOf(HistogramBucketBegin(bucket)), bucket);
    EXPECT_EQ(HistogramBucketOf(HistogramBucketBegin(bucket) - 1), bucket - 1);
  }
}

TEST(HistogramBucketTest, TheLargestNumberIsInTheLastBucket) {
  EXPECT_EQ(HistogramBucketOf(kLargest), kHistogramBuckets - 1);
}

TEST(HistogramTest, AnEmptyOneAnswersZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.Count(), 0);
  EXPECT_EQ(histogram.Mean(), 0);
  EXPECT_EQ(histogram.Quantile(0.5), 0);
}

TEST(HistogramTest, OneValueIsEveryQuantile) {
  Histogram histogram;
  histogram.Record(41);
  for (const double q : {0.0, 0.5, 1.0}) EXPECT_EQ(histogram.Quantile(q), 41);
}

TEST(HistogramTest, AQuantileIsTheValueThatThatShareDoesNotExceed) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 50; ++value) histogram.Record(value);
  EXPECT_EQ(histogram.Quantile(0), 1);
  EXPECT_EQ(histogram.Quantile(0.14), 7);  // 0.14 * 50 is a little above 7.
  EXPECT_EQ(histogram.Quantile(0.5), 25);
  EXPECT_EQ(histogram.Quantile(0.51), 26);
  EXPECT_EQ(histogram.Quantile(0.98), 49);
  EXPECT_EQ(histogram.Quantile(1), 50);
}

TEST(HistogramTest, AnyValueIsKnownToWithinASixtyFourth) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100000; ++i) {
    const uint64_t value = random() >> (random() % 64);
    Histogram histogram;
    histogram.Record(value);
    const auto exact = static_cast<double>(value);
    ASSERT_LE(std::abs(histogram.Quantile(0.5) - exact), exact / 64 + 1e-9) << value;
  }
}

TEST(HistogramTest, QuantilesOfManyValuesAreWithinASixtyFourthOfTheExactOnes) {
  std::mt19937_64 random(2);
  std::lognormal_distribution<double> distribution(12, 1.5);
  Histogram histogram;
  std::vector<uint64_t> values(100001);
  for (uint64_t& value : values) {
    value = static_cast<uint64_t>(distribution(random));
    histogram.Record(value);
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999}) {
    const auto exact =
        static_cast<double>(values[static_cast<size_t>(std::ceil(q * values.size())) - 1]);
    EXPECT_NEAR(histogram.Quantile(q), exact, exact / 64) << q;
  }
}

TEST(HistogramTest, TheMeanIsExact) {
  Histogram histogram;
  histogram.Record(1000001);
  histogram.Record(1000004, 2);
  EXPECT_EQ(histogram.Mean(), 1000003);
}

TEST(HistogramTest, MergedHistogramsAreAsIfAllHadBeenRecordedInOne) {
  std::mt19937_64 random(3);
  Histogram one, other, all;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t value = random() >> 40;
    (i % 3 == 0 ? one : other).Record(value);
    all.Record(value);
  }
  one.Merge(other);
  EXPECT_EQ(one.Count(), 1000);
  EXPECT_EQ(one.Mean(), all.Mean());
  for (int bucket = 0; bucket < kHistogramBuckets; ++bucket) {
    ASSERT_EQ(one.CountInBucket(bucket), all.CountInBucket(bucket)) << bucket;
  }
}

}  // namespace
}  // namespace weir
