#include "loadgen/report/quality.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace weir {
namespace {

v1::LoadQuality OfClasses(int right, int rows, int64_t distinct = 0) {
  Quality quality;
  if (distinct > 0) quality.LimitDistinctRows(distinct);
  for (int i = 0; i < rows; ++i) quality.AddClass(i < right);
  return quality.Report();
}

// Of answers that are wrong by 1 %, 2 %, ... of the truth.
v1::LoadQuality OfValues(int rows, int64_t distinct = 0) {
  Quality quality;
  if (distinct > 0) quality.LimitDistinctRows(distinct);
  for (int i = 1; i <= rows; ++i) quality.AddValue(1000 + 10.0 * i, 1000);
  return quality.Report();
}

TEST(QualityTest, NothingIsKnownBeforeAnythingIsAdded) {
  Quality quality;
  quality.LimitDistinctRows(10);
  EXPECT_FALSE(quality.known());
  quality.AddClass(false);
  EXPECT_TRUE(quality.known());
}

TEST(QualityTest, TheIntervalOfClassesIsWilsons) {
  // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
  struct Case {
    int right, rows;
    double low, high;
  };
  for (const Case& known : {Case{81, 263, 0.2553, 0.3662}, Case{15, 148, 0.0624, 0.1605},
                            Case{0, 20, 0, 0.1611}, Case{1, 29, 0.0061, 0.1718}}) {
    const v1::LoadQuality quality = OfClasses(known.right, known.rows);
    EXPECT_EQ(quality.metric(), "accuracy");
    EXPECT_DOUBLE_EQ(quality.value(), static_cast<double>(known.right) / known.rows);
    EXPECT_EQ(quality.rows(), known.rows);
    EXPECT_NEAR(quality.low(), known.low, 5e-5) << known.right << " of " << known.rows;
    EXPECT_NEAR(quality.high(), known.high, 5e-5) << known.right << " of " << known.rows;
    const v1::LoadQuality wrong = OfClasses(known.rows - known.right, known.rows);
    EXPECT_NEAR(wrong.low(), 1 - known.high, 5e-5) << "right and wrong are alike";
    EXPECT_NEAR(wrong.high(), 1 - known.low, 5e-5);
  }
}

TEST(QualityTest, AnIntervalEndsWhereAllIsRightOrWrong) {
  EXPECT_EQ(OfClasses(20, 20).high(), 1);
  EXPECT_EQ(OfClasses(0, 20).low(), 0);
}

TEST(QualityTest, RowsThatComeAgainDoNotNarrowTheInterval) {
  const v1::LoadQuality once = OfClasses(80, 100);
  const v1::LoadQuality again = OfClasses(8000, 10000, 100);
  EXPECT_DOUBLE_EQ(again.value(), once.value());
  EXPECT_DOUBLE_EQ(again.low(), once.low());
  EXPECT_DOUBLE_EQ(again.high(), once.high());
  EXPECT_EQ(again.rows(), 10000);
  const v1::LoadQuality part = OfClasses(80, 100, 10000);
  EXPECT_DOUBLE_EQ(part.low(), once.low()) << "only what was asked counts";
}

TEST(QualityTest, ErrorsAreSharesOfTheTruth) {
  Quality quality;
  quality.AddValue(110, 100);
  EXPECT_EQ(quality.Report().metric(), "median_error");
  EXPECT_NEAR(quality.Report().value(), 0.1, 0.1 / 64);
  EXPECT_EQ(quality.Report().rows(), 1);
  quality.AddValue(-110, -100);
  quality.AddValue(90, 100);
  EXPECT_NEAR(quality.Report().low(), 0.1, 0.1 / 64);
  EXPECT_NEAR(quality.Report().high(), 0.1, 0.1 / 64);
}

TEST(QualityTest, TheIntervalOfAMedianIsThatOfItsOrderStatistics) {
  // Ranks for 95 % from tables of the binomial distribution.
  struct Case {
    int rows, low_rank, high_rank;
  };
  for (const Case& known :
       {Case{6, 1, 6}, Case{10, 2, 9}, Case{20, 6, 15}, Case{30, 10, 21}, Case{100, 40, 61}}) {
    const v1::LoadQuality quality = OfValues(known.rows);
    EXPECT_NEAR(quality.low(), 0.01 * known.low_rank, 0.01 * known.low_rank / 64) << known.rows;
    EXPECT_NEAR(quality.high(), 0.01 * known.high_rank, 0.01 * known.high_rank / 64) << known.rows;
    EXPECT_LE(quality.low(), quality.value());
    EXPECT_GE(quality.high(), quality.value());
  }
}

TEST(QualityTest, ValuesThatComeAgainDoNotNarrowTheIntervalOfTheirMedian) {
  Quality many;
  many.LimitDistinctRows(100);
  for (int times = 0; times < 50; ++times) {
    for (int i = 1; i <= 100; ++i) many.AddValue(1000 + 10.0 * i, 1000);
  }
  EXPECT_EQ(many.Report().low(), OfValues(100).low());
  EXPECT_EQ(many.Report().high(), OfValues(100).high());
}

TEST(QualityTest, BelowSixRowsTheIntervalIsAllThatWasSeen) {
  EXPECT_NEAR(OfValues(5).low(), 0.01, 0.01 / 64);
  EXPECT_NEAR(OfValues(5).high(), 0.05, 0.05 / 64);
}

TEST(QualityTest, AnAnswerThatIsNoNumberIsAsWrongAsCanBe) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Quality quality;
  quality.AddValue(std::numeric_limits<double>::quiet_NaN(), 100);
  quality.AddValue(kInfinity, 100);
  quality.AddValue(-kInfinity, 100);
  quality.AddValue(1, 0);
  EXPECT_GT(quality.Report().low(), 0.98e6);
  EXPECT_LT(quality.Report().high(), 1.02e6);
}

TEST(QualityTest, ATruthOfZeroCanBeMet) {
  Quality quality;
  quality.AddValue(0, 0);
  EXPECT_EQ(quality.Report().value(), 0);
}

TEST(QualityTest, MergedQualitiesAreThatOfAllRows) {
  Quality a, b;
  a.LimitDistinctRows(50);
  for (int i = 0; i < 60; ++i) a.AddClass(true);
  for (int i = 0; i < 40; ++i) b.AddClass(i < 20);
  b.Merge(a);
  EXPECT_EQ(b.Report().ShortDebugString(), OfClasses(80, 100, 50).ShortDebugString());

  Quality low, high;
  for (int i = 1; i <= 100; ++i) (i <= 50 ? low : high).AddValue(1000 + 10.0 * i, 1000);
  low.Merge(high);
  EXPECT_EQ(low.Report().ShortDebugString(), OfValues(100).ShortDebugString());
}

}  // namespace
}  // namespace weir
