#include "loadgen/frontier/frontier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace weir {
namespace {

using testing::HasSubstr;

// Servers whose models carry so many requests per second, and answer in so many seconds.
class FakeServers {
 public:
  struct Model {
    double per_second = 0;
    double seconds = 0;
    double accuracy = 0;
    double fails_from = 1e9;  // Requests fail above this rate.
  };

  explicit FakeServers(std::map<std::string, Model> models) : models_(std::move(models)) {}

  absl::StatusOr<v1::LoadReport> Run(const v1::LoadScenario& scenario) {
    scenarios_.push_back(scenario);
    const v1::LoadTraffic& traffic = scenario.traffic(0);
    const v1::LoadPhase& phase = scenario.phases(scenario.phases_size() - 1);
    const Model& model = models_.at(traffic.model());
    const bool closed = phase.load_case() == v1::LoadPhase::kConcurrency;
    const double rate = closed ? model.per_second : phase.rate();
    v1::LoadReport report;
    report.set_interrupted(interrupted_);
    report.mutable_generator()->set_kept_up(rate < generator_per_second_);
    report.add_phases()->set_name(phase.name());
    v1::LoadModel& measured = *report.add_models();
    measured.set_model(traffic.model());
    measured.set_sent(1000);
    measured.set_answered(rate > model.fails_from ? 990 : 1000);
    measured.set_answered_per_second(rate);
    // As a queue grows: to many times what it takes when it is full.
    const double free_share = std::max(0.001, 1 - rate / model.per_second);
    measured.mutable_latency()->set_p99(model.seconds / free_share);
    measured.mutable_quality()->set_metric("accuracy");
    measured.mutable_quality()->set_value(model.accuracy);
    return report;
  }

  RunTrial trial() {
    return [this](const v1::LoadScenario& scenario) { return Run(scenario); };
  }

  std::vector<v1::LoadScenario> scenarios_;
  double generator_per_second_ = 1e9;
  bool interrupted_ = false;

 private:
  const std::map<std::string, Model> models_;
};

v1::ModelDescription Description(const std::string& name, absl::Duration slo) {
  v1::ModelDescription model;
  model.set_name(name);
  model.set_family("fashion");
  model.set_variant(name);
  model.set_slo_latency_us(absl::ToInt64Microseconds(slo));
  return model;
}

TEST(FrontierTest, FindsWhatEachVariantCarriesWithinItsObjective) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001, .accuracy = 0.89}},
                       {"exact", {.per_second = 1000, .seconds = 0.01, .accuracy = 0.94}}});
  const absl::StatusOr<FrontierResult> result = FindFrontier(
      {Description("fast", absl::Milliseconds(20)), Description("exact", absl::Milliseconds(40))},
      {}, servers.trial());
  ASSERT_TRUE(result.ok()) << result.status();
  const v1::Frontier& frontier = result->frontier;
  EXPECT_EQ(frontier.family(), "fashion");
  ASSERT_EQ(frontier.variants_size(), 2);
  const v1::FrontierVariant& exact = frontier.variants(0);
  EXPECT_EQ(exact.model(), "exact");
  EXPECT_EQ(exact.quality(), 0.94);
  EXPECT_EQ(exact.slo_latency_seconds(), 0.04);
  EXPECT_NEAR(exact.capacity_per_second(), 750, 0.03 * 750);  // 10 ms / (1 - 0.75) is 40 ms.
  EXPECT_LT(exact.latency_at_capacity().p99(), 0.04);
  EXPECT_NEAR(exact.latency_unloaded().p99(), 0.0108, 0.0001);
  EXPECT_NEAR(frontier.variants(1).capacity_per_second(), 9500, 0.03 * 9500);
  EXPECT_FALSE(exact.dominated());
}

