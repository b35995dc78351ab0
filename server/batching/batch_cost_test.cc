#include "server/batching/batch_cost.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using absl::Microseconds;
using absl::Milliseconds;
using absl::ZeroDuration;

void Observe(BatchCost& cost, int times, int64_t rows, absl::Duration time) {
  for (int i = 0; i < times; ++i) cost.Observe(rows, time);
}

TEST(BatchCostTest, WhatWasMeasuredIsTheEstimate) {
  const BatchCost cost({{1, Microseconds(10)}, {2, Microseconds(14)}, {4, Microseconds(20)}});
  EXPECT_EQ(cost.Estimate(1), Microseconds(10));
  EXPECT_EQ(cost.Estimate(2), Microseconds(14));
  EXPECT_EQ(cost.Estimate(4), Microseconds(20));
}

TEST(BatchCostTest, BetweenMeasuredSizesTheEstimateLiesBetweenThem) {
  const BatchCost cost({{1, Microseconds(10)}, {5, Microseconds(30)}});
  EXPECT_EQ(cost.Estimate(2), Microseconds(15));
  EXPECT_EQ(cost.Estimate(4), Microseconds(25));
}

TEST(BatchCostTest, BeyondTheLargestSizeTheEstimateGoesOnInProportion) {
  const BatchCost cost({{1, Microseconds(10)}, {4, Microseconds(20)}});
  EXPECT_EQ(cost.Estimate(8), Microseconds(40));
}

TEST(BatchCostTest, BelowTheSmallestSizeABatchIsTakenToLastAsLong) {
  const BatchCost cost({{4, Microseconds(20)}, {8, Microseconds(30)}});
  EXPECT_EQ(cost.Estimate(1), Microseconds(20));
}

TEST(BatchCostTest, ASizeThatSeemsSlowerThanALargerOneWasDisturbed) {
  const BatchCost cost({{1, Microseconds(10)}, {2, Microseconds(90)}, {3, Microseconds(14)}});
  EXPECT_EQ(cost.Estimate(2), Microseconds(14));
}

TEST(BatchCostTest, SizesAndTimesThatCannotBeAreLeftOut) {
  const BatchCost cost({{0, Microseconds(10)}, {2, Microseconds(14)}, {3, ZeroDuration()}});
  EXPECT_EQ(cost.Estimate(1), Microseconds(14));
  EXPECT_EQ(cost.Estimate(2), Microseconds(14));
  const BatchCost never({{1, ZeroDuration()}, {2, -Microseconds(1)}});
  EXPECT_EQ(never.Estimate(2), ZeroDuration());
}

TEST(BatchCostTest, NothingIsKnownUntilTheFirstBatch) {
  BatchCost cost({});
  EXPECT_EQ(cost.Estimate(8), ZeroDuration());
  EXPECT_EQ(cost.RowsWithin(ZeroDuration(), 8), 8);
  cost.Observe(4, Microseconds(40));
  EXPECT_EQ(cost.Estimate(4), Microseconds(40));
  EXPECT_EQ(cost.Estimate(8), Microseconds(80));
  EXPECT_EQ(cost.Estimate(1), Microseconds(10));
}

TEST(BatchCostTest, AMachineThatGotSlowerIsNoticedWithinDozensOfBatches) {
  BatchCost cost({{1, Microseconds(10)}, {8, Microseconds(80)}});
  Observe(cost, 40, 1, Microseconds(20));
  EXPECT_GT(cost.Estimate(8), Microseconds(140)) << "all sizes are corrected";
  EXPECT_LE(cost.Estimate(8), Microseconds(160));
}

TEST(BatchCostTest, AMachineThatIsTenTimesSlowerIsBelievedAfterFiftyBatches) {
  BatchCost cost({{1, Microseconds(10)}});
  Observe(cost, 50, 1, Microseconds(100));
  EXPECT_GT(cost.Estimate(1), Microseconds(85));
}

TEST(BatchCostTest, OneBatchThatWasHeldUpHardlyCounts) {
  BatchCost cost({{1, Microseconds(10)}});
  cost.Observe(1, absl::Seconds(1));
  EXPECT_LT(cost.Estimate(1), Microseconds(11));
}

TEST(BatchCostTest, BatchesThatAreHeldUpNowAndThenAreNotTheRule) {
  BatchCost cost({{1, Microseconds(10)}});
  for (int i = 0; i < 1000; ++i) cost.Observe(1, i % 20 == 0 ? Milliseconds(1) : Microseconds(10));
  EXPECT_LT(cost.Estimate(1), Microseconds(12));
}

