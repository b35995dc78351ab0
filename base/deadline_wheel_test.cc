#include "base/deadline_wheel.h"

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace weir {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
// A slot is a little more than a millisecond.
constexpr int64_t kSlot = 1 << 20;

std::vector<int64_t> Expired(DeadlineWheel& wheel, int64_t now_ns) {
  wheel.Advance(now_ns);
  std::vector<int64_t> expired;
  while (const Deadline* const deadline = wheel.TakeExpired()) {
    expired.push_back(deadline->deadline_ns);
  }
  return expired;
}

TEST(DeadlineWheelTest, NothingIsWaitedForWhereNothingIs) {
  DeadlineWheel wheel(5 * kMillisecond);
  EXPECT_EQ(wheel.NextWake(), DeadlineWheel::kNever);
  EXPECT_TRUE(Expired(wheel, 100'000 * kMillisecond).empty());
  EXPECT_EQ(wheel.NextWake(), DeadlineWheel::kNever);
}

TEST(DeadlineWheelTest, ADeadlineExpiresWhenItHasComeAndNotBefore) {
  const int64_t start = 1'000'000 * kMillisecond;
  DeadlineWheel wheel(start);
  Deadline deadline;
  wheel.Add(deadline, start + 10 * kMillisecond);
  EXPECT_GT(wheel.NextWake(), start + 10 * kMillisecond);
  EXPECT_LE(wheel.NextWake(), start + 10 * kMillisecond + kSlot);
  EXPECT_TRUE(Expired(wheel, start + 10 * kMillisecond - 1).empty());
  EXPECT_EQ(Expired(wheel, start + 10 * kMillisecond).size(), 1);
  EXPECT_EQ(wheel.NextWake(), DeadlineWheel::kNever);
}

TEST(DeadlineWheelTest, WhatHasPassedAlreadyExpiresNext) {
  const int64_t start = 1'000'000 * kMillisecond;
  DeadlineWheel wheel(start);
  Deadline deadline;
  wheel.Add(deadline, start - 5000 * kMillisecond);
  EXPECT_LE(wheel.NextWake(), start + kSlot);
  EXPECT_EQ(Expired(wheel, start).size(), 1);
}

TEST(DeadlineWheelTest, WhatIsRemovedDoesNotExpire) {
  DeadlineWheel wheel(0);
  Deadline kept;
  Deadline removed;
  wheel.Add(kept, kMillisecond);
  wheel.Add(removed, kMillisecond);
  wheel.Remove(removed);
  wheel.Remove(removed);
  EXPECT_EQ(Expired(wheel, 10 * kMillisecond).size(), 1);
  wheel.Add(removed, 20 * kMillisecond);
  wheel.Advance(30 * kMillisecond);
  wheel.Remove(removed);  // Expired, and not taken yet.
  EXPECT_EQ(wheel.TakeExpired(), nullptr);
}

// Against a plain list, with deadlines up to several turns of the wheel away.
TEST(DeadlineWheelTest, EachDeadlineExpiresOnceWhateverTheirOrder) {
  std::mt19937 random(7);
  for (const int64_t furthest : {5, 100, 20'000, 100'000}) {
    int64_t now = 123'456'789;
    DeadlineWheel wheel(now);
    std::deque<Deadline> deadlines(2000);
    std::vector<int64_t> open;
    for (int step = 0; step < 20'000; ++step) {
      Deadline& deadline = deadlines[random() % deadlines.size()];
      if (!deadline.linked()) {
        wheel.Add(deadline,
                  now + static_cast<int64_t>(random() % (furthest * kMillisecond / 1000)) * 1000);
        open.push_back(deadline.deadline_ns);
      } else if (random() % 2 == 0) {
        wheel.Remove(deadline);
        open.erase(std::find(open.begin(), open.end(), deadline.deadline_ns));
      }
      const int64_t first =
          open.empty() ? DeadlineWheel::kNever : *std::min_element(open.begin(), open.end());
      if (!open.empty()) {
        ASSERT_LE(wheel.NextWake(), std::max(first, now) + kSlot);
      }
      now += static_cast<int64_t>(random() % (furthest * kMillisecond / 500));
      for (const int64_t expired : Expired(wheel, now)) {
        ASSERT_LE(expired, now);
        const auto found = std::find(open.begin(), open.end(), expired);
        ASSERT_NE(found, open.end());
        open.erase(found);
      }
      for (const int64_t left : open) ASSERT_GT(left, now);
    }
  }
}

}  // namespace
}  // namespace weir
