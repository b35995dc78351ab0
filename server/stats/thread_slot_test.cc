#include "server/stats/thread_slot.h"

#include <barrier>
#include <set>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

TEST(ThreadSlotTest, AThreadKeepsItsSlot) {
  const int slot = ThreadSlot();
  EXPECT_GE(slot, 0);
  EXPECT_EQ(ThreadSlot(), slot);
  EXPECT_LT(slot, ThreadSlotsEnd());
}

TEST(ThreadSlotTest, ThreadsThatLiveTogetherHaveSlotsOfTheirOwnAndLaterOnesHaveThemAgain) {
  constexpr int kThreads = 20;
  ThreadSlot();
  std::set<int> before;
  for (int round = 0; round < 5; ++round) {
    absl::Mutex mu;
    std::set<int> slots;
    std::barrier all_have_one(kThreads);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        const int slot = ThreadSlot();
        {
          absl::MutexLock lock(&mu);
          EXPECT_TRUE(slots.insert(slot).second);
        }
        all_have_one.arrive_and_wait();
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(slots.count(ThreadSlot()), 0u);
    if (round > 0) {
      EXPECT_EQ(slots, before);
    }
    before = slots;
  }
  EXPECT_LE(ThreadSlotsEnd(), kThreads + 1);
}

// Asks when the slot of its thread may be gone already.
struct AsksAtTheEnd {
  ~AsksAtTheEnd() { *answer = ThreadSlot(); }
  int* answer = nullptr;
};

TEST(ThreadSlotTest, AThreadThatEndsHasNone) {
  int at_the_end = 0;
  std::thread thread([&] {
    thread_local AsksAtTheEnd asks;  // Older than the slot, so destroyed after it.
    asks.answer = &at_the_end;
    EXPECT_GE(ThreadSlot(), 0);
  });
  thread.join();
  EXPECT_EQ(at_the_end, kNoThreadSlot);
}

}  // namespace
}  // namespace weir
