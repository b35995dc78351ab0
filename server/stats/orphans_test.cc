#include "server/stats/orphans.h"

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/stats/decoded_push.h"
#include "server/stats/recorder.h"
#include "server/stats/stats_directory.h"
#include "server/stats/stats_file.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kGateways = {"a:9401", "b:9401"};

std::unique_ptr<Recorder> Boot(const StatsDirectory& directory, const std::string& replica = "r") {
  auto recorder =
      Recorder::Create({.state_dir = directory.path(), .replica = replica, .shards = 2});
  EXPECT_TRUE(recorder.ok()) << recorder.status();
  return *std::move(recorder);
}

void Answer(Recorder& recorder, int requests = 1) {
  VersionStats& stats = recorder.ForVersion({.model = "m", .version = 1});
  for (int i = 0; i < requests; ++i) stats.RecordAnswer({.rows = 1});
}

std::vector<std::unique_ptr<Orphan>> Find(const StatsDirectory& directory,
                                          const std::string& replica = "r", size_t max = 16) {
  return FindOrphans(directory.path(), replica, kGateways, max);
}

double Answered(const Orphan& orphan) {
  return DecodedPush(orphan.push()).Value("weir_requests_total", {"m", "1", "OK"});
}

TEST(OrphansTest, ABootThatHasEndedIsFoundWithItsCountsAndANewSeq) {
  const StatsDirectory directory;
  std::string boot_id;
  {
    const auto recorder = Boot(directory);
    boot_id = recorder->boot_id();
    v1::PushRequest push;
    recorder->FillPush(push);
    recorder->FillPush(push);
    Answer(*recorder, 7);
    recorder->NoteAcknowledged("a:9401", 1);
  }
  const auto next = Boot(directory);
  const auto orphans = Find(directory);
  ASSERT_EQ(orphans.size(), 1u);
  const Orphan& orphan = *orphans[0];
  EXPECT_EQ(orphan.push().boot_id(), boot_id);
  EXPECT_EQ(orphan.push().seq(), 3u);
  EXPECT_TRUE(orphan.push().last());
  EXPECT_TRUE(orphan.push().recovered());
  EXPECT_EQ(Answered(orphan), 7);
  EXPECT_EQ(orphan.AcknowledgedSeq("a:9401"), 1u);
  EXPECT_EQ(orphan.AcknowledgedSeq("b:9401"), 0u);
  EXPECT_TRUE(orphan.IsOwedTo("a:9401"));
  EXPECT_TRUE(orphan.IsOwedTo("b:9401"));
  EXPECT_FALSE(orphan.IsOwedTo("c:9401"));
}

TEST(OrphansTest, AFileIsDeletedOnceAllGatewaysHaveIt) {
  const StatsDirectory directory;
  Answer(*Boot(directory));
  {
    const auto orphans = Find(directory);
    ASSERT_EQ(orphans.size(), 1u);
    orphans[0]->NoteAcknowledged("a:9401");
    orphans[0]->NoteAcknowledged("a:9401");
    EXPECT_TRUE(orphans[0]->IsOwed());
    EXPECT_FALSE(orphans[0]->IsOwedTo("a:9401"));
    EXPECT_EQ(directory.Files(".stats").size(), 1u);
  }
  // This boot ends too early. The next one knows what it has done.
  const auto orphans = Find(directory);
  ASSERT_EQ(orphans.size(), 1u);
  EXPECT_EQ(orphans[0]->AcknowledgedSeq("a:9401"), orphans[0]->push().seq());
  orphans[0]->NoteAcknowledged("b:9401");
  EXPECT_EQ(directory.Files(".stats").size(), 1u);
  orphans[0]->NoteAcknowledged("a:9401");
  EXPECT_FALSE(orphans[0]->IsOwed());
  EXPECT_TRUE(directory.Files("").empty());
}

TEST(OrphansTest, WhatAGatewayRefusesIsKeptForPeople) {
  const StatsDirectory directory;
  Answer(*Boot(directory));
  {
    const auto orphans = Find(directory);
    ASSERT_EQ(orphans.size(), 1u);
    testing::internal::CaptureStderr();
    orphans[0]->NoteRefused("a:9401", absl::FailedPreconditionError("a counter fell"));
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("a counter fell"));
    EXPECT_TRUE(orphans[0]->IsOwedTo("b:9401"));
  }
  {
    // That boot ended too early: the other gateway still gets it.
    const auto orphans = Find(directory);
    ASSERT_EQ(orphans.size(), 1u);
    orphans[0]->NoteRefused("a:9401", absl::FailedPreconditionError("a counter fell"));
    orphans[0]->NoteAcknowledged("b:9401");
  }
  EXPECT_TRUE(Find(directory).empty());
  directory.OnlyFile(".stats.unreadable");
}

