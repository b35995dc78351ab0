#include "server/stats/push_schedule.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"

namespace weir {
namespace {

const absl::Time kBegin = absl::UnixEpoch() + absl::Hours(1);

absl::Time At(double seconds) { return kBegin + absl::Seconds(seconds); }

TEST(PushScheduleTest, TheFirstPushIsDueAtOnce) {
  EXPECT_EQ(PushSchedule({}, kBegin).due(), kBegin);
}

TEST(PushScheduleTest, PushesKeepToTheBeatHoweverLongEachOneTakes) {
  PushSchedule schedule({}, kBegin);
  schedule.Succeeded(At(0.2));
  EXPECT_EQ(schedule.due(), At(1));
  schedule.Succeeded(At(1.9));
  EXPECT_EQ(schedule.due(), At(2));
  schedule.Succeeded(At(2));
  EXPECT_EQ(schedule.due(), At(3)) << "not twice on one beat";
}

TEST(PushScheduleTest, BeatsThatASlowPushMissedAreLeftOut) {
  PushSchedule schedule({}, kBegin);
  schedule.Succeeded(At(4.5));
  EXPECT_EQ(schedule.due(), At(5));
}

TEST(PushScheduleTest, FailuresWaitTwiceAsLongEachTimeUpToALimit) {
  PushSchedule schedule({.interval = absl::Seconds(1), .max_backoff = absl::Seconds(5)}, kBegin);
  for (const double wait : {0.5, 1.0, 2.0, 2.5, 2.5}) {
    schedule.Failed(At(10), /*draw=*/0);
    EXPECT_EQ(schedule.due(), At(10 + wait));
  }
}

TEST(PushScheduleTest, ARandomShareOfTheWaitKeepsServersApart) {
  for (const double draw : {0.0, 0.25, 0.5, 0.999}) {
    PushSchedule schedule({}, kBegin);
    schedule.Failed(At(1), draw);
    EXPECT_EQ(schedule.due(), At(1) + absl::Seconds(1) * (0.5 + draw / 2));
  }
}

TEST(PushScheduleTest, ALongIntervalIsNoReasonToWaitLongAfterAFailure) {
  PushSchedule schedule({.interval = absl::Hours(1)}, kBegin);
  schedule.Failed(At(0), 0);
  EXPECT_EQ(schedule.due(), At(0.5));
}

TEST(PushScheduleTest, AShortIntervalIsAlsoTheFirstWait) {
  PushSchedule schedule({.interval = absl::Milliseconds(10)}, kBegin);
  schedule.Failed(At(0), 0);
  EXPECT_EQ(schedule.due(), At(0.005));
}

TEST(PushScheduleTest, ASuccessGoesBackToTheBeatAndForgetsTheFailures) {
  PushSchedule schedule({}, kBegin);
  for (int i = 0; i < 5; ++i) schedule.Failed(At(10), 0.5);
  schedule.Succeeded(At(13.75));
  EXPECT_EQ(schedule.due(), At(14));
  schedule.Failed(At(14), 0);
  EXPECT_EQ(schedule.due(), At(14.5));
}

}  // namespace
}  // namespace weir
