#include "loadgen/scenario_traffic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "loadgen/load/pacer.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/load_report.pb.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

v1::LoadTraffic TrafficTo(const std::string& model, int rows = 1) {
  v1::LoadTraffic traffic;
  traffic.set_model(model);
  traffic.set_rows(rows);
  traffic.set_input("random");
  return traffic;
}

// Requests of random rows, so that each is another one.
RequestSet Requests(const v1::LoadTraffic& traffic) {
  v1::ModelDescription model;
  model.set_name(traffic.model());
  model.set_max_batch_size(8);
  v1::TensorDescription& input = *model.add_inputs();
  input.set_name("x");
  input.set_data_type(v1::TYPE_FP32);
  input.add_dims(4);
  v1::TensorDescription& output = *model.add_outputs();
  output.set_name("y");
  output.set_data_type(v1::TYPE_FP32);
  output.add_dims(1);
  absl::StatusOr<RequestSet> requests = RequestSet::Create(traffic, model, {});
  EXPECT_TRUE(requests.ok()) << requests.status();
  return *std::move(requests);
}

class ScenarioTrafficTest : public testing::Test {
 protected:
  ScenarioTrafficTest()
      : tally_({{"first"}, {"second"}}, {{"a"}, {"b"}}),
        requests_(Requests(TrafficTo("a"))),
        large_(Requests(TrafficTo("b", 8))) {}

  ScenarioTraffic::Source SourceOf(int model) const {
    return {.model = model,
            .targets = {model},
            .requests = model == 0 ? &requests_ : &large_,
            .method = {.path = "/a"},
            .timeout = absl::Seconds(1)};
  }

  void Use(std::vector<ScenarioTraffic::Source> sources, std::vector<std::vector<int>> phases,
           uint64_t seed = 1) {
    traffic_.emplace(std::move(sources), std::move(phases), seed, tally_,
                     [this](int phase) { ++sent_[phase]; });
  }

  Tally tally_;
  const RequestSet requests_;
  const RequestSet large_;
  std::map<int, int> sent_;  // By phase, as on_sent is told.
  std::optional<ScenarioTraffic> traffic_;
};

TEST_F(ScenarioTrafficTest, ModelsAreChosenByTheirWeights) {
  ScenarioTraffic::Source heavy = SourceOf(0);
  heavy.weight = 3;
  Use({heavy, SourceOf(1)}, {{0, 1}});
  std::map<int, int> chosen;
  for (int i = 0; i < 10000; ++i) ++chosen[traffic_->Next(MonotonicNow()).target];
  EXPECT_NEAR(chosen[0], 7500, 150);
  EXPECT_EQ(chosen[0] + chosen[1], 10000);
}

TEST_F(ScenarioTrafficTest, TheSameSeedMakesTheSameChoices) {
  const auto choices = [this](uint64_t seed) {
    Use({SourceOf(0), SourceOf(1)}, {{0, 1}}, seed);
    std::string targets;
    for (int i = 0; i < 64; ++i) targets += traffic_->Next(MonotonicNow()).target == 0 ? 'a' : 'b';
    return targets;
  };
  EXPECT_EQ(choices(7), choices(7));
  EXPECT_NE(choices(7), choices(8));
}

// As a run does it: when requests are due and what they are comes from one seed.
TEST_F(ScenarioTrafficTest, WhatIsSentHasNothingToDoWithWhenItIsDue) {
  constexpr int kRequests = 100000;
  for (const int phase : {0, 1}) {
    Use({SourceOf(0), SourceOf(1)}, {{0, 1}, {0, 1}}, 7);
    const auto pacer = PacePoisson({{1, 1, absl::InfiniteDuration()}}, 7, phase);
    double time = 0, gaps = 0, gaps_before_b = 0, last_a = 0, gaps_of_a = 0, squares_of_a = 0;
    int count_of_a = 0;
    for (int i = 0; i < kRequests; ++i) {
      const double due = absl::ToDoubleSeconds(pacer->Next());
      const bool is_a = traffic_->Next(MonotonicNow()).target == 0;
      gaps += due - time;
      if (!is_a) gaps_before_b += due - time;
      time = due;
      if (!is_a) continue;
      ++count_of_a;
      gaps_of_a += due - last_a;
      squares_of_a += (due - last_a) * (due - last_a);
      last_a = due;
    }
    EXPECT_NEAR(gaps / kRequests, 1, 0.02);
    EXPECT_NEAR(gaps_before_b / (kRequests - count_of_a), 1, 0.03);
    // The gaps of one model are exponential too: as long as they vary.
    const double mean = gaps_of_a / count_of_a;
    EXPECT_NEAR(mean, 2, 0.06);
    EXPECT_NEAR(std::sqrt(squares_of_a / count_of_a - mean * mean) / mean, 1, 0.03);
  }
}

TEST_F(ScenarioTrafficTest, ServersThatHaveTheModelTakeTurns) {
  ScenarioTraffic::Source source = SourceOf(0);
  source.targets = {4, 5, 6};
  Use({source}, {{0}});
  std::vector<int> targets;
  for (int i = 0; i < 4; ++i) targets.push_back(traffic_->Next(MonotonicNow()).target);
  EXPECT_THAT(targets, ElementsAre(4, 5, 6, 4));
}