TEST(BatchCostTest, TimesThatScatterGiveTheirMean) {
  BatchCost cost({{1, Microseconds(10)}});
  for (int i = 0; i < 1000; ++i) cost.Observe(1, Microseconds(i % 2 == 0 ? 8 : 14));
  EXPECT_GT(cost.Estimate(1), Microseconds(10));
  EXPECT_LT(cost.Estimate(1), Microseconds(12));
}

TEST(BatchCostTest, AMachineThatGotFasterAgainIsBelievedSoon) {
  BatchCost cost({{1, Microseconds(10)}});
  Observe(cost, 100, 1, Microseconds(100));
  Observe(cost, 8, 1, Microseconds(10));
  EXPECT_LT(cost.Estimate(1), Microseconds(25));
  Observe(cost, 40, 1, Microseconds(10));
  EXPECT_LT(cost.Estimate(1), Microseconds(11));
}

TEST(BatchCostTest, AtBestTheMachineIsAsFastAsItEverWas) {
  BatchCost cost({{1, Microseconds(10)}});
  EXPECT_EQ(cost.AtBestNs(2), 20'000);
  Observe(cost, 200, 1, Microseconds(30));
  EXPECT_EQ(cost.AtBestNs(2), 20'000);
  Observe(cost, 200, 1, Microseconds(5));
  EXPECT_EQ(cost.AtBestNs(2), cost.EstimateNs(2));
  BatchCost never_measured({});
  Observe(never_measured, 10, 1, Microseconds(10));
  EXPECT_EQ(never_measured.AtBestNs(1), 0);
}

TEST(BatchCostTest, TheCorrectionHasBounds) {
  BatchCost cost({{1, Microseconds(16)}});
  Observe(cost, 1000, 1, absl::Hours(1));
  EXPECT_EQ(cost.Estimate(1), Microseconds(256));
  Observe(cost, 1000, 1, absl::Nanoseconds(1));
  EXPECT_EQ(cost.Estimate(1), Microseconds(1));
}

TEST(BatchCostTest, ObservationsThatCannotBeAreIgnored) {
  BatchCost cost({{1, Microseconds(10)}});
  Observe(cost, 100, 0, Microseconds(90));
  Observe(cost, 100, 1, ZeroDuration());
  Observe(cost, 100, 1, -Microseconds(1));
  EXPECT_EQ(cost.Estimate(1), Microseconds(10));
}

TEST(BatchCostTest, TheRowsWithinATimeAreTheMostThatTakeNoLonger) {
  const BatchCost cost({{1, Microseconds(10)}, {4, Microseconds(40)}, {8, Microseconds(60)}});
  EXPECT_EQ(cost.RowsWithin(Microseconds(30), 8), 3);
  EXPECT_EQ(cost.RowsWithin(Microseconds(39), 8), 3);
  EXPECT_EQ(cost.RowsWithin(Microseconds(50), 8), 6);
  EXPECT_EQ(cost.RowsWithin(Microseconds(60), 8), 8);
}

TEST(BatchCostTest, TheRowsWithinATimeAreAtLeastOneAndAtMostAsAsked) {
  const BatchCost cost({{1, Microseconds(10)}});
  EXPECT_EQ(cost.RowsWithin(ZeroDuration(), 8), 1);
  EXPECT_EQ(cost.RowsWithin(-Microseconds(1), 8), 1);
  EXPECT_EQ(cost.RowsWithin(absl::InfiniteDuration(), 8), 8);
  EXPECT_EQ(cost.RowsWithin(Microseconds(50), 0), 1);
}

TEST(BatchCostTest, RowsWithinFollowsTheCorrection) {
  BatchCost cost({{1, Microseconds(10)}, {8, Microseconds(80)}});
  Observe(cost, 200, 4, Microseconds(80));
  EXPECT_EQ(cost.RowsWithin(Microseconds(81), 8), 4);
}

TEST(WorthwhileRowsTest, IsTheLeastBatchThatIsHardlyLessEfficientThanTheBest) {
  const std::vector<BatchTime> measured = {{1, absl::Microseconds(1000)},
                                           {8, absl::Microseconds(6500)},
                                           {16, absl::Microseconds(12400)},
                                           {64, absl::Microseconds(49000)}};
  EXPECT_EQ(WorthwhileRows(measured, 64), 16) << "775 us a row, against 765.6";
  EXPECT_EQ(WorthwhileRows(measured, 12), 12) << "the config's limit holds";
}

TEST(WorthwhileRowsTest, IsTheLargestWhereEachRowMoreHelps) {
  EXPECT_EQ(WorthwhileRows({{1, absl::Microseconds(10)}, {64, absl::Microseconds(160)}}, 64), 64);
}

TEST(WorthwhileRowsTest, IsTheLargestWhereNothingWasMeasured) {
  EXPECT_EQ(WorthwhileRows({}, 64), 64);
}

}  // namespace
}  // namespace weir