TEST(FrontierTest, WhatIsReportedOfAVariantIsItsTrialAtCapacity) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001, .accuracy = 0.89}}});
  const absl::StatusOr<FrontierResult> result =
      FindFrontier({Description("fast", absl::Milliseconds(20))}, {}, servers.trial());
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->report.models_size(), 1);
  EXPECT_EQ(result->report.models(0).answered_per_second(),
            result->frontier.variants(0).capacity_per_second());
  EXPECT_TRUE(result->report.generator().kept_up());
}

TEST(FrontierTest, FailuresLimitTheCapacityToo) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001, .fails_from = 4000}}});
  std::string said;
  const absl::StatusOr<FrontierResult> result = FindFrontier(
      {Description("fast", absl::Milliseconds(20))},
      {.progress = [&](const std::string& line) { said += line + "\n"; }}, servers.trial());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_NEAR(result->frontier.variants(0).capacity_per_second(), 4000, 120);
  EXPECT_THAT(said, HasSubstr("1.00 % failed"));
}

TEST(FrontierTest, AGeneratorThatCannotKeepUpIsNoCapacity) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001}}});
  servers.generator_per_second_ = 5000;
  std::string said;
  const absl::StatusOr<FrontierResult> result = FindFrontier(
      {Description("fast", absl::Milliseconds(20))},
      {.progress = [&](const std::string& line) { said += line + "\n"; }}, servers.trial());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_LT(result->frontier.variants(0).capacity_per_second(), 5000);
  EXPECT_THAT(said, HasSubstr("the generator could not keep up"));
}

TEST(FrontierTest, AVariantThatIsNeverInTimeHasNoCapacity) {
  FakeServers servers({{"slow", {.per_second = 100, .seconds = 0.1}}});
  const absl::StatusOr<FrontierResult> result =
      FindFrontier({Description("slow", absl::Milliseconds(20))}, {}, servers.trial());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->frontier.variants(0).capacity_per_second(), 0);
  EXPECT_FALSE(result->frontier.variants(0).has_latency_unloaded());
}

TEST(FrontierTest, AnObjectiveOfTheCallersHoldsForAll) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001}}});
  const absl::StatusOr<FrontierResult> result =
      FindFrontier({Description("fast", absl::ZeroDuration())},
                   {.slo_latency = absl::Milliseconds(2)}, servers.trial());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_NEAR(result->frontier.variants(0).capacity_per_second(), 5000, 150);
  EXPECT_EQ(result->frontier.variants(0).slo_latency_seconds(), 0.002);
}

TEST(FrontierTest, AModelWithoutAnObjectiveIsRefusedBeforeAnythingIsSent) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001}}});
  const absl::StatusOr<FrontierResult> result = FindFrontier(
      {Description("fast", absl::Milliseconds(20)), Description("other", absl::ZeroDuration())}, {},
      servers.trial());
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("other"));
  EXPECT_TRUE(servers.scenarios_.empty());
}

TEST(FrontierTest, EndsWhenTheUserHasHadEnough) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001}}});
  servers.interrupted_ = true;
  EXPECT_EQ(FindFrontier({Description("fast", absl::Milliseconds(20))}, {}, servers.trial())
                .status()
                .code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(servers.scenarios_.size(), 1U);
}

TEST(FrontierTest, TrialsAreWarmedUpAndUseTheCallersTime) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001}}});
  ASSERT_TRUE(FindFrontier({Description("fast", absl::Milliseconds(20))},
                           {.trial = absl::Seconds(2)}, servers.trial())
                  .ok());
  for (const v1::LoadScenario& scenario : servers.scenarios_) {
    ASSERT_EQ(scenario.phases_size(), 2);
    EXPECT_TRUE(scenario.phases(0).warm_up());
    EXPECT_FALSE(scenario.phases(1).warm_up());
    EXPECT_EQ(scenario.phases(0).load_case(), scenario.phases(1).load_case());
    EXPECT_EQ(scenario.phases(1).duration(), "2s");
  }
}

}  // namespace
}  // namespace weir
