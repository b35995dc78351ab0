#include "tests/faults/fault_schedule.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr FaultOdds kBad = {.lose_request = 0.3,
                            .lose_answer = 0.3,
                            .delay = 0.5,
                            .copy = 0.4,
                            .max_delay = absl::Seconds(1)};

TEST(FaultScheduleTest, OnAGoodNetworkNothingHappensToAPush) {
  FaultSchedule schedule({}, 1);
  for (int i = 0; i < 100; ++i) {
    const PushFate fate = schedule.Next();
    EXPECT_TRUE(fate.delivered);
    EXPECT_EQ(fate.answer, PushFate::Answer::kPassedOn);
    EXPECT_EQ(fate.delay, absl::ZeroDuration());
    EXPECT_TRUE(fate.copies.empty());
  }
}

TEST(FaultScheduleTest, EachThingHappensAboutAsOftenAsAskedFor) {
  FaultSchedule schedule(kBad, 2);
  int lost = 0, unanswered = 0, delayed = 0, copied = 0;
  for (int i = 0; i < 10'000; ++i) {
    const PushFate fate = schedule.Next();
    lost += fate.delivered ? 0 : 1;
    unanswered += fate.answer == PushFate::Answer::kPassedOn ? 0 : 1;
    delayed += fate.delay > absl::ZeroDuration() ? 1 : 0;
    copied += fate.copies.empty() ? 0 : 1;
    EXPECT_LE(fate.delay, kBad.max_delay);
    EXPECT_LE(fate.copies.size(), 3U);
    EXPECT_TRUE(fate.delivered || fate.answer != PushFate::Answer::kPassedOn);
  }
  EXPECT_NEAR(lost, 3000, 200);
  EXPECT_NEAR(unanswered, 3000 + 2100, 200);
  EXPECT_NEAR(delayed, 5000, 200);
  EXPECT_NEAR(copied, 4000, 200);
}

TEST(FaultScheduleTest, TheSameSeedGivesTheSameFates) {
  FaultSchedule one(kBad, 3);
  FaultSchedule other(kBad, 3);
  for (int i = 0; i < 100; ++i) {
    const PushFate a = one.Next();
    const PushFate b = other.Next();
    EXPECT_EQ(a.delivered, b.delivered);
    EXPECT_EQ(a.delay, b.delay);
    EXPECT_EQ(a.answer, b.answer);
    EXPECT_EQ(a.copies, b.copies);
  }
}

}  // namespace
}  // namespace weir
