#include "base/cpu.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

// A machine's /proc and /sys below a folder of the test's own.
class CgroupCpuQuotaTest : public testing::Test {
 protected:
  CgroupCpuQuotaTest() { std::filesystem::remove_all(root_); }
  ~CgroupCpuQuotaTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  void MountV2(const std::string& group, const std::string& mounted = "/",
               const std::string& folder = "/sys/fs/cgroup") {
    Write("/proc/self/cgroup", absl::StrCat("0::", group, "\n"));
    Write("/proc/self/mountinfo",
          absl::StrCat("22 27 0:21 / /proc rw,relatime - proc proc rw\n31 23 0:28 ", mounted, " ",
                       folder, " rw,nosuid shared:4 master:2 - cgroup2 cgroup2 rw,nsdelegate\n"));
  }

  void MountV1(const std::string& group, const std::string& mounted = "/") {
    Write(
        "/proc/self/cgroup",
        absl::StrCat("9:name=systemd:/\n4:cpuset:/set\n3:cpu,cpuacct:", group, "\n0::/unified\n"));
    Write("/proc/self/mountinfo",
          absl::StrCat("30 23 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n",
                       "31 23 0:28 ", mounted,
                       " /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n",
                       "32 23 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"));
  }

  void WriteV1(const std::string& group, const std::string& quota_us,
               const std::string& period_us) {
    const std::string folder = absl::StrCat("/sys/fs/cgroup/cpu,cpuacct", group);
    Write(absl::StrCat(folder, "/cpu.cfs_quota_us"), quota_us);
    Write(absl::StrCat(folder, "/cpu.cfs_period_us"), period_us);
  }

  double Quota() const { return CgroupCpuQuota(root_); }

