#include "server/stats/duration_bounds.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "gtest/gtest.h"

namespace weir {
namespace {

int BucketOf(const DurationBounds& bounds, uint64_t ns) {
  return bounds.BucketOf(ns, HistogramBucketOf(ns));
}

std::vector<uint64_t> Nanoseconds(const DurationBounds& bounds) {
  std::vector<uint64_t> ns;
  for (const double seconds : bounds.Seconds()) ns.push_back(std::llround(seconds * 1e9));
  return ns;
}

TEST(DurationBoundsTest, ADurationAtABoundBelongsToItAndOneAboveDoesNot) {
  for (const absl::Duration slo :
       {absl::InfiniteDuration(), absl::Milliseconds(50), absl::Microseconds(7),
        absl::Nanoseconds(12'345'679), absl::Nanoseconds(100'003), absl::Seconds(30)}) {
    const DurationBounds bounds(slo);
    const std::vector<uint64_t> ns = Nanoseconds(bounds);
    for (int i = 0; i < static_cast<int>(ns.size()); ++i) {
      EXPECT_EQ(BucketOf(bounds, ns[i] - 1), i) << ns[i] << " " << slo;
      EXPECT_EQ(BucketOf(bounds, ns[i]), i) << ns[i] << " " << slo;
      EXPECT_EQ(BucketOf(bounds, ns[i] + 1), i + 1) << ns[i] << " " << slo;
    }
    EXPECT_EQ(BucketOf(bounds, 0), 0);
    EXPECT_EQ(BucketOf(bounds, UINT64_MAX), static_cast<int>(ns.size()));
  }
}

TEST(DurationBoundsTest, AnyDurationFallsWhereASearchFindsIt) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20; ++round) {
    const DurationBounds bounds(absl::Nanoseconds(random() % 20'000'000'000));
    const std::vector<uint64_t> ns = Nanoseconds(bounds);
    for (int i = 0; i < 20'000; ++i) {
      const uint64_t value = random() >> (random() % 64);
      const auto expected = std::lower_bound(ns.begin(), ns.end(), value) - ns.begin();
      ASSERT_EQ(BucketOf(bounds, value), expected) << value;
    }
  }
}

TEST(DurationBoundsTest, TheSloIsABoundOnceAndTheSameNumberAsInSeconds) {
  const auto classic = DurationBounds(absl::InfiniteDuration()).Seconds();
  EXPECT_EQ(classic.size(), 16u);
  EXPECT_EQ(classic.front(), 0.0001);
  EXPECT_EQ(classic[4], 0.0025);
  EXPECT_EQ(classic.back(), 10);
  EXPECT_EQ(DurationBounds(absl::Milliseconds(50)).Seconds(), classic);
  EXPECT_EQ(DurationBounds(absl::ZeroDuration()).Seconds(), classic);
  EXPECT_EQ(DurationBounds(-absl::Seconds(1)).Seconds(), classic);
  EXPECT_EQ(DurationBounds(absl::Nanoseconds(1) / 4).Seconds(), classic);
  for (const absl::Duration slo : {absl::Milliseconds(33), absl::Milliseconds(1234)}) {
    const auto seconds = DurationBounds(slo).Seconds();
    EXPECT_EQ(seconds.size(), 17u);
    EXPECT_TRUE(std::is_sorted(seconds.begin(), seconds.end()));
    EXPECT_EQ(std::count(seconds.begin(), seconds.end(), absl::ToDoubleSeconds(slo)), 1);
  }
}

}  // namespace
}  // namespace weir
