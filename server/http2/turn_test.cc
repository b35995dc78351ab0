#include "server/http2/turn.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace weir {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

// Waits until somebody waits.
bool AwaitWanted(const Turn& turn) {
  const absl::Time deadline = MonotonicNow() + kPatience;
  while (!turn.wanted() && MonotonicNow() < deadline) std::this_thread::yield();
  return turn.wanted();
}

TEST(TurnTest, OneThreadAtATimeHasIt) {
  constexpr int kThreads = 4;
  constexpr int kTimes = 2000;
  Turn turn;
  int taken = 0;  // Guarded by it.
  std::atomic<int> inside = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, tries = i % 2 == 0] {
      for (int done = 0; done < kTimes;) {
        if (!(tries ? turn.TryTake() : turn.Take())) continue;
        EXPECT_EQ(++inside, 1);
        ++taken;
        ++done;
        --inside;
        turn.Give();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, kThreads * kTimes);
}

TEST(TurnTest, WhoTriesDoesNotWait) {
  Turn turn;
  EXPECT_TRUE(turn.TryTake());
  EXPECT_FALSE(turn.TryTake());
  turn.Give();
  EXPECT_TRUE(turn.TryTake());
}

TEST(TurnTest, ItIsWantedWhileSomebodyWaits) {
  Turn turn;
  ASSERT_TRUE(turn.Take());
  EXPECT_FALSE(turn.wanted());
  std::thread other([&] {
    EXPECT_TRUE(turn.Take());
    EXPECT_FALSE(turn.wanted());
    turn.Give();
  });
  EXPECT_TRUE(AwaitWanted(turn));
  turn.Give();
  other.join();
}

TEST(TurnTest, WhileOneWatchesTheRestSleepButMayTry) {
  Turn turn;
  ASSERT_TRUE(turn.Take());
  turn.GiveAndWatch();
  EXPECT_TRUE(turn.watched());
  absl::Notification taken;
  std::thread sleeper([&] {
    EXPECT_TRUE(turn.Take());
    taken.Notify();
    turn.Give();
  });
  EXPECT_TRUE(AwaitWanted(turn));
  EXPECT_TRUE(turn.TryTake());
  turn.Give();
  EXPECT_FALSE(taken.HasBeenNotified());
  EXPECT_TRUE(turn.TakeBack());
  EXPECT_FALSE(turn.watched());
  turn.Give();
  EXPECT_TRUE(taken.WaitForNotificationWithTimeout(kPatience));
  sleeper.join();
}

TEST(TurnTest, TheWatcherLearnsWhetherOthersHadIt) {
  Turn turn;
  ASSERT_TRUE(turn.Take());
  turn.GiveAndWatch();
  EXPECT_TRUE(turn.TakeBack());
  EXPECT_TRUE(turn.was_undisturbed());
  turn.GiveAndWatch();
  EXPECT_TRUE(turn.TryTake());
  turn.Give();
  EXPECT_TRUE(turn.TakeBack());
  EXPECT_FALSE(turn.was_undisturbed());
}

TEST(TurnTest, AtTheEndNobodyGetsIt) {
  Turn turn;
  ASSERT_TRUE(turn.Take());
  std::thread waits([&] { EXPECT_FALSE(turn.Take()); });
  EXPECT_TRUE(AwaitWanted(turn));
  turn.End();
  waits.join();
  EXPECT_FALSE(turn.Take());
  EXPECT_FALSE(turn.TryTake());
  EXPECT_FALSE(turn.TakeBack());
}

}  // namespace
}  // namespace weir
