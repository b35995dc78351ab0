#include "loadgen/quick_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "loadgen/scenario/check_scenario.h"

namespace weir {
namespace {

using testing::HasSubstr;

std::string Refusal(const QuickLoad& load) {
  const absl::StatusOr<v1::LoadScenario> scenario = ScenarioOf(load);
  EXPECT_EQ(scenario.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(scenario.status().message());
}

TEST(QuickLoadTest, ModelsShareTheLoadByTheirWeights) {
  const absl::StatusOr<v1::LoadScenario> scenario =
      ScenarioOf({.models = {"fashion-fast:2", "flats-price", "a:0.5"}});
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  ASSERT_EQ(scenario->traffic_size(), 3);
  EXPECT_EQ(scenario->traffic(0).model(), "fashion-fast");
  EXPECT_EQ(scenario->traffic(0).weight(), 2);
  EXPECT_EQ(scenario->traffic(1).model(), "flats-price");
  EXPECT_EQ(scenario->traffic(1).weight(), 1);
  EXPECT_EQ(scenario->traffic(2).weight(), 0.5);
}

TEST(QuickLoadTest, EachRequestIsAsTheFlagsSay) {
  const absl::StatusOr<v1::LoadScenario> scenario = ScenarioOf({.models = {"a"},
                                                                .rows = 8,
                                                                .input = "flats",
                                                                .timeout = absl::Milliseconds(250),
                                                                .stream = true});
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  const v1::LoadTraffic& traffic = scenario->traffic(0);
  EXPECT_EQ(traffic.rows(), 8);
  EXPECT_EQ(traffic.input(), "flats");
  EXPECT_EQ(traffic.timeout(), "250ms");
  EXPECT_TRUE(traffic.stream());
}

TEST(QuickLoadTest, ARateMakesAnOpenLoopAndElseItIsClosed) {
  const absl::StatusOr<v1::LoadScenario> open =
      ScenarioOf({.models = {"a"}, .rate = 100, .poisson = true});
  ASSERT_TRUE(open.ok()) << open.status();
  ASSERT_EQ(open->phases_size(), 1);
  EXPECT_EQ(open->phases(0).rate(), 100);
  EXPECT_TRUE(open->phases(0).poisson());
  EXPECT_EQ(open->phases(0).duration(), "10s");
  const absl::StatusOr<v1::LoadScenario> closed = ScenarioOf({.models = {"a"}, .concurrency = 8});
  ASSERT_TRUE(closed.ok()) << closed.status();
  EXPECT_EQ(closed->phases(0).concurrency(), 8);
}

TEST(QuickLoadTest, AWarmUpIsTheSameLoadThatDoesNotCount) {
  const absl::StatusOr<v1::LoadScenario> scenario = ScenarioOf(
      {.models = {"a"}, .rate = 50, .warm_up = absl::Seconds(2), .duration = absl::Minutes(1)});
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  ASSERT_EQ(scenario->phases_size(), 2);
  EXPECT_TRUE(scenario->phases(0).warm_up());
  EXPECT_EQ(scenario->phases(0).duration(), "2s");
  EXPECT_EQ(scenario->phases(0).rate(), 50);
  EXPECT_FALSE(scenario->phases(1).warm_up());
}

TEST(QuickLoadTest, WhatItMakesIsAScenarioThatFilesMayHold) {
  const absl::StatusOr<v1::LoadScenario> scenario =
      ScenarioOf({.models = {"a", "b:3"},
                  .rate = 0.5,
                  .warm_up = absl::Milliseconds(1500),
                  .duration = absl::Hours(1) + absl::Seconds(5)});
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  EXPECT_TRUE(CheckScenario(*scenario).ok()) << CheckScenario(*scenario);
}

TEST(QuickLoadTest, AWrongFlagIsNamed) {
  EXPECT_EQ(Refusal({.models = {"a:0"}}),
            "--models: expected NAME or NAME:WEIGHT, with a weight above 0, got \"a:0\"");
  for (const char* model : {"", ":1", "a:", "a:b", "a:-1", "a:inf", "a:1:2"}) {
    EXPECT_THAT(Refusal({.models = {model}}), HasSubstr("--models")) << model;
  }
  EXPECT_THAT(Refusal({.concurrency = 0}), HasSubstr("--concurrency must be at least 1, got 0"));
  EXPECT_THAT(Refusal({.rate = -1}), HasSubstr("--rate"));
  EXPECT_THAT(Refusal({.rate = std::numeric_limits<double>::quiet_NaN()}), HasSubstr("--rate"));
  EXPECT_THAT(Refusal({.poisson = true}), HasSubstr("--poisson needs a --rate"));
  EXPECT_THAT(Refusal({.rows = 0}), HasSubstr("--rows"));
  EXPECT_THAT(Refusal({.timeout = absl::ZeroDuration()}), HasSubstr("--timeout"));
  EXPECT_THAT(Refusal({.warm_up = -absl::Seconds(1)}), HasSubstr("--warm_up"));
  EXPECT_THAT(Refusal({.duration = absl::InfiniteDuration()}), HasSubstr("--duration"));
}

}  // namespace
}  // namespace weir
