#include "base/processors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"

namespace weir {
namespace {

using testing::Contains;
using testing::ElementsAre;

TEST(ProcessorsTest, AThreadRunsOnOneOfThoseThatItMayRunOn) {
  EXPECT_THAT(AllowedProcessors(), Contains(sched_getcpu()));
}

TEST(ProcessorsTest, AThreadStaysWhereItIsTold) {
  const std::vector<int> before = AllowedProcessors();
  std::thread([&] {
    for (const int processor : before) {
      ASSERT_TRUE(StayOn({processor}).ok());
      EXPECT_THAT(AllowedProcessors(), ElementsAre(processor));
      EXPECT_EQ(sched_getcpu(), processor);
    }
    ASSERT_TRUE(StayOn(before).ok());
    EXPECT_EQ(AllowedProcessors(), before);
  }).join();
  EXPECT_EQ(AllowedProcessors(), before);
}

TEST(ProcessorsTest, AnotherThreadIsKeptWhereItIsTold) {
  const std::vector<int> before = AllowedProcessors();
  absl::Notification kept;
  std::thread other([&] {
    kept.WaitForNotification();
    EXPECT_THAT(AllowedProcessors(), ElementsAre(before.back()));
    EXPECT_EQ(sched_getcpu(), before.back());
  });
  EXPECT_EQ(ProcessorsOf(other.native_handle()), before);
  EXPECT_TRUE(KeepOn(other.native_handle(), {before.back()}).ok());
  EXPECT_THAT(ProcessorsOf(other.native_handle()), ElementsAre(before.back()));
  kept.Notify();
  other.join();
  EXPECT_EQ(AllowedProcessors(), before);
}

TEST(ProcessorsTest, AProcessorThatIsNotThereIsNoPlaceToStay) {
  const std::vector<int> before = AllowedProcessors();
  EXPECT_FALSE(StayOn({before.back() + 5000}).ok());
  EXPECT_FALSE(StayOn({}).ok());
  EXPECT_EQ(AllowedProcessors(), before);
}

}  // namespace
}  // namespace weir
