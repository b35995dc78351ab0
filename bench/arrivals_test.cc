#include "bench/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir {
namespace {

TEST(ArrivalsTest, ConstantOnesAreEvenlySpacedAndEndBeforeTheEnd) {
  const auto arrivals = ConstantArrivals(1000, absl::Seconds(2), absl::Seconds(3));
  ASSERT_EQ(arrivals.size(), 1000U);
  EXPECT_EQ(arrivals[0], absl::Seconds(2));
  EXPECT_EQ(arrivals[999] - arrivals[998], absl::Milliseconds(1));
  EXPECT_LT(arrivals.back(), absl::Seconds(3));
}

TEST(ArrivalsTest, PoissonOnesHaveTheRateAndGapsThatVaryAsMuchAsTheyAreLong) {
  const auto arrivals = PoissonArrivals(1000, absl::Seconds(1), absl::Seconds(101), 7);
  EXPECT_NEAR(static_cast<double>(arrivals.size()), 100000, 1500);
  EXPECT_TRUE(std::is_sorted(arrivals.begin(), arrivals.end()));
  EXPECT_GE(arrivals.front(), absl::Seconds(1));
  EXPECT_LT(arrivals.back(), absl::Seconds(101));
  double squares = 0;
  for (size_t i = 1; i < arrivals.size(); ++i) {
    const double gap = absl::ToDoubleMilliseconds(arrivals[i] - arrivals[i - 1]);
    squares += (gap - 1) * (gap - 1);
  }
  EXPECT_NEAR(squares / static_cast<double>(arrivals.size()), 1, 0.05);
}

TEST(ArrivalsTest, ASeedGivesTheSameArrivalsAgain) {
  const auto arrivals = [](uint64_t seed) {
    return PoissonArrivals(100, absl::ZeroDuration(), absl::Seconds(1), seed);
  };
  EXPECT_EQ(arrivals(1), arrivals(1));
  EXPECT_NE(arrivals(1), arrivals(2));
}

}  // namespace
}  // namespace weir
