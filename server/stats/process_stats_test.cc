#include "server/stats/process_stats.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace weir {
namespace {

// A machine's /proc and /sys below a folder of the test's own.
class MemoryLimitTest : public testing::Test {
 protected:
  MemoryLimitTest() { std::filesystem::remove_all(root_); }
  ~MemoryLimitTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  int64_t Limit() const { return MemoryLimitBytes(root_); }
  static int64_t Machine() { return int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE); }

  const std::string root_ = absl::StrCat(
      testing::TempDir(), "/", testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(MemoryLimitTest, WithoutALimitItIsTheMachinesMemory) { EXPECT_EQ(Limit(), Machine()); }

TEST_F(MemoryLimitTest, TheLeastOfTheGroupsAroundTheProcessCounts) {
  Write("/proc/self/cgroup", "0::/outer/inner\n");
  Write("/proc/self/mountinfo", "1 2 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n");
  Write("/sys/fs/cgroup/outer/inner/memory.max", "max\n");
  EXPECT_EQ(Limit(), Machine());
  Write("/sys/fs/cgroup/outer/memory.max", "1048576\n");
  EXPECT_EQ(Limit(), 1048576);
}

TEST_F(MemoryLimitTest, VersionOneHasOneToo) {
  Write("/proc/self/cgroup", "3:cpu,cpuacct:/a\n5:memory:/a\n");
  Write("/proc/self/mountinfo",
        "1 2 0:3 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
        "1 2 0:3 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(Limit(), Machine()) << "that is how it writes that there is none";
  Write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "2097152\n");
  EXPECT_EQ(Limit(), 2097152);
}

TEST(ProcessStatsTest, TheProcessorTimeGrowsWithWork) {
  const absl::Duration before = ProcessCpu();
  EXPECT_GT(before, absl::ZeroDuration());
  volatile double x = 1;
  while (ProcessCpu() < before + absl::Milliseconds(20)) x = x * 1.0000001;
}

TEST(ProcessStatsTest, TheMemoryOfALargeBlockShowsOnceItIsUsed) {
  const int64_t before = ResidentBytes();
  const std::vector<char> block(64 << 20, 'a');
  EXPECT_GE(ResidentBytes() - before, 60 << 20);
}

}  // namespace
}  // namespace weir
