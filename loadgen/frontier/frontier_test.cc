#include "loadgen/frontier/frontier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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
    int queue = 1000000;      // What is in flight beyond it is refused.
    double rows = 10000;      // That there are to ask about.
  };

  explicit FakeServers(std::map<std::string, Model> models) : models_(std::move(models)) {}

  absl::StatusOr<v1::LoadReport> Run(const v1::LoadScenario& scenario) {
    scenarios_.push_back(scenario);
    const v1::LoadTraffic& traffic = scenario.traffic(0);
    const v1::LoadPhase& phase = scenario.phases(scenario.phases_size() - 1);
    const Model& model = models_.at(traffic.model());
    const bool closed = phase.load_case() == v1::LoadPhase::kConcurrency;
    double rate = closed ? model.per_second : phase.rate();
    const bool refuses = closed && phase.concurrency() > model.queue;
    if (refuses) rate *= 0.1;  // Refusals keep the server busy.
    if (closed && spoilt_trials_ > 0) {
      --spoilt_trials_;
      rate *= 0.3;
    }
    v1::LoadReport report;
    report.set_interrupted(interrupted_);
    report.mutable_generator()->set_kept_up(rate < generator_per_second_);
    report.add_phases()->set_name(phase.name());
    v1::LoadModel& measured = *report.add_models();
    measured.set_model(traffic.model());
    absl::Duration duration;
    EXPECT_TRUE(absl::ParseDuration(phase.duration(), &duration)) << phase.duration();
    const double sent = closed ? 1000 : std::round(rate * absl::ToDoubleSeconds(duration));
    if (phases_left_ == 0) return absl::UnavailableError("the server is gone");
    --phases_left_;
    report.set_seconds(absl::ToDoubleSeconds(duration));
    measured.set_sent(sent);
    measured.set_answered(refuses || rate > model.fails_from ? 0.99 * sent : sent);
    AddCode("OK", measured.answered(), measured);
    AddCode(refuses ? "RESOURCE_EXHAUSTED" : "INTERNAL", sent - measured.answered(), measured);
    measured.set_answered_per_second(rate);
    // As a queue grows: to many times what it takes when it is full.
    const double free_share = std::max(0.001, 1 - rate / model.per_second);
    const double p99 = model.seconds / free_share;
    measured.mutable_latency()->set_p99(p99);
    measured.mutable_latency()->set_max(p99);
    v1::LoadBucket& bucket = *measured.add_distribution();
    bucket.set_from(p99);
    bucket.set_to(p99);
    bucket.set_count(measured.answered());
    v1::LoadQuality& quality = *measured.mutable_quality();
    quality.set_metric("accuracy");
    // What came first was easy.
    quality.set_value(sent < model.rows ? 1 : model.accuracy);
    quality.set_low(model.accuracy - 0.005);
    quality.set_high(model.accuracy + 0.005);
    quality.set_rows(sent);
    quality.set_distinct_rows(model.rows);
    return report;
  }

  static void AddCode(const std::string& code, double count, v1::LoadModel& model) {
    if (count == 0) return;
    v1::LoadCode& added = *model.add_codes();
    added.set_code(code);
    added.set_count(count);
  }

  RunTrial trial() {
    return [this](const v1::LoadScenario& scenario) { return Run(scenario); };
  }

  std::vector<v1::LoadScenario> scenarios_;
  double generator_per_second_ = 1e9;
  bool interrupted_ = false;
  int spoilt_trials_ = 0;      // Closed loops that something else disturbs.
  int phases_left_ = 1000000;  // Then the server is gone.

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

double DurationOf(const v1::LoadPhase& phase) {
  absl::Duration duration;
  EXPECT_TRUE(absl::ParseDuration(phase.duration(), &duration)) << phase.duration();
  return absl::ToDoubleSeconds(duration);
}

TEST(FrontierTest, FindsWhatEachVariantCarriesWithinItsObjective) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001, .accuracy = 0.89}},
                       {"exact", {.per_second = 1000, .seconds = 0.01, .accuracy = 0.94}}});
  const FrontierResult result = FindFrontier(
      {Description("fast", absl::Milliseconds(20)), Description("exact", absl::Milliseconds(40))},
      {}, servers.trial());
  ASSERT_TRUE(result.status.ok()) << result.status;
  const v1::Frontier& frontier = result.frontier;
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
  const FrontierResult result =
      FindFrontier({Description("fast", absl::Milliseconds(20))}, {}, servers.trial());
  ASSERT_TRUE(result.status.ok()) << result.status;
  ASSERT_EQ(result.report.models_size(), 1);
  EXPECT_EQ(result.report.models(0).answered_per_second(),
            result.frontier.variants(0).capacity_per_second());
  EXPECT_TRUE(result.report.generator().kept_up());
}

