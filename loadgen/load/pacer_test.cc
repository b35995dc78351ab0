#include "loadgen/load/pacer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<absl::Duration> All(Pacer& pacer) {
  std::vector<absl::Duration> times;
  for (absl::Duration time; (time = pacer.Next()) < absl::InfiniteDuration();) {
    times.push_back(time);
  }
  return times;
}

int CountBetween(const std::vector<absl::Duration>& times, double from_s, double to_s) {
  return static_cast<int>(std::count_if(times.begin(), times.end(), [&](absl::Duration time) {
    return time >= absl::Seconds(from_s) && time < absl::Seconds(to_s);
  }));
}

TEST(PaceEvenlyTest, AConstantRateIsEvenlySpacedFromHalfAGapOn) {
  const auto times = All(*PaceEvenly({{1000, 1000, absl::Seconds(2)}}));
  ASSERT_EQ(times.size(), 2000U);
  for (int i = 0; i < 2000; ++i) {
    EXPECT_NEAR(absl::ToDoubleMilliseconds(times[i]), i + 0.5, 1e-6);
  }
}

TEST(PaceEvenlyTest, ARampSendsAsManyAsTheAreaUnderItAndGetsFaster) {
  // n requests are due by t = sqrt(n / 500) seconds.
  const auto times = All(*PaceEvenly({{0, 1000, absl::Seconds(1)}}));
  ASSERT_EQ(times.size(), 500U);
  for (int i = 0; i < 500; ++i) {
    EXPECT_NEAR(absl::ToDoubleSeconds(times[i]), std::sqrt((i + 0.5) / 500), 1e-8);
  }
}

TEST(PaceEvenlyTest, ARampDownIsARampUpBackwards) {
  const auto down = All(*PaceEvenly({{1000, 0, absl::Seconds(1)}}));
  auto up = All(*PaceEvenly({{0, 1000, absl::Seconds(1)}}));
  std::reverse(up.begin(), up.end());
  ASSERT_EQ(down.size(), up.size());
  for (size_t i = 0; i < up.size(); ++i) {
    EXPECT_NEAR(absl::ToDoubleSeconds(down[i]), 1 - absl::ToDoubleSeconds(up[i]), 1e-8);
  }
}

TEST(PaceEvenlyTest, StepsAndSpikesHaveTheirOwnRates) {
  const auto times = All(*PaceEvenly({{100, 100, absl::Seconds(1)},
                                      {2000, 2000, absl::Seconds(0.5)},
                                      {0, 0, absl::Seconds(2)},
                                      {10, 10, absl::Seconds(1)}}));
  EXPECT_EQ(CountBetween(times, 0, 1), 100);
  EXPECT_EQ(CountBetween(times, 1, 1.5), 1000);
  EXPECT_EQ(CountBetween(times, 1.5, 3.5), 0);
  EXPECT_EQ(CountBetween(times, 3.5, 4.5), 10);
  EXPECT_EQ(times.size(), 1110U);
}

TEST(PaceEvenlyTest, PartsOfARequestAddUpFromPieceToPiece) {
  // Ten pieces of 0.3 requests each: those due at 0.5, 1.5 and 2.5.
  const std::vector<RatePiece> curve(10, {0.3, 0.3, absl::Seconds(1)});
  const auto times = All(*PaceEvenly(curve));
  ASSERT_EQ(times.size(), 3U);
  EXPECT_NEAR(absl::ToDoubleSeconds(times[0]), 0.5 / 0.3, 1e-8);
  EXPECT_NEAR(absl::ToDoubleSeconds(times[1]), 1.5 / 0.3, 1e-8);
  EXPECT_NEAR(absl::ToDoubleSeconds(times[2]), 2.5 / 0.3, 1e-8);
}

TEST(PaceEvenlyTest, WithoutARateNothingIsEverDue) {
  EXPECT_THAT(All(*PaceEvenly({})), IsEmpty());
  EXPECT_THAT(All(*PaceEvenly({{0, 0, absl::Seconds(10)}})), IsEmpty());
  EXPECT_THAT(All(*PaceEvenly({{0, 0, absl::InfiniteDuration()}})), IsEmpty());
  EXPECT_THAT(All(*PaceEvenly({{100, 200, absl::ZeroDuration()}})), IsEmpty());
}

TEST(PaceEvenlyTest, ARateWithoutEndGoesOn) {
  const auto pacer = PaceEvenly({{50, 50, absl::InfiniteDuration()}});
  for (int i = 0; i < 9999; ++i) pacer->Next();
  EXPECT_NEAR(absl::ToDoubleSeconds(pacer->Next()), 9999.5 / 50, 1e-6);
}

TEST(PacePoissonTest, GapsVaryAsMuchAsTheyAreLong) {
  const auto times = All(*PacePoisson({{1000, 1000, absl::Seconds(100)}}, 7));
  EXPECT_NEAR(static_cast<double>(times.size()), 100000, 1500);
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  EXPECT_LT(times.back(), absl::Seconds(100));
  double squares = 0;
  for (size_t i = 1; i < times.size(); ++i) {
    const double gap = absl::ToDoubleMilliseconds(times[i] - times[i - 1]);
    squares += (gap - 1) * (gap - 1);
  }
  EXPECT_NEAR(squares / static_cast<double>(times.size()), 1, 0.05);
}

TEST(PacePoissonTest, FollowsItsCurve) {
  const auto times =
      All(*PacePoisson({{0, 2000, absl::Seconds(10)}, {100, 100, absl::Seconds(10)}}, 1));
  EXPECT_NEAR(CountBetween(times, 0, 5), 2500, 250);
  EXPECT_NEAR(CountBetween(times, 5, 10), 7500, 450);
  EXPECT_NEAR(CountBetween(times, 10, 20), 1000, 160);
  EXPECT_LT(times.back(), absl::Seconds(20));
}

TEST(PacePoissonTest, ASeedGivesTheSameTimesAgain) {
  const auto times = [](uint64_t seed, int phase) {
    return All(*PacePoisson({{100, 100, absl::Seconds(1)}}, seed, phase));
  };
  EXPECT_EQ(times(1, 0), times(1, 0));
  EXPECT_NE(times(1, 0), times(2, 0));
  EXPECT_NE(times(1, 0), times(1, 1));
  EXPECT_NE(times(1, 1), times(2, 0)) << "a phase is not another seed";
}

TEST(ReplayTest, GivesTheTimesThatItWasGiven) {
  const auto pacer = Replay({absl::ZeroDuration(), absl::Seconds(1), absl::Seconds(1)});
  EXPECT_THAT(All(*pacer), ElementsAre(absl::ZeroDuration(), absl::Seconds(1), absl::Seconds(1)));
  EXPECT_EQ(pacer->Next(), absl::InfiniteDuration());
}

}  // namespace
}  // namespace weir
