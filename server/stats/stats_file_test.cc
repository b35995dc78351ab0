// What becomes of counts when a process is killed or a disk is full.
#include "server/stats/stats_file.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/stats/decoded_push.h"
#include "server/stats/orphans.h"
#include "server/stats/recorder.h"
#include "server/stats/stats_directory.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

const VersionDefinition kDefinition = {.model = "m", .version = 1, .classes = {"a"}};

std::unique_ptr<Recorder> Boot(const std::string& state_dir) {
  auto recorder = Recorder::Create({.state_dir = state_dir, .replica = "r", .shards = 2});
  EXPECT_TRUE(recorder.ok()) << recorder.status();
  return *std::move(recorder);
}

std::vector<std::unique_ptr<Orphan>> Find(const std::string& state_dir) {
  return FindOrphans(state_dir, "r", std::vector<std::string>{"gateway"});
}

// What a child has counted, in memory that outlives it.
struct Progress {
  std::atomic<uint64_t> begun = 0;
  std::atomic<uint64_t> done = 0;
};

// Records on several threads until it is killed, and says by a byte that it has begun.
[[noreturn]] void RecordForever(const std::string& state_dir, Progress& progress, int begun_pipe) {
  const std::unique_ptr<Recorder> recorder = Boot(state_dir);
  VersionStats& stats = recorder->ForVersion(kDefinition);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {  // Some of them in the shared shard.
    threads.emplace_back([&, t] {
      for (uint64_t i = 0;; ++i) {
        ++progress.begun;
        stats.RecordAnswer({.rows = 1, .total_ns = 1000});
        ++progress.done;
        if (t == 0 && i == 1000 && write(begun_pipe, "x", 1) != 1) _exit(1);
      }
    });
  }
  pause();
  _exit(1);
}

TEST(StatsFileTest, AKilledProcessLosesNothingThatItHadRecorded) {
  for (int round = 0; round < 5; ++round) {
    const StatsDirectory directory;
    auto* const progress = new (mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Progress;
    int begun[2];
    ASSERT_EQ(pipe(begun), 0);
    const pid_t child = fork();
    if (child == 0) RecordForever(directory.path(), *progress, begun[1]);
    close(begun[1]);
    char byte = 0;
    EXPECT_EQ(read(begun[0], &byte, 1), 1);
    EXPECT_TRUE(Find(directory.path()).empty()) << "it lives";
    kill(child, SIGKILL);
    EXPECT_EQ(waitpid(child, nullptr, 0), child);
    close(begun[0]);

    const auto orphans = Find(directory.path());
    ASSERT_EQ(orphans.size(), 1u);
    const DecodedPush push(orphans[0]->push());
    const double counted = push.Value("weir_requests_total", {"m", "1", "OK"});
    EXPECT_GE(counted, progress->done);
    EXPECT_LE(counted, progress->begun);
    EXPECT_GT(counted, 1000);
    const double durations = push.Get("weir_request_duration_seconds", {"m", "1"}).Count();
    EXPECT_GE(durations, progress->done);
    EXPECT_LE(durations, progress->begun);
    munmap(progress, sizeof(Progress));
  }
}

// Lets files grow to so many bytes at most, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_ = {};
};

TEST(StatsFileTest, WhenTheDiskIsFullABlockLivesInMemoryAndTheLogSaysSo) {
  const StatsDirectory directory;
  {
    const auto recorder = Boot(directory.path());
    recorder->ForVersion(kDefinition).RecordAnswer({.rows = 1});
    VersionDefinition second = kDefinition;
    second.version = 2;
    const auto size = std::filesystem::file_size(directory.OnlyFile(".stats"));
    testing::internal::CaptureStderr();
    {
      const FileSizeLimit limit(size + kStatsPageBytes);
      recorder->ForVersion(second).RecordAnswer({.rows = 1});
    }
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_THAT(log, HasSubstr("memory only"));
    EXPECT_THAT(log, HasSubstr("if this process is killed"));
    EXPECT_EQ(std::filesystem::file_size(directory.OnlyFile(".stats")), size);
    VersionDefinition third = kDefinition;
    third.version = 3;
    recorder->ForVersion(third).RecordAnswer({.rows = 1});

    v1::PushRequest push;
    recorder->FillPush(push);
    const DecodedPush decoded(push);
    for (const char* version : {"1", "2", "3"}) {
      EXPECT_EQ(decoded.Value("weir_requests_total", {"m", version, "OK"}), 1);
    }
  }
  const auto orphans = Find(directory.path());
  ASSERT_EQ(orphans.size(), 1u);
  const DecodedPush push(orphans[0]->push());
  EXPECT_EQ(push.Value("weir_requests_total", {"m", "1", "OK"}), 1);
  EXPECT_FALSE(push.Has("weir_requests_total", {"m", "2", "OK"}));
  EXPECT_EQ(push.Value("weir_requests_total", {"m", "3", "OK"}), 1) << "there was room again";
}

