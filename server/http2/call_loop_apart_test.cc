// On which processors the threads of a loop run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/strip.h"
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
  // Where each of the loop's threads may run.
  static std::vector<std::vector<int>> Processors() {
    std::vector<std::vector<int>> processors;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      const std::string name = ReadFile(task.path() / "comm").value_or("");
      if (absl::StripSuffix(name, "\n") != "weir-poller") continue;
      cpu_set_t set;
      CPU_ZERO(&set);
      EXPECT_EQ(sched_getaffinity(std::stoi(task.path().filename()), sizeof(set), &set), 0);
      std::vector<int>& members = processors.emplace_back();
      for (int i = 0; i < CPU_SETSIZE; ++i) {
        if (CPU_ISSET(i, &set)) members.push_back(i);
      }
    }
    return processors;
  }
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

TEST_F(CallLoopApartTest, TheLoopMayEndMeanwhile) {
  Start(2);
  std::optional<CallLoop::Apart> apart(*loop_);
  loop_->Shutdown();
  apart.reset();
  EXPECT_THAT(Processors(), SizeIs(0));
}

}  // namespace
}  // namespace weir