TEST(FrontierTest, FailuresLimitTheCapacityToo) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001, .fails_from = 4000}}});
  std::string said;
  const FrontierResult result = FindFrontier(
      {Description("fast", absl::Milliseconds(20))},
      {.progress = [&](const std::string& line) { said += line + "\n"; }}, servers.trial());
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_NEAR(result.frontier.variants(0).capacity_per_second(), 4000, 120);
  EXPECT_THAT(said, HasSubstr("1.00 % failed"));
}

TEST(FrontierTest, AGeneratorThatCannotKeepUpMakesItAtLeastACapacity) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001}},
                       {"slow", {.per_second = 1000, .seconds = 0.001}}});
  servers.generator_per_second_ = 5000;
  std::string said;
  const FrontierResult result = FindFrontier(
      {Description("fast", absl::Milliseconds(20)), Description("slow", absl::Milliseconds(20))},
      {.progress = [&](const std::string& line) { said += line + "\n"; }}, servers.trial());
  ASSERT_TRUE(result.status.ok()) << result.status;
  for (const v1::FrontierVariant& variant : result.frontier.variants()) {
    EXPECT_LT(variant.capacity_per_second(), 5000);
    EXPECT_EQ(variant.capacity_is_at_least(), variant.model() == "fast") << variant.model();
  }
  EXPECT_THAT(said, HasSubstr("the generator could not keep up"));
  EXPECT_FALSE(result.report.generator().kept_up());
  ASSERT_EQ(result.report.warnings_size(), 1);
  EXPECT_THAT(result.report.warnings(0), HasSubstr("fast"));
}

TEST(FrontierTest, SaturatedTrialsThatAreSpoiltDoNotLowerTheCapacity) {
  for (const int spoilt : {1, 2, 3}) {
    FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001}}});
    servers.spoilt_trials_ = spoilt;
    const FrontierResult result =
        FindFrontier({Description("fast", absl::Milliseconds(20))}, {}, servers.trial());
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_NEAR(result.frontier.variants(0).capacity_per_second(), 9500, 0.031 * 9500) << spoilt;
  }
}

TEST(FrontierTest, NoMoreAreInFlightThanTheQueueTakes) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001, .queue = 20}}});
  const FrontierResult result =
      FindFrontier({Description("fast", absl::Milliseconds(20))}, {}, servers.trial());
  ASSERT_TRUE(result.status.ok()) << result.status;
  std::vector<int> in_flight;
  for (const v1::LoadScenario& scenario : servers.scenarios_) {
    if (scenario.phases(0).concurrency() > 0) {
      in_flight.push_back(scenario.phases(0).concurrency());
    }
  }
  EXPECT_THAT(in_flight, testing::ElementsAre(256, 64, 16, 16, 16));
  EXPECT_NEAR(result.frontier.variants(0).capacity_per_second(), 9500, 0.03 * 9500);
}

TEST(FrontierTest, AllVariantsAreAskedAboutTheSameRowsAndOftenEnough) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001, .accuracy = 0.89}},
                       {"slow", {.per_second = 300, .seconds = 0.001, .accuracy = 0.94}}});
  const FrontierResult result = FindFrontier(
      {Description("fast", absl::Milliseconds(20)), Description("slow", absl::Milliseconds(20))},
      {}, servers.trial());
  ASSERT_TRUE(result.status.ok()) << result.status;
  for (const v1::FrontierVariant& variant : result.frontier.variants()) {
    EXPECT_EQ(variant.quality_rows(), 10000) << variant.model();
    EXPECT_LT(variant.quality(), 0.95) << variant.model();
  }
  for (const v1::LoadScenario& scenario : servers.scenarios_) {
    const v1::LoadPhase& phase = scenario.phases(scenario.phases_size() - 1);
    if (phase.name() == "slow unloaded") {
      EXPECT_GT(DurationOf(phase) * phase.rate(), 199);
    }
    EXPECT_LE(DurationOf(phase), 60) << phase.name();
  }
}