TEST(StatsFileTest, WhenTheDiskIsFullAtTheStartAllLivesInMemory) {
  const StatsDirectory directory;
  testing::internal::CaptureStderr();
  std::unique_ptr<Recorder> recorder;
  {
    const FileSizeLimit limit(100);
    recorder = Boot(directory.path());
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("no room"));
  recorder->ForVersion(kDefinition).RecordAnswer({.rows = 1});
  v1::PushRequest push;
  recorder->FillPush(push);
  recorder->NoteAcknowledged("gateway", 1);
  EXPECT_EQ(DecodedPush(push).Value("weir_requests_total", {"m", "1", "OK"}), 1);
  EXPECT_TRUE(directory.Files("").empty());
}

TEST(StatsFileTest, ADirectoryThatCannotBeUsedIsAnErrorThatNamesIt) {
  const StatsDirectory directory;
  const std::string deep = directory.path() + "/a/b";
  const auto missing = Recorder::Create({.state_dir = deep, .replica = "r"});
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr(deep));
  const auto no_directory = Recorder::Create({.state_dir = "/dev/null", .replica = "r"});
  EXPECT_THAT(std::string(no_directory.status().message()), HasSubstr("/dev/null"));
  EXPECT_TRUE(Recorder::Create({.state_dir = directory.path() + "/a", .replica = "r"}).ok());
}

TEST(StatsFileTest, TheLockOfADirectoryIsWaitedForButNotForEver) {
  const StatsDirectory directory;
  auto held = std::make_unique<absl::StatusOr<DirectoryLock>>(
      DirectoryLock::Take(directory.path(), absl::ZeroDuration()));
  ASSERT_TRUE(held->ok()) << held->status();
  for (const absl::Duration timeout : {absl::ZeroDuration(), absl::Milliseconds(20)}) {
    const absl::Status status = DirectoryLock::Take(directory.path(), timeout).status();
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(directory.path()));
  }
  std::thread other([&] { EXPECT_NE(Boot(directory.path()), nullptr); });
  held = nullptr;
  other.join();
}

TEST(StatsFileTest, MoreGatewaysThanPlacesAreNotRemembered) {
  const StatsDirectory directory;
  {
    const auto recorder = Boot(directory.path());
    v1::PushRequest push;
    recorder->FillPush(push);
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 10; ++i) recorder->NoteAcknowledged(std::to_string(i), round + 1);
    }
  }
  const auto orphans = Find(directory.path());
  ASSERT_EQ(orphans.size(), 1u);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(orphans[0]->AcknowledgedSeq(std::to_string(i)), i < 8 ? 2u : 0u) << i;
  }
}

TEST(StatsFileTest, ReplicasOfAnyNameHaveFilesOfTheirOwn) {
  EXPECT_EQ(StatsFileName("host:8001", std::string(16, '\xab')).substr(0, 15), "weir-host_8001-");
  EXPECT_NE(StatsFilePrefix("host:8001"), StatsFilePrefix("host_8001"));
  EXPECT_EQ(StatsFilePrefix("../../etc/passwd").find('/'), std::string::npos);
  EXPECT_LT(StatsFileName(std::string(128, 'x'), std::string(16, 'x')).size(), 200u);
}

}  // namespace
}  // namespace weir
