// On which processors the threads of a loop run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/processors.h"
#include "server/http2/call_loop.h"
#include "server/http2/call_loop_fixture.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::Each;
using testing::SizeIs;

class CallLoopApartTest : public CallLoopFixture {
 protected:
  // Keeps the loop's thread of that number on one processor.
  void Place(size_t number, int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    ASSERT_EQ(sched_setaffinity(Threads().at(number), sizeof(set), &set), 0);
  }

  // Where each of the loop's threads may run.
  std::vector<std::vector<int>> Processors() const {
    std::vector<std::vector<int>> processors;
    for (const pid_t thread : Threads()) {
      cpu_set_t set;
      CPU_ZERO(&set);
      EXPECT_EQ(sched_getaffinity(thread, sizeof(set), &set), 0);
      std::vector<int>& members = processors.emplace_back();
      for (int i = 0; i < CPU_SETSIZE; ++i) {
        if (CPU_ISSET(i, &set)) members.push_back(i);
      }
    }
    return processors;
  }

 private:
  // Those of the loop, by the system's numbers.
  std::vector<pid_t> Threads() const {
    std::vector<pid_t> threads;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      const std::string name = ReadFile(task.path() / "comm").value_or("");
      const pid_t thread = std::stoi(task.path().filename());
      if (name == "weir-poller\n" && others_.count(thread) == 0) threads.push_back(thread);
    }
    return threads;
  }

  // Of the test before, which have ended but may still be listed.
  const std::set<pid_t> others_ = [this] {
    const std::vector<pid_t> threads = Threads();
    return std::set<pid_t>(threads.begin(), threads.end());
  }();
};

TEST_F(CallLoopApartTest, ThreadsHaveProcessorsOfTheirOwnForAWhile) {
  const std::vector<int> all = AllowedProcessors();
  constexpr int kThreads = 2;
  if (all.size() < kThreads) GTEST_SKIP() << "there is one processor";
  Start(kThreads);
  EXPECT_THAT(Processors(), AllOf(SizeIs(kThreads), Each(all)));
  {
    const CallLoop::Apart apart(*loop_);
    const std::vector<std::vector<int>> own = Processors();
    ASSERT_THAT(own, SizeIs(kThreads));
    std::vector<int> together = own[0];
    together.insert(together.end(), own[1].begin(), own[1].end());
    std::sort(together.begin(), together.end());
    EXPECT_EQ(together, all) << "none is left out, none is of both";
  }
  EXPECT_THAT(Processors(), Each(all));
}

TEST_F(CallLoopApartTest, MoreThreadsThanProcessorsStayTogether) {
  const std::vector<int> all = AllowedProcessors();
  Start(static_cast<int>(all.size()) + 1);
  const CallLoop::Apart apart(*loop_);
  EXPECT_THAT(Processors(), AllOf(SizeIs(all.size() + 1), Each(all)));
}

TEST_F(CallLoopApartTest, ThreadsThatWerePlacedStayThere) {
  const std::vector<int> all = AllowedProcessors();
  if (all.size() < 2) GTEST_SKIP() << "there is one processor";
  Start(2);
  Place(1, all.back());
  const std::vector<std::vector<int>> placed = Processors();
  {
    const CallLoop::Apart apart(*loop_);
    EXPECT_EQ(Processors(), placed);
  }
  EXPECT_EQ(Processors(), placed);
}

TEST_F(CallLoopApartTest, TheLoopMayEndMeanwhile) {
  Start(2);
  const CallLoop::Apart apart(*loop_);
  loop_->Shutdown();
}

}  // namespace
}  // namespace weir