TEST(FrontierTest, AllModelsAreTheSumOfTheTrialsThatAreStated) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001}},
                       {"slow", {.per_second = 1000, .seconds = 0.001}}});
  const FrontierResult result = FindFrontier(
      {Description("fast", absl::Milliseconds(20)), Description("slow", absl::Milliseconds(20))},
      {}, servers.trial());
  ASSERT_EQ(result.report.models_size(), 2);
  const v1::LoadModel& all = result.report.all_models();
  const double sent = result.report.models(0).sent() + result.report.models(1).sent();
  EXPECT_EQ(all.sent(), sent);
  EXPECT_EQ(all.answered(), sent);
  ASSERT_EQ(all.codes_size(), 1);
  EXPECT_EQ(all.codes(0).count(), sent);
  EXPECT_DOUBLE_EQ(all.answered_per_second(), sent / 10);
  EXPECT_NEAR(all.latency().p999(), result.report.models(0).latency().p99(), 0.0005);
  EXPECT_GT(all.latency().p50(), 0.001);
}

TEST(FrontierTest, AVariantThatIsNeverInTimeHasNoCapacity) {
  FakeServers servers({{"slow", {.per_second = 100, .seconds = 0.1}}});
  const FrontierResult result =
      FindFrontier({Description("slow", absl::Milliseconds(20))}, {}, servers.trial());
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.frontier.variants(0).capacity_per_second(), 0);
  EXPECT_FALSE(result.frontier.variants(0).has_latency_unloaded());
}

TEST(FrontierTest, AnObjectiveOfTheCallersHoldsForAll) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001}}});
  const FrontierResult result =
      FindFrontier({Description("fast", absl::ZeroDuration())},
                   {.slo_latency = absl::Milliseconds(2)}, servers.trial());
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_NEAR(result.frontier.variants(0).capacity_per_second(), 5000, 150);
  EXPECT_EQ(result.frontier.variants(0).slo_latency_seconds(), 0.002);
}

TEST(FrontierTest, AModelNeedsAnObjective) {
  const std::vector<v1::ModelDescription> models = {Description("fast", absl::Milliseconds(20)),
                                                    Description("other", absl::ZeroDuration())};
  const absl::Status status = CheckObjectives(models, absl::ZeroDuration());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("other"));
  EXPECT_TRUE(CheckObjectives(models, absl::Milliseconds(1)).ok());
}

TEST(FrontierTest, EndsWhenTheUserHasHadEnough) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001}}});
  servers.interrupted_ = true;
  const FrontierResult result =
      FindFrontier({Description("fast", absl::Milliseconds(20))}, {}, servers.trial());
  EXPECT_EQ(result.status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(result.report.interrupted());
  EXPECT_EQ(servers.scenarios_.size(), 1U);
}

TEST(FrontierTest, WhatWasMeasuredBeforeAServerWasLostStays) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001}},
                       {"slow", {.per_second = 1000, .seconds = 0.001}}});
  const v1::ModelDescription fast = Description("fast", absl::Milliseconds(20));
  const FrontierResult alone = FindFrontier({fast}, {}, servers.trial());
  ASSERT_TRUE(alone.status.ok()) << alone.status;
  servers.phases_left_ = static_cast<int>(servers.scenarios_.size()) + 5;
  const FrontierResult result =
      FindFrontier({fast, Description("slow", absl::Milliseconds(20))}, {}, servers.trial());
  EXPECT_EQ(result.status.code(), absl::StatusCode::kUnavailable);
  ASSERT_EQ(result.frontier.variants_size(), 1);
  EXPECT_EQ(result.frontier.variants(0).SerializeAsString(),
            alone.frontier.variants(0).SerializeAsString());
  EXPECT_TRUE(result.frontier.interrupted());
  EXPECT_TRUE(result.report.interrupted());
  ASSERT_EQ(result.report.warnings_size(), 1);
  EXPECT_THAT(result.report.warnings(0), HasSubstr("the server is gone"));
  EXPECT_EQ(result.report.all_models().sent(), alone.report.all_models().sent());
}

TEST(FrontierTest, TrialsAreWarmedUpAndUseTheCallersTime) {
  FakeServers servers({{"fast", {.per_second = 10000, .seconds = 0.001}}});
  ASSERT_TRUE(FindFrontier({Description("fast", absl::Milliseconds(20))},
                           {.trial = absl::Seconds(2)}, servers.trial())
                  .status.ok());
  int usual = 0;
  for (const v1::LoadScenario& scenario : servers.scenarios_) {
    if (!scenario.phases(0).poisson()) continue;
    ASSERT_EQ(scenario.phases_size(), 2);
    EXPECT_TRUE(scenario.phases(0).warm_up());
    EXPECT_FALSE(scenario.phases(1).warm_up());
    EXPECT_EQ(scenario.phases(0).load_case(), scenario.phases(1).load_case());
    EXPECT_EQ(scenario.phases(1).duration(), "2s");
    ++usual;
  }
  EXPECT_GT(usual, 2);
}

}  // namespace
}  // namespace weir
