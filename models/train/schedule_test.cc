#include "models/train/schedule.h"

#include "gtest/gtest.h"

namespace weir {
namespace {

constexpr int kSteps = 1000;

TEST(ScheduleTest, RisesToThePeakAndFallsToNearZero) {
  const Schedule schedule = {.peak = 0.2, .warm_up = 0.1};
  for (int step = 1; step < kSteps; ++step) {
    const double before = schedule.RateAt(step - 1, kSteps), now = schedule.RateAt(step, kSteps);
    EXPECT_GT(now, 0);
    EXPECT_LE(now, 0.2);
    if (step < 100) {
      EXPECT_GT(now, before) << step;
    } else if (step > 100) {
      EXPECT_LT(now, before) << step;
    }
  }
  EXPECT_NEAR(schedule.RateAt(100, kSteps), 0.2, 0.001);
  EXPECT_LT(schedule.RateAt(kSteps - 1, kSteps), 1e-5);
}

TEST(ScheduleTest, StartsAtThePeakWithoutWarmUp) {
  EXPECT_NEAR((Schedule{.peak = 0.1, .warm_up = 0}.RateAt(0, kSteps)), 0.1, 1e-6);
}

}  // namespace
}  // namespace weir
