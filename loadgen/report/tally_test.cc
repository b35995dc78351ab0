#include "loadgen/report/tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace weir {
namespace {

using absl::Milliseconds;
using absl::Seconds;
using absl::StatusCode;
using testing::HasSubstr;

const absl::Time kStart = absl::FromUnixSeconds(1000);

// A run whose time passes as the test says.
class TallyTest : public testing::Test {
 protected:
  TallyTest()
      : tally_({{.name = "warm", .warm_up = true, .open_loop = true},
                {.name = "steady", .open_loop = true},
                {.name = "closed"}},
               {{.model = "fast", .family = "fashion", .variant = "f", .slo_latency = Seconds(1)},
                {.model = "slow"}}) {}

  // One that is sent when it is due.
  void Request(int phase, int model, absl::Duration due, absl::Duration latency,
               StatusCode code = StatusCode::kOk, int rows = 1) {
    tally_.Sent(phase, model, kStart + due, kStart + due);
    tally_.Ended(phase, model, kStart + due, kStart + due + latency, code, rows);
  }
  void Begin(int phase, absl::Duration at) { tally_.BeginPhase(phase, kStart + at); }
  void End(int phase, absl::Duration at) { tally_.EndPhase(phase, kStart + at); }

  Tally tally_;
};

TEST_F(TallyTest, CountsByModelAndCode) {
  Begin(1, Seconds(0));
  Request(1, 0, Milliseconds(10), Milliseconds(1), StatusCode::kOk, 8);
  Request(1, 0, Milliseconds(20), Milliseconds(3), StatusCode::kOk, 8);
  Request(1, 0, Milliseconds(30), Milliseconds(9), StatusCode::kUnavailable);
  Request(1, 1, Milliseconds(40), Milliseconds(5));
  End(1, Seconds(2));
  const v1::LoadReport report = tally_.Report();
  EXPECT_EQ(report.seconds(), 2);
  ASSERT_EQ(report.models_size(), 2);
  const v1::LoadModel& fast = report.models(0);
  EXPECT_EQ(fast.model(), "fast");
  EXPECT_EQ(fast.family(), "fashion");
  EXPECT_EQ(fast.slo_latency_seconds(), 1);
  EXPECT_EQ(fast.sent(), 3);
  EXPECT_EQ(fast.answered(), 2);
  ASSERT_EQ(fast.codes_size(), 2);
  EXPECT_EQ(fast.codes(0).code(), "OK");
  EXPECT_EQ(fast.codes(0).count(), 2);
  EXPECT_EQ(fast.codes(1).code(), "UNAVAILABLE");
  EXPECT_EQ(fast.codes(1).count(), 1);
  EXPECT_EQ(fast.sent_per_second(), 1.5);
  EXPECT_EQ(fast.answered_per_second(), 1);
  EXPECT_EQ(fast.rows_per_second(), 8);
  EXPECT_EQ(report.models(1).answered(), 1);
  EXPECT_EQ(report.all_models().sent(), 4);
  EXPECT_EQ(report.all_models().answered(), 3);
}

TEST_F(TallyTest, LatencyIsFromWhenRequestsWereDue) {
  Begin(1, Seconds(0));
  for (int i = 1; i <= 100; ++i) {
    // Sent late: that is part of the latency.
    const absl::Time due = kStart + Milliseconds(i);
    tally_.Sent(1, 0, due, due + Milliseconds(2));
    tally_.Ended(1, 0, due, due + Milliseconds(2 + i), StatusCode::kOk, 1);
  }
  Request(1, 0, Seconds(1), Seconds(30), StatusCode::kUnavailable);
  End(1, Seconds(40));
  const v1::LoadLatency latency = tally_.Report().models(0).latency();
  EXPECT_NEAR(latency.mean(), 0.0525, 1e-6);
  EXPECT_NEAR(latency.p50(), 0.052, 0.052 / 64);
  EXPECT_NEAR(latency.p99(), 0.101, 0.101 / 64);
  EXPECT_EQ(latency.max(), 0.102);
  EXPECT_LE(latency.p999(), latency.max());
}

TEST_F(TallyTest, WhatTimedOutCountsInLatencyWithTheTimeItWaited) {
  Begin(1, Seconds(0));
  for (int i = 0; i < 98; ++i) Request(1, 0, Milliseconds(i), Milliseconds(2));
  Request(1, 0, Milliseconds(100), Milliseconds(1), StatusCode::kUnavailable);
  for (int i = 0; i < 2; ++i) {
    Request(1, 0, Milliseconds(1100), Seconds(1), StatusCode::kDeadlineExceeded);
  }
  End(1, Seconds(4));
  const v1::LoadReport report = tally_.Report();
  const v1::LoadModel& model = report.models(0);
  EXPECT_EQ(model.answered(), 98);
  EXPECT_EQ(model.answered_per_second(), 24.5);
  EXPECT_NEAR(model.latency().p50(), 0.002, 0.002 / 64);
  EXPECT_NEAR(model.latency().p99(), 1, 1.0 / 64);
  EXPECT_EQ(model.latency().max(), 1);
  EXPECT_NEAR(model.timeline(2).p50(), 1, 1.0 / 64);
  EXPECT_EQ(tally_.Live().models[0].p99_seconds, model.timeline(2).p99());
}

TEST_F(TallyTest, AnswersPerSecondAreThoseThatCameWhileThePhaseWentOn) {
  // Ten in flight that take a second each.
  Begin(0, Seconds(0));
  for (int i = 0; i < 10; ++i) tally_.Sent(0, 0, kStart, kStart);
  End(0, Milliseconds(900));
  Begin(2, Milliseconds(900));
  for (int second = 1; second <= 3; ++second) {
    const absl::Time now = kStart + Seconds(second);
    for (int i = 0; i < 10; ++i) {
      tally_.Ended(second == 1 ? 0 : 2, 0, now - Seconds(1), now, StatusCode::kOk, 8);
      tally_.Sent(2, 0, now, now);
    }
  }
  End(2, Milliseconds(3900));
  for (int i = 0; i < 10; ++i) {
    tally_.Ended(2, 0, kStart + Seconds(3), kStart + Seconds(4), StatusCode::kOk, 8);
  }
  const v1::LoadReport report = tally_.Report();
  const v1::LoadModel& model = report.models(0);
  EXPECT_EQ(model.sent(), 30);
  EXPECT_EQ(model.answered(), 30) << "but for those of the warm-up";
  EXPECT_DOUBLE_EQ(model.answered_per_second(), 10);
  EXPECT_DOUBLE_EQ(model.rows_per_second(), 80);
  EXPECT_DOUBLE_EQ(report.all_models().answered_per_second(), 10);
  EXPECT_DOUBLE_EQ(report.phases(1).models(0).answered_per_second(), 10);
  EXPECT_EQ(report.phases(0).models(0).answered(), 10);
  EXPECT_EQ(report.phases(0).models(0).answered_per_second(), 0);
  EXPECT_DOUBLE_EQ(tally_.AnsweredPerSecond(2), 10);
}

TEST_F(TallyTest, ADistributionHoldsEachAnswerBetweenItsBounds) {
  Begin(1, Seconds(0));
  Request(1, 0, Milliseconds(10), Milliseconds(1));
  Request(1, 0, Milliseconds(20), Milliseconds(50));
  Request(1, 0, Milliseconds(30), Milliseconds(50));
  End(1, Seconds(2));
  const v1::LoadReport report = tally_.Report();
  const auto& distribution = report.models(0).distribution();
  ASSERT_EQ(distribution.size(), 2);
  EXPECT_LE(distribution[1].from(), 0.05);
  EXPECT_GT(distribution[1].to(), 0.05);
  EXPECT_EQ(distribution[1].count(), 2);
  EXPECT_EQ(report.all_models().distribution_size(), 2);
}

TEST_F(TallyTest, WarmUpIsReportedAsAPhaseAndNotCounted) {
  Begin(0, Seconds(0));
  Request(0, 0, Milliseconds(10), Seconds(3));
  End(0, Seconds(4));
  Begin(1, Seconds(4));
  Request(1, 0, Seconds(4), Milliseconds(2));
  End(1, Seconds(6));
  const v1::LoadReport report = tally_.Report();
  EXPECT_EQ(report.seconds(), 2);
  EXPECT_EQ(report.models(0).sent(), 1);
  EXPECT_EQ(report.models(0).latency().max(), 0.002);
  ASSERT_EQ(report.phases_size(), 2);
  EXPECT_EQ(report.phases(0).name(), "warm");
  EXPECT_TRUE(report.phases(0).warm_up());
  EXPECT_EQ(report.phases(0).models(0).latency().max(), 3);
  EXPECT_EQ(report.phases(1).seconds(), 2);
}

TEST_F(TallyTest, ARequestBelongsToItsPhaseWheneverItEnds) {
  Begin(0, Seconds(0));
  tally_.Sent(0, 0, kStart, kStart);
  End(0, Seconds(1));
  Begin(1, Seconds(1));
  tally_.Ended(0, 0, kStart, kStart + Seconds(2), StatusCode::kOk, 1);
  End(1, Seconds(3));
  const v1::LoadReport report = tally_.Report();
  EXPECT_EQ(report.models(0).answered(), 0);
  EXPECT_EQ(report.phases(0).models(0).answered(), 1);
  EXPECT_EQ(report.phases(1).models_size(), 0);
}

TEST_F(TallyTest, AModelThatGotNothingIsReportedWithZeros) {
  Begin(1, Seconds(0));
  End(1, Seconds(3));
  const v1::LoadReport report = tally_.Report();
  EXPECT_EQ(report.models(1).sent(), 0);
  EXPECT_EQ(report.models(1).codes_size(), 0);
  EXPECT_EQ(report.models(1).latency().p99(), 0);
  EXPECT_FALSE(report.models(1).has_quality());
  EXPECT_TRUE(report.generator().kept_up());
}

TEST_F(TallyTest, ARunThatNeverBeganHasAnEmptyReport) {
  const v1::LoadReport report = tally_.Report();
  EXPECT_EQ(report.seconds(), 0);
  EXPECT_EQ(report.phases_size(), 0);
  EXPECT_EQ(report.models(0).sent_per_second(), 0);
  EXPECT_EQ(report.models(0).timeline_size(), 0);
}

TEST_F(TallyTest, CodesThatAreNoneAreUnknown) {
  Begin(1, Seconds(0));
  Request(1, 0, Seconds(0), Milliseconds(1), static_cast<StatusCode>(77));
  Request(1, 0, Seconds(0), Milliseconds(1), static_cast<StatusCode>(-1));
  End(1, Seconds(1));
  EXPECT_EQ(tally_.Report().models(0).codes(0).code(), "UNKNOWN");
  EXPECT_EQ(tally_.Report().models(0).codes(0).count(), 2);
}

TEST_F(TallyTest, QualityIsThatOfThePhasesThatCount) {
  Begin(0, Seconds(0));
  tally_.quality(0, 0).AddClass(false);
  End(0, Seconds(1));
  Begin(1, Seconds(1));
  for (int i = 0; i < 4; ++i) tally_.quality(1, 0).AddClass(i > 0);
  End(1, Seconds(2));
  const v1::LoadReport report = tally_.Report();
  EXPECT_EQ(report.models(0).quality().value(), 0.75);
  EXPECT_EQ(report.models(0).quality().rows(), 4);
  EXPECT_EQ(report.phases(0).models(0).quality().value(), 0);
  EXPECT_FALSE(report.models(1).has_quality());
  EXPECT_FALSE(report.all_models().has_quality());
}

TEST_F(TallyTest, TimelinesShowWarmUpStallsAndTheRest) {
  Begin(0, Seconds(0));
  Request(0, 0, Milliseconds(100), Milliseconds(1));
  End(0, Seconds(1));
  Begin(1, Seconds(1));
  Request(1, 0, Milliseconds(1200), Milliseconds(3500));  // Ends at 4.7 s.
  End(1, Seconds(5));
  Request(1, 0, Milliseconds(5600), Milliseconds(100), StatusCode::kInternal);
  const v1::LoadReport report = tally_.Report();
  const auto& timeline = report.models(0).timeline();
  ASSERT_EQ(timeline.size(), 6);
  EXPECT_EQ(timeline[0].answered(), 1);
  EXPECT_EQ(timeline[1].sent(), 1);
  EXPECT_EQ(timeline[1].answered(), 0);
  EXPECT_EQ(timeline[2].sent(), 0);
  EXPECT_EQ(timeline[4].answered(), 1);
  EXPECT_NEAR(timeline[4].p99(), 3.5, 3.5 / 64);
  EXPECT_NEAR(timeline[5].seconds(), 0.7, 1e-9);
  EXPECT_EQ(timeline[5].failed(), 1);
}

TEST_F(TallyTest, AnsweredPerSecondIsThatOfOnePhase) {
  Begin(2, Seconds(0));
  for (int i = 0; i < 30; ++i) Request(2, i % 2, Milliseconds(i), Milliseconds(1));
  Request(2, 0, Milliseconds(40), Milliseconds(1), StatusCode::kInternal);
  End(2, Seconds(3));
  EXPECT_EQ(tally_.AnsweredPerSecond(2), 10);
  EXPECT_EQ(tally_.AnsweredPerSecond(1), 0);
}

// Of a generator that sends everything `lag` late, to a server that takes `latency`.
v1::LoadReport ReportWithLag(absl::Duration lag, absl::Duration latency, bool open_loop = true) {
  Tally tally({{.name = "p", .open_loop = open_loop}}, {{.model = "m"}});
  tally.BeginPhase(0, kStart);
  for (int i = 0; i < 100; ++i) {
    const absl::Time due = kStart + Milliseconds(20 * i);
    tally.Sent(0, 0, due, due + lag);
    tally.Ended(0, 0, due, due + lag + latency, StatusCode::kOk, 1);
  }
  tally.EndPhase(0, kStart + Seconds(3));
  return tally.Report();
}

TEST(TallyLagTest, AGeneratorThatSendsLateDidNotKeepUp) {
  const v1::LoadReport report = ReportWithLag(Milliseconds(8), Milliseconds(1));
  EXPECT_FALSE(report.generator().kept_up());
  EXPECT_NEAR(report.generator().send_lag().p99(), 0.008, 0.008 / 64);
  ASSERT_EQ(report.warnings_size(), 1);
  EXPECT_THAT(report.warnings(0), HasSubstr("could not keep up"));
  EXPECT_THAT(report.warnings(0), HasSubstr(" ms late"));
}

TEST(TallyLagTest, ALagThatIsSmallKeepsUp) {
  EXPECT_TRUE(ReportWithLag(Milliseconds(4), Milliseconds(1)).generator().kept_up());
  EXPECT_EQ(ReportWithLag(Milliseconds(4), Milliseconds(1)).warnings_size(), 0);
}

TEST(TallyLagTest, ALagThatIsSmallBesideTheServersLatencyKeepsUp) {
  EXPECT_TRUE(ReportWithLag(Milliseconds(8), Milliseconds(100)).generator().kept_up());
}

TEST_F(TallyTest, EachModelsLagIsJudgedByItsOwnLatency) {
  Begin(1, Seconds(0));
  // The median of all together is the slow one's.
  for (int i = 0; i < 500; ++i) {
    const int model = i % 5 == 0 ? 0 : 1;
    const absl::Time due = kStart + Milliseconds(20 * i);
    tally_.Sent(1, model, due, due + Milliseconds(8));
    tally_.Ended(1, model, due, due + Milliseconds(model == 0 ? 9 : 500), StatusCode::kOk, 1);
  }
  End(1, Seconds(20));
  const v1::LoadReport report = tally_.Report();
  EXPECT_FALSE(report.generator().kept_up());
  ASSERT_EQ(report.warnings_size(), 1);
  EXPECT_THAT(report.warnings(0), HasSubstr("part of latencies of fast."));
}

TEST_F(TallyTest, AClosedLoopThatHasNoProcessorTimeLeftDidNotKeepUp) {
  for (const int percent : {90, 97}) {
    Tally tally({{"warm", true}, {"closed"}}, {{.model = "m"}});
    tally.BeginPhase(0, kStart);
    tally.UsedCpu(0, Seconds(1));
    tally.EndPhase(0, kStart + Seconds(1));
    tally.BeginPhase(1, kStart + Seconds(1));
    tally.UsedCpu(1, Milliseconds(20 * percent));
    tally.EndPhase(1, kStart + Seconds(3));
    const v1::LoadReport report = tally.Report();
    EXPECT_EQ(report.generator().kept_up(), percent == 90);
    ASSERT_EQ(report.warnings_size(), percent == 90 ? 0 : 1);
    if (percent == 90) continue;
    EXPECT_THAT(report.warnings(0), HasSubstr("97"));
  }
}

TEST(TallyLagTest, AClosedLoopHasNoLag) {
  const v1::LoadReport report = ReportWithLag(Milliseconds(8), Milliseconds(1), false);
  EXPECT_TRUE(report.generator().kept_up());
  EXPECT_EQ(report.generator().send_lag().max(), 0);
}

TEST_F(TallyTest, RequestsThatWereNeverSentAreTheGeneratorsFault) {
  Begin(1, Seconds(0));
  for (int i = 0; i < 98; ++i) Request(1, 0, Milliseconds(i), Milliseconds(1));
  tally_.Unsent(1, 2);
  End(1, Seconds(1));
  const v1::LoadReport report = tally_.Report();
  EXPECT_FALSE(report.generator().kept_up());
  EXPECT_EQ(report.generator().unsent(), 2);
  ASSERT_EQ(report.warnings_size(), 1);
  EXPECT_THAT(report.warnings(0), HasSubstr("of 100 requests that were due, 2 were never sent"));
}

TEST_F(TallyTest, EachLiveViewHoldsTheSecondsSinceTheOneBefore) {
  EXPECT_EQ(tally_.Live().phase, -1);
  Begin(1, Seconds(0));
  Request(1, 0, Milliseconds(100), Milliseconds(4));
  Request(1, 0, Milliseconds(200), Milliseconds(4), StatusCode::kInternal);
  tally_.Sent(1, 0, kStart + Milliseconds(900), kStart + Milliseconds(907));
  LiveView live = tally_.Live();
  EXPECT_EQ(live.phase, 1);
  EXPECT_FALSE(live.phase_ended);
  EXPECT_EQ(live.phase_began, kStart);
  EXPECT_EQ(live.seconds, 0);  // The first one goes on.
  EXPECT_EQ(live.models[0].sent, 0);

  Request(1, 1, Milliseconds(1500), Milliseconds(1));
  live = tally_.Live();
  EXPECT_EQ(live.seconds, 1);
  ASSERT_EQ(live.models.size(), 2U);
  EXPECT_EQ(live.models[0].model, "fast");
  EXPECT_EQ(live.models[0].sent, 3);
  EXPECT_EQ(live.models[0].answered, 1);
  EXPECT_EQ(live.models[0].failed, 1);
  EXPECT_EQ(live.models[0].all_failed, 1);
  EXPECT_EQ(live.models[0].in_flight, 1);
  EXPECT_NEAR(live.models[0].p99_seconds, 0.004, 0.004 / 64);
  EXPECT_NEAR(live.send_lag_p99_seconds, 0.007, 0.007 / 64);
  EXPECT_EQ(live.models[1].sent, 0);

  live = tally_.Live();
  EXPECT_EQ(live.seconds, 0);
  EXPECT_EQ(live.models[0].sent, 0);
  EXPECT_EQ(live.models[0].p99_seconds, 0);
  EXPECT_EQ(live.models[0].all_failed, 1);

  // Nothing happens for a while: the seconds come together.
  End(1, Milliseconds(4100));
  live = tally_.Live();
  EXPECT_TRUE(live.phase_ended);
  EXPECT_EQ(live.seconds, 3);
  EXPECT_EQ(live.models[1].sent, 1);
  EXPECT_NEAR(live.models[1].p50_seconds, 0.001, 0.001 / 64);
}

TEST_F(TallyTest, LiveViewsAddUpToTheReportWhateverTheMomentsTheyAreTaken) {
  constexpr int kRequests = 20000;
  std::thread load([this] {
    Begin(1, Seconds(0));
    for (int i = 0; i < kRequests; ++i) Request(1, i % 2, i * Milliseconds(3), Milliseconds(2));
    End(1, Seconds(70));
  });
  int64_t sent = 0, answered = 0, seconds = 0;
  bool ended = false;
  while (!ended) {
    const LiveView live = tally_.Live();
    ended = live.phase_ended;
    seconds += live.seconds;
    for (const LiveModel& model : live.models) {
      sent += model.sent;
      answered += model.answered;
    }
  }
  load.join();
  EXPECT_EQ(seconds, 70);
  EXPECT_EQ(sent, kRequests);
  EXPECT_EQ(answered, kRequests);
}

TEST(TallyShiftTest, WhatIsNotShiftedAlikeHasNoQualityOfAll) {
  Tally tally({{.name = "usual"}, {.name = "inverted"}},
              {{.model = "drifts", .shifts_differ = true}, {.model = "stays"}});
  for (int phase = 0; phase < 2; ++phase) {
    tally.BeginPhase(phase, kStart + Seconds(phase));
    for (int model = 0; model < 2; ++model) tally.quality(phase, model).AddClass(phase == 0);
    tally.EndPhase(phase, kStart + Seconds(phase + 1));
  }
  const v1::LoadReport report = tally.Report();
  EXPECT_FALSE(report.models(0).has_quality());
  EXPECT_EQ(report.models(1).quality().value(), 0.5);
  EXPECT_EQ(report.phases(0).models(0).quality().value(), 1);
  EXPECT_EQ(report.phases(1).models(0).quality().value(), 0);
}

}  // namespace
}  // namespace weir
