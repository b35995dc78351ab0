#include "loadgen/scenario/scenario_fields.h"

#include <gtest/gtest.h>

#include "google/protobuf/text_format.h"

namespace weir {
namespace {

v1::LoadScenario Scenario(const std::string& text) {
  v1::LoadScenario scenario;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &scenario)) << text;
  return scenario;
}

TEST(ScenarioFieldsTest, WhatIsLeftOutHasItsDefault) {
  const v1::LoadTraffic traffic;
  EXPECT_EQ(WeightOf(traffic), 1);
  EXPECT_EQ(RowsOf(traffic), 1);
  EXPECT_EQ(TimeoutOf(traffic), absl::Seconds(1));
  EXPECT_EQ(DurationOf("", absl::Seconds(7)), absl::Seconds(7));
}

TEST(ScenarioFieldsTest, WhatIsSaidHolds) {
  const v1::LoadScenario scenario = Scenario("traffic { weight: 0.5 rows: 8 timeout: '1m30s' }");
  EXPECT_EQ(WeightOf(scenario.traffic(0)), 0.5);
  EXPECT_EQ(RowsOf(scenario.traffic(0)), 8);
  EXPECT_EQ(TimeoutOf(scenario.traffic(0)), absl::Seconds(90));
}

TEST(ScenarioFieldsTest, TheCapacityIsThatOfTheClosestEarlierClosedLoop) {
  const v1::LoadScenario scenario = Scenario(
      "phases { rate: 1 } phases { concurrency: 1 } phases { concurrency: 2 }"
      "phases { capacity_multiple: 2 } phases { capacity_multiple: 3 }");
  EXPECT_EQ(CapacityPhase(scenario, 0), -1);
  EXPECT_EQ(CapacityPhase(scenario, 1), -1);
  EXPECT_EQ(CapacityPhase(scenario, 2), 1);
  EXPECT_EQ(CapacityPhase(scenario, 4), 2);
}

TEST(ScenarioFieldsTest, ScalingKeepsTheProportions) {
  v1::LoadScenario scenario = Scenario(
      "phases { duration: '10s' rate: 1 }"
      "phases { duration: '1m' spike { at: '30s' length: '6s' } }"
      "phases { replay_file: 'a' }"
      "phases { duration: '50s' rate: 1 }");
  ScaleTo(absl::Seconds(6), scenario);
  EXPECT_EQ(scenario.phases(0).duration(), "500ms");
  EXPECT_EQ(scenario.phases(1).duration(), "3s");
  EXPECT_EQ(scenario.phases(1).spike().at(), "1.5s");
  EXPECT_EQ(scenario.phases(1).spike().length(), "300ms");
  EXPECT_EQ(scenario.phases(2).duration(), "");
  EXPECT_EQ(scenario.phases(3).duration(), "2.5s");
}

TEST(ScenarioFieldsTest, AScaledSpikeStillLiesWithinItsPhase) {
  for (int ms = 1; ms < 2000; ms += 7) {
    v1::LoadScenario scenario =
        Scenario("phases { duration: '7s' spike { at: '3s' length: '4s' } }");
    ScaleTo(absl::Milliseconds(ms), scenario);
    const v1::LoadPhase& phase = scenario.phases(0);
    const absl::Duration none;
    EXPECT_LE(DurationOf(phase.spike().at(), none) + DurationOf(phase.spike().length(), none),
              DurationOf(phase.duration(), none))
        << ms;
  }
}

TEST(ScenarioFieldsTest, NothingToScaleStaysAsItIs) {
  v1::LoadScenario scenario = Scenario("phases { replay_file: 'a' }");
  ScaleTo(absl::Seconds(5), scenario);
  EXPECT_EQ(scenario.phases(0).duration(), "");
}

}  // namespace
}  // namespace weir