TEST_F(ScenarioTrafficTest, RequestsAreSentOneAfterTheOtherAndThenAgain) {
  Use({SourceOf(0)}, {{0}});
  ASSERT_GT(requests_.size(), 1);
  std::set<std::string> messages;
  for (int i = 0; i < requests_.size(); ++i) {
    messages.emplace(traffic_->Next(MonotonicNow()).message);
  }
  EXPECT_EQ(messages.size(), requests_.size());
  EXPECT_EQ(traffic_->Next(MonotonicNow()).message, requests_.message(0));
}

TEST_F(ScenarioTrafficTest, PhasesHaveTrafficOfTheirOwn) {
  Use({SourceOf(0), SourceOf(1)}, {{0}, {1}});
  EXPECT_EQ(traffic_->Next(MonotonicNow()).target, 0);
  traffic_->BeginPhase(1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(traffic_->Next(MonotonicNow()).target, 1);
}

TEST_F(ScenarioTrafficTest, AShareOfRequestsIsMalformed) {
  ScenarioTraffic::Source source = SourceOf(0);
  source.malformed_ratio = 0.25;
  Use({source}, {{0}});
  int malformed = 0;
  for (int i = 0; i < 10000; ++i) {
    malformed += traffic_->Next(MonotonicNow()).message == requests_.malformed() ? 1 : 0;
  }
  EXPECT_NEAR(malformed, 2500, 150);
}

TEST_F(ScenarioTrafficTest, ARequestThatEndsLateStaysWithItsPhase) {
  Use({SourceOf(0), SourceOf(1)}, {{0}, {1}});
  const absl::Time now = MonotonicNow();
  tally_.BeginPhase(0, now);
  const Shot early = traffic_->Next(now);
  traffic_->OnSent(early, now, now);
  tally_.EndPhase(0, now + absl::Seconds(1));
  tally_.BeginPhase(1, now + absl::Seconds(1));
  traffic_->BeginPhase(1);
  const Shot late = traffic_->Next(now + absl::Seconds(1));
  traffic_->OnSent(late, now + absl::Seconds(1), now + absl::Seconds(1));
  traffic_->OnEnd(early, now, now + absl::Seconds(2), absl::OkStatus(), "");
  traffic_->OnEnd(late, now + absl::Seconds(1), now + absl::Seconds(2),
                  absl::UnavailableError("gone"), "");
  tally_.EndPhase(1, now + absl::Seconds(2));
  EXPECT_THAT(sent_, ElementsAre(Pair(0, 1), Pair(1, 1)));
  const v1::LoadReport report = tally_.Report();
  ASSERT_EQ(report.phases_size(), 2);
  ASSERT_EQ(report.phases(0).models_size(), 1);
  EXPECT_EQ(report.phases(0).models(0).model(), "a");
  EXPECT_EQ(report.phases(0).models(0).answered(), 1);
  ASSERT_EQ(report.phases(1).models_size(), 1);
  EXPECT_EQ(report.phases(1).models(0).model(), "b");
  EXPECT_EQ(report.phases(1).models(0).sent(), 1);
  EXPECT_EQ(report.phases(1).models(0).answered(), 0);
  ASSERT_EQ(report.phases(1).models(0).codes_size(), 1);
  EXPECT_EQ(report.phases(1).models(0).codes(0).code(), "UNAVAILABLE");
}

TEST_F(ScenarioTrafficTest, RowsAreCountedWhereTheyWereAnswered) {
  Use({SourceOf(1)}, {{0}});
  const absl::Time now = MonotonicNow();
  tally_.BeginPhase(0, now);
  for (const absl::Status& status : {absl::OkStatus(), absl::InternalError("no")}) {
    const Shot shot = traffic_->Next(now);
    traffic_->OnSent(shot, now, now);
    traffic_->OnEnd(shot, now, now, status, "");
  }
  tally_.EndPhase(0, now + absl::Seconds(1));
  EXPECT_DOUBLE_EQ(tally_.Report().models(1).rows_per_second(), 8);
}

TEST(MethodOfTest, FaultsAreMetadataOfTheCall) {
  v1::LoadTraffic traffic = TrafficTo("a");
  EXPECT_EQ(MethodOf(traffic).path, "/weir.v1.Predictor/Predict");
  EXPECT_THAT(MethodOf(traffic).metadata, IsEmpty());
  traffic.mutable_faults()->set_delay("2s");
  EXPECT_THAT(MethodOf(traffic).metadata, ElementsAre(Pair("weir-delay-ms", "2000")));
  traffic.mutable_faults()->set_delay("1500us");
  traffic.mutable_faults()->set_fail_ratio(0.25);
  EXPECT_THAT(MethodOf(traffic).metadata,
              ElementsAre(Pair("weir-delay-ms", "1.5"), Pair("weir-fail-code", "INTERNAL"),
                          Pair("weir-fail-ratio", "0.25")));
  traffic.mutable_faults()->set_code("UNAVAILABLE");
  EXPECT_THAT(MethodOf(traffic).metadata, testing::Contains(Pair("weir-fail-code", "UNAVAILABLE")));
  traffic.set_stream(true);
  EXPECT_EQ(MethodOf(traffic).path, "/weir.v1.Predictor/PredictStream");
}

}  // namespace
}  // namespace weir