TEST(OrphansTest, WhatTheSystemDoesNotLetBeReadNowIsLeftAsItIs) {
  const StatsDirectory directory;
  Answer(*Boot(directory), 3);
  // The fewest files that the process may have open until it succeeds: each step fails once.
  rlimit before = {};
  getrlimit(RLIMIT_NOFILE, &before);
  std::vector<std::unique_ptr<Orphan>> orphans;
  for (rlim_t files = 3; orphans.empty() && files < 100; ++files) {
    const rlimit limit = {.rlim_cur = files, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
    orphans = Find(directory);
    setrlimit(RLIMIT_NOFILE, &before);
    directory.OnlyFile(".stats");
  }
  ASSERT_EQ(orphans.size(), 1u);
  EXPECT_EQ(Answered(*orphans[0]), 3);
}

TEST(OrphansTest, WhileAnotherProcessIsInTheDirectoryNoneAreFound) {
  const StatsDirectory directory;
  Answer(*Boot(directory));
  {
    const auto lock = DirectoryLock::Take(directory.path(), absl::ZeroDuration());
    ASSERT_TRUE(lock.ok()) << lock.status();
    EXPECT_TRUE(Find(directory).empty());
  }
  EXPECT_EQ(Find(directory).size(), 1u);
}

TEST(OrphansTest, ServersThatShareADirectoryLeaveEachOtherAlone) {
  const StatsDirectory directory;
  const auto first = Boot(directory, "first");
  const auto second = Boot(directory, "second");
  auto twin = Boot(directory, "first");
  Answer(*first);
  Answer(*second);
  Answer(*twin, 5);
  EXPECT_TRUE(Find(directory, "first").empty());
  EXPECT_TRUE(Find(directory, "second").empty());
  twin.reset();
  EXPECT_TRUE(Find(directory, "second").empty());
  EXPECT_TRUE(Find(directory, "fir").empty());
  const auto orphans = Find(directory, "first");
  ASSERT_EQ(orphans.size(), 1u);
  EXPECT_EQ(Answered(*orphans[0]), 5);
  EXPECT_TRUE(Find(directory, "first").empty()) << "the orphan is taken";
}

TEST(OrphansTest, ABootWithoutACountThatNobodyKnowsIsDeleted) {
  const StatsDirectory directory;
  Boot(directory)->ForVersion({.model = "m", .version = 1});
  const std::string begun = StatsFileName("r", std::string(16, 'b'));
  std::ofstream(absl::StrCat(directory.path(), "/", begun)).close();
  EXPECT_EQ(directory.Files(".stats").size(), 2u);
  EXPECT_TRUE(Find(directory).empty());
  EXPECT_TRUE(directory.Files("").empty());
  {
    // The gateway has to hear that this one has ended.
    v1::PushRequest push;
    Boot(directory)->FillPush(push);
  }
  EXPECT_EQ(Find(directory).size(), 1u);
}

TEST(OrphansTest, AFileThatCannotBeReadIsNamedAndKeptAndSomeOfThemOnly) {
  const StatsDirectory directory;
  for (char boot = 'a'; boot < 'a' + 12; ++boot) {
    std::ofstream(absl::StrCat(directory.path(), "/", StatsFileName("r", std::string(16, boot))))
        << std::string(5000, 'x');
  }
  const std::string of_another =
      absl::StrCat(directory.path(), "/", StatsFileName("s", std::string(16, 'a')));
  std::ofstream(of_another) << "x";
  const std::string not_ours = absl::StrCat(directory.path(), "/notes.txt");
  std::ofstream(not_ours) << "x";
  Answer(*Boot(directory));
  testing::internal::CaptureStderr();
  const auto orphans = Find(directory);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("not a stats file"));
  EXPECT_EQ(orphans.size(), 1u);
  EXPECT_EQ(directory.Files(".unreadable").size(), 8u);
  EXPECT_EQ(directory.Files(".stats").size(), 2u);
  EXPECT_TRUE(std::filesystem::exists(of_another));
  EXPECT_TRUE(std::filesystem::exists(not_ours));
}

TEST(OrphansTest, AFileThatIsTooLargeIsNotEvenRead) {
  const StatsDirectory directory;
  const std::string path =
      absl::StrCat(directory.path(), "/", StatsFileName("r", std::string(16, 'a')));
  std::ofstream(path) << "x";
  std::filesystem::resize_file(path, kMaxStatsFileBytes + 1);
  EXPECT_TRUE(Find(directory).empty());
  directory.OnlyFile(".unreadable");
}

TEST(OrphansTest, AFileThatWasMovedToAnotherReplicaIsNotPushed) {
  const StatsDirectory directory;
  Answer(*Boot(directory, "s"));
  std::filesystem::rename(
      directory.OnlyFile(".stats"),
      absl::StrCat(directory.path(), "/", StatsFileName("r", std::string(16, 'b'))));
  EXPECT_TRUE(Find(directory).empty());
  directory.OnlyFile(".unreadable");
}

TEST(OrphansTest, ManyOrphansComeInPortions) {
  const StatsDirectory directory;
  for (int i = 0; i < 5; ++i) Answer(*Boot(directory));
  int found = 0;
  for (size_t portion = 3; portion > 0;) {
    const auto orphans = Find(directory, "r", 3);
    for (const auto& orphan : orphans) {
      for (const std::string& gateway : kGateways) orphan->NoteAcknowledged(gateway);
    }
    found += static_cast<int>(orphans.size());
    portion = orphans.size();
  }
  EXPECT_EQ(found, 5);
  EXPECT_TRUE(directory.Files("").empty());
}

TEST(OrphansTest, AFileThatItsBootHasDeletedLeavesNothing) {
  const StatsDirectory directory;
  {
    const auto recorder = Boot(directory);
    Answer(*recorder);
    recorder->DeleteFile();
    Answer(*recorder);
  }
  EXPECT_TRUE(Find(directory).empty());
  EXPECT_TRUE(directory.Files("").empty());
}

TEST(OrphansTest, WithoutADirectoryThereAreNone) {
  EXPECT_TRUE(FindOrphans("/nonexistent", "r", kGateways).empty());
}

}  // namespace
}  // namespace weir
