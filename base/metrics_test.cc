#include "base/metrics.h"

#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

TEST(MetricsTest, EachNameStandsOnceAndIsFound) {
  std::set<absl::string_view> names;
  for (const Metric* metric : MetricCatalogue()) {
    EXPECT_TRUE(names.insert(metric->name).second) << metric->name;
    EXPECT_EQ(FindMetric(metric->name), metric);
  }
  EXPECT_EQ(FindMetric("weir_requests"), nullptr);
}

TEST(MetricsTest, NamesSayWhatTheyAre) {
  for (const Metric* metric : MetricCatalogue()) {
    EXPECT_TRUE(absl::StartsWith(metric->name, "weir_")) << metric->name;
    EXPECT_EQ(metric->type == MetricType::kCounter, absl::EndsWith(metric->name, "_total"))
        << metric->name;
    for (const char c : metric->name)
      EXPECT_TRUE(absl::ascii_islower(c) || c == '_') << metric->name;
    EXPECT_TRUE(absl::EndsWith(metric->help, ".")) << metric->name;
  }
}

TEST(MetricsTest, OnlyGaugesHaveARuleToMergeThem) {
  for (const Metric* metric : MetricCatalogue()) {
    if (metric->type == MetricType::kGauge) continue;
    EXPECT_EQ(metric->merge, GaugeMerge::kNone) << metric->name;
  }
}

TEST(MetricsTest, WhatComesFromServersHasALabelThatTellsWhoseItIs) {
  for (const Metric* metric : MetricCatalogue()) {
    if (absl::StartsWith(metric->name, "weir_gateway_")) continue;
    ASSERT_FALSE(metric->labels.empty()) << metric->name;
    EXPECT_TRUE(metric->labels[0] == "model" || metric->labels[0] == "replica") << metric->name;
  }
}

TEST(MetricsTest, BoundsAreWrittenAsPrometheusDoes) {
  EXPECT_EQ(BoundText(0), "0");
  EXPECT_EQ(BoundText(0.25), "0.25");
  EXPECT_EQ(BoundText(0.0001), "0.0001");
  EXPECT_EQ(BoundText(0.00005), "5e-05");
  EXPECT_EQ(BoundText(2e7), "20000000");
  EXPECT_EQ(BoundText(-1e21), "-1e+21");
}

}  // namespace
}  // namespace weir