 private:
  const std::string root_ = absl::StrCat(
      testing::TempDir(), "/", testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(CgroupCpuQuotaTest, AMachineWithoutControlGroupsSetsNone) { EXPECT_EQ(Quota(), kUnlimited); }

TEST_F(CgroupCpuQuotaTest, Version2IsReadFromTheProcessesGroup) {
  MountV2("/system.slice/weir.service");
  Write("/sys/fs/cgroup/system.slice/weir.service/cpu.max", "150000 100000\n");
  EXPECT_EQ(Quota(), 1.5);
}

TEST_F(CgroupCpuQuotaTest, TheLeastOfAllGroupsAroundTheProcessCounts) {
  MountV2("/a/b/c");
  Write("/sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n");
  Write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  Write("/sys/fs/cgroup/a/cpu.max", "25000 50000\n");
  Write("/sys/fs/cgroup/cpu.max", "300000 100000\n");
  EXPECT_EQ(Quota(), 0.5);
}

TEST_F(CgroupCpuQuotaTest, GroupsBesideTheProcessDoNotCount) {
  MountV2("/a/b");
  Write("/sys/fs/cgroup/a/other/cpu.max", "10000 100000\n");
  Write("/sys/fs/cgroup/a/b/child/cpu.max", "10000 100000\n");
  EXPECT_EQ(Quota(), kUnlimited);
}

TEST_F(CgroupCpuQuotaTest, MaxIsNoLimit) {
  MountV2("/");
  Write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(Quota(), kUnlimited);
}

TEST_F(CgroupCpuQuotaTest, AContainerInItsOwnNamespaceSeesItsQuotaAtTheRoot) {
  MountV2("/");
  Write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(Quota(), 2);
}

TEST_F(CgroupCpuQuotaTest, AProcessThatWasMovedOutOfItsNamespaceTakesWhatTheMountPointShows) {
  MountV2("/../elsewhere");
  Write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(Quota(), 2);
}

TEST_F(CgroupCpuQuotaTest, Version1IsReadFromTheHierarchyOfTheCpuController) {
  MountV1("/user/weir");
  WriteV1("/user/weir", "-1\n", "100000\n");
  WriteV1("/user", "250000\n", "100000\n");
  EXPECT_EQ(Quota(), 2.5);
}

TEST_F(CgroupCpuQuotaTest, AContainerWithoutNamespaceSeesItsGroupAtTheMountPoint) {
  MountV1("/docker/1234/inner", "/docker/1234");
  WriteV1("", "300000\n", "100000\n");
  WriteV1("/inner", "50000\n", "100000\n");
  EXPECT_EQ(Quota(), 0.5);
}

TEST_F(CgroupCpuQuotaTest, AMountOfAGroupElsewhereCountsAsItIs) {
  MountV1("/docker/12345", "/docker/1234");
  WriteV1("", "300000\n", "100000\n");
  WriteV1("5", "100000\n", "100000\n");
  EXPECT_EQ(Quota(), 3);
}

TEST_F(CgroupCpuQuotaTest, NamesWithColonsAndSpacesAreFollowed) {
  MountV2("/a:b c", "/", "/sys/fs/my\\040cgroup");
  Write("/sys/fs/my cgroup/a:b c/cpu.max", "100000 100000\n");
  EXPECT_EQ(Quota(), 1);
}

TEST_F(CgroupCpuQuotaTest, MalformedLimitsSetNone) {
  MountV2("/a/b");
  for (const char* text : {"", "\n", "x y\n", "100000\n", "100000 0\n", "-5 100000\n", "0 100000\n",
                           "100000 -1\n", "1e5 1e5\n", "1 2 3\n", "99999999999999999999 1\n"}) {
    Write("/sys/fs/cgroup/a/b/cpu.max", text);
    EXPECT_EQ(Quota(), kUnlimited) << text;
  }
  Write("/sys/fs/cgroup/a/cpu.max", "100000 100000\n");
  EXPECT_EQ(Quota(), 1) << "the other groups still count";
}

TEST_F(CgroupCpuQuotaTest, AQuotaOfVersion1WithoutPeriodSetsNone) {
  MountV1("/a");
  Write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "100000\n");
  EXPECT_EQ(Quota(), kUnlimited);
}

TEST_F(CgroupCpuQuotaTest, MalformedTablesOfTheSystemSetNone) {
  MountV2("/a");
  Write("/sys/fs/cgroup/a/cpu.max", "100000 100000\n");
  Write("/proc/self/cgroup", "0\n0:\n\n::::\n");
  EXPECT_EQ(Quota(), kUnlimited);
  MountV2("/a");
  for (const char* text : {"-\n", "- cgroup2 x y\n", "1 2 3 / /sys/fs/cgroup - cgroup2\n",
                           "1 2 3 / \\q - cgroup2 cgroup2 rw\n", "\n\n"}) {
    Write("/proc/self/mountinfo", text);
    EXPECT_EQ(Quota(), kUnlimited) << text;
  }
}

TEST(CpuBudgetTest, ThreadsAreWholeAndAtLeastOne) {
  EXPECT_EQ((CpuBudget{.online = 8, .allowed = 8}.Count()), 8);
  EXPECT_EQ((CpuBudget{.online = 8, .allowed = 8, .quota = 1.5}.Count()), 2);
  EXPECT_EQ((CpuBudget{.online = 8, .allowed = 8, .quota = 0.1}.Count()), 1);
  EXPECT_EQ((CpuBudget{.online = 8, .allowed = 3, .quota = 5}.Count()), 3);
  EXPECT_EQ((CpuBudget{.online = 8, .allowed = 8, .quota = 1.5}.Cores()), 1.5);
  EXPECT_EQ((CpuBudget{.online = 8, .allowed = 1, .quota = 1.5}.Cores()), 1);
}

TEST(CpuBudgetTest, ItsDescriptionNamesWhatLimits) {
  EXPECT_EQ((CpuBudget{.online = 8, .allowed = 8}.Description()), "8 of 8 processors");
  EXPECT_EQ((CpuBudget{.online = 8, .allowed = 8, .quota = 1.5}.Description()),
            "2 of 8 processors: cgroup quota 1.5");
  EXPECT_EQ((CpuBudget{.online = 8, .allowed = 3, .quota = 5}.Description()),
            "3 of 8 processors: affinity mask");
  EXPECT_EQ((CpuBudget{.online = 8, .allowed = 8, .quota = 9}.Description()), "8 of 8 processors");
}

TEST(UsableCpusTest, ThisProcessMayUseAtLeastOneAndNoMoreThanThereAre) {
  const CpuBudget budget = UsableCpus();
  EXPECT_GE(budget.Count(), 1);
  EXPECT_LE(budget.allowed, budget.online);
  EXPECT_GT(budget.Cores(), 0);
}

TEST(UsableCpusTest, TheAffinityMaskOfTheCallerCounts) {
  std::thread([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(UsableCpus().allowed, 1);
    EXPECT_EQ(UsableCpus().Count(), 1);
  }).join();
}

}  // namespace
}  // namespace weir
