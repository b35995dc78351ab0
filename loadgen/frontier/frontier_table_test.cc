#include "loadgen/frontier/frontier_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

using testing::HasSubstr;

void AddVariant(const std::string& model, double accuracy, double p99, double capacity,
                v1::Frontier& frontier) {
  v1::FrontierVariant& variant = *frontier.add_variants();
  variant.set_model(model);
  if (accuracy > 0) variant.set_quality_metric("accuracy");
  variant.set_quality(accuracy);
  variant.set_quality_low(accuracy - 0.005);
  variant.set_quality_high(accuracy + 0.005);
  variant.mutable_latency_unloaded()->set_p99(p99);
  variant.mutable_latency_at_capacity()->set_p99(4 * p99);
  variant.set_capacity_per_second(capacity);
  variant.set_slo_latency_seconds(0.02);
}

TEST(FrontierTableTest, TheBestQualityComesFirst) {
  v1::Frontier frontier;
  AddVariant("fast", 0.89, 0.0005, 20000, frontier);
  AddVariant("accurate", 0.94, 0.004, 900, frontier);
  AddVariant("balanced", 0.92, 0.001, 5000, frontier);
  RankVariants(frontier);
  EXPECT_EQ(frontier.variants(0).model(), "accurate");
  EXPECT_EQ(frontier.variants(1).model(), "balanced");
  EXPECT_EQ(frontier.variants(2).model(), "fast");
  for (const auto& variant : frontier.variants()) EXPECT_FALSE(variant.dominated());
}

TEST(FrontierTableTest, AVariantThatIsBetterInNothingIsDominated) {
  v1::Frontier frontier;
  AddVariant("good", 0.93, 0.001, 5000, frontier);
  AddVariant("slow", 0.91, 0.002, 5000, frontier);
  AddVariant("big", 0.91, 0.002, 5500, frontier);
  AddVariant("quick", 0.90, 0.0009, 4000, frontier);
  RankVariants(frontier);
  for (const auto& variant : frontier.variants()) {
    EXPECT_EQ(variant.dominated(), variant.model() == "slow") << variant.model();
  }
  EXPECT_EQ(frontier.variants(1).model(), "slow");
  EXPECT_EQ(frontier.variants(1).dominated_by(), "good");
  EXPECT_THAT(FrontierTable(frontier, /*colours=*/false), HasSubstr("dominated by good"));
}

TEST(FrontierTableTest, AQualityThatMayBeAsGoodDominatesNothing) {
  v1::Frontier frontier;
  AddVariant("good", 0.920, 0.001, 5000, frontier);
  AddVariant("close", 0.915, 0.002, 4000, frontier);  // The intervals overlap.
  RankVariants(frontier);
  EXPECT_FALSE(frontier.variants(1).dominated());
}

TEST(FrontierTableTest, WhatTwoRunsDifferByDecidesNothing) {
  v1::Frontier frontier;
  AddVariant("good", 0.93, 0.00104, 4810, frontier);
  AddVariant("rough", 0.91, 0.001, 5000, frontier);  // Neither faster nor larger by 5 %.
  RankVariants(frontier);
  EXPECT_EQ(frontier.variants(1).dominated_by(), "good");
  frontier.mutable_variants(0)->set_quality(0.91);
  frontier.mutable_variants(0)->set_quality_low(0.905);
  frontier.mutable_variants(0)->set_quality_high(0.915);
  RankVariants(frontier);  // The same quality: each is a little better in something.
  for (const auto& variant : frontier.variants()) EXPECT_FALSE(variant.dominated());
}

TEST(FrontierTableTest, OfTheSameQualityTheFasterOneDominates) {
  v1::Frontier frontier;
  AddVariant("fast", 0.92, 0.0005, 5000, frontier);
  AddVariant("slow", 0.92, 0.001, 5000, frontier);
  RankVariants(frontier);
  EXPECT_FALSE(frontier.variants(0).dominated());
  EXPECT_EQ(frontier.variants(1).dominated_by(), "fast");
}

TEST(FrontierTableTest, ACapacityThatTheGeneratorLimitedIsMarkedAndNotDominated) {
  v1::Frontier frontier;
  AddVariant("good", 0.93, 0.001, 50000, frontier);
  AddVariant("fast", 0.91, 0.001, 30000, frontier);
  frontier.mutable_variants(1)->set_capacity_is_at_least(true);
  RankVariants(frontier);
  EXPECT_FALSE(frontier.variants(1).dominated());
  EXPECT_THAT(FrontierTable(frontier, /*colours=*/false), HasSubstr("at least 30,000"));
}

TEST(FrontierTableTest, TwinsDoNotDominateEachOther) {
  v1::Frontier frontier;
  AddVariant("a", 0.92, 0.001, 5000, frontier);
  AddVariant("b", 0.92, 0.001, 5000, frontier);
  RankVariants(frontier);
  EXPECT_FALSE(frontier.variants(0).dominated());
  EXPECT_FALSE(frontier.variants(1).dominated());
}

TEST(FrontierTableTest, OfErrorsTheSmallerOneIsBetter) {
  v1::Frontier frontier;
  AddVariant("rough", 0.09, 0.001, 5000, frontier);
  AddVariant("exact", 0.02, 0.001, 5000, frontier);
  for (auto& variant : *frontier.mutable_variants()) variant.set_quality_metric("median_error");
  RankVariants(frontier);
  EXPECT_EQ(frontier.variants(0).model(), "exact");
  EXPECT_EQ(frontier.variants(1).dominated_by(), "exact");
  EXPECT_THAT(FrontierTable(frontier, /*colours=*/false), HasSubstr("median_error (95 % sure)"));
}

TEST(FrontierTableTest, AVariantThatMeetsItsObjectivesAtNoRateIsDominatedByAnyOther) {
  v1::Frontier frontier;
  AddVariant("fast", 0.89, 0.0005, 20000, frontier);
  AddVariant("never", 0.87, 0, 0, frontier);
  RankVariants(frontier);
  EXPECT_EQ(frontier.variants(1).dominated_by(), "fast");
}

TEST(FrontierTableTest, WhatIsNotKnownIsSaid) {
  v1::Frontier frontier;
  AddVariant("fashion-fast", 0.8929, 0.0005, 21034, frontier);
  AddVariant("random", 0, 0.0005, 100, frontier);
  RankVariants(frontier);
  const std::string table = FrontierTable(frontier, /*colours=*/false);
  EXPECT_THAT(table, HasSubstr("89.29 % (88.79 to 89.79)"));
  EXPECT_THAT(table, HasSubstr("not known"));
  EXPECT_THAT(table, HasSubstr("21,034"));
}

}  // namespace
}  // namespace weir
