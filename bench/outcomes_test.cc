#include "bench/outcomes.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr auto kOk = absl::StatusCode::kOk;
constexpr auto kRefused = absl::StatusCode::kResourceExhausted;

CallOutcome Outcome(int due_ms, int latency_ms, absl::StatusCode code = kOk) {
  return {absl::Milliseconds(due_ms), absl::Milliseconds(latency_ms), code};
}

// One call a millisecond; those before `normal_from_ms` take long.
std::vector<CallOutcome> SlowUntil(int normal_from_ms) {
  std::vector<CallOutcome> outcomes;
  for (int ms = 0; ms < 2000; ++ms) outcomes.push_back(Outcome(ms, ms < normal_from_ms ? 90 : 5));
  return outcomes;
}

std::optional<absl::Duration> Recovery(absl::Span<const CallOutcome> outcomes) {
  return RecoveryTime(outcomes, absl::Seconds(1), absl::Seconds(2), absl::Milliseconds(10));
}

TEST(OutcomesTest, ACallBelongsToThePartInWhichItWasDue) {
  const std::vector<CallOutcome> outcomes = {Outcome(9, 500), Outcome(10, 1), Outcome(20, 1)};
  EXPECT_EQ(DueBetween(outcomes, absl::Milliseconds(10), absl::Milliseconds(20)).size(), 1U);
  EXPECT_EQ(DueBetween(outcomes, absl::ZeroDuration(), absl::Milliseconds(10)).size(), 1U);
}

TEST(OutcomesTest, OnlyAnswersWithinTheDeadlineAreOfUse) {
  const std::vector<CallOutcome> outcomes = {Outcome(0, 10), Outcome(0, 11),
                                             Outcome(0, 1, kRefused)};
  EXPECT_EQ(AnsweredWithin(outcomes, absl::Milliseconds(10)), 1);
  EXPECT_EQ(CountOf(outcomes, kRefused), 1);
}

TEST(OutcomesTest, TheLatencyIsThatOfAnswersAlone) {
  const std::vector<CallOutcome> outcomes = {Outcome(0, 30), Outcome(0, 10), Outcome(0, 20),
                                             Outcome(0, 999, kRefused)};
  EXPECT_EQ(AnsweredLatency(outcomes, 0.5), absl::Milliseconds(20));
  EXPECT_EQ(AnsweredLatency(outcomes, 0.99), absl::Milliseconds(30));
  EXPECT_EQ(AnsweredLatency({}, 0.5), absl::InfiniteDuration());
}

TEST(RecoveryTest, WhatIsNormalAtOnceTakesNoTime) {
  EXPECT_EQ(Recovery(SlowUntil(1000)), absl::ZeroDuration());
}

TEST(RecoveryTest, ItEndsWithTheFirstNormalWindow) {
  EXPECT_EQ(Recovery(SlowUntil(1210)), absl::Milliseconds(250));
}

TEST(RecoveryTest, AFewSlowCallsAreNormal) {
  std::vector<CallOutcome> outcomes = SlowUntil(1000);
  for (int i = 1000; i < 2000; i += 11) outcomes[i].latency = absl::Seconds(1);
  EXPECT_EQ(Recovery(outcomes), absl::ZeroDuration());
}

TEST(RecoveryTest, ItHasToLast) {
  std::vector<CallOutcome> outcomes = SlowUntil(1000);
  for (int i = 1100; i < 1150; ++i) outcomes[i].code = kRefused;
  EXPECT_EQ(Recovery(outcomes), absl::Milliseconds(150));
}

TEST(RecoveryTest, WhatDoesNotEndIsNone) { EXPECT_EQ(Recovery(SlowUntil(2000)), std::nullopt); }

}  // namespace
}  // namespace weir
