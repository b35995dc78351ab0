#include "base/termination.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

namespace weir {
namespace {

// Each test runs in a process of its own: what a signal does is the process's affair.

TEST(TerminationDeathTest, TheFirstSignalIsWaitedFor) {
  EXPECT_EXIT(
      {
        CatchTermination();
        raise(SIGTERM);
        exit(WaitForTermination() == SIGTERM ? 42 : 1);
      },
      testing::ExitedWithCode(42), "");
}

TEST(TerminationDeathTest, ItIsCaughtOnAnyThread) {
  EXPECT_EXIT(
      {
        CatchTermination();
        std::thread([] { raise(SIGINT); }).join();
        exit(WaitForTermination() == SIGINT ? 42 : 1);
      },
      testing::ExitedWithCode(42), "");
}

TEST(TerminationDeathTest, ASecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        CatchTermination();
        raise(SIGTERM);
        WaitForTermination();
        raise(SIGTERM);
        exit(1);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(TerminationDeathTest, TheWaitCanBeCancelled) {
  EXPECT_EXIT(
      {
        CatchTermination();
        std::thread(CancelWait).join();
        exit(WaitForTermination() == 0 ? 42 : 1);
      },
      testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace weir
