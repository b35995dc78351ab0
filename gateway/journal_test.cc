#include "gateway/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libdeflate.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/journal_test_util.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kFirstLog[] = "0000000000000001.log";

TEST(JournalTest, ANewOneIsEmpty) {
  TemporaryFolder folder;
  const auto opened = OpenJournal({.directory = folder.path() + "/new"});
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_THAT(opened->state, IsEmpty());
  EXPECT_EQ(opened->journal->log_bytes(), 0);
}

TEST(JournalTest, GivesBackTheNewestEntryOfEachKey) {
  TemporaryFolder folder;
  {
    const auto opened = OpenJournal(folder);
    ASSERT_TRUE(opened.ok()) << opened.status();
    Journal& journal = *opened->journal;
    for (uint64_t order : {1, 2, 5, 3}) ASSERT_TRUE(Append(journal, 1, order).ok());
    ASSERT_TRUE(Append(journal, 2, 9).ok());
    const JournalEntry other_kind = TestEntry(1, 4, "baseline", /*kind=*/2);
    ASSERT_TRUE(journal.Append({&other_kind, 1}).ok());
  }
  const auto opened = OpenJournal(folder);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const JournalState expected = {{{1, 1}, {5, TestPayload(1, 5)}},
                                 {{1, 2}, {9, TestPayload(2, 9)}},
                                 {{2, 1}, {4, "baseline"}}};
  EXPECT_EQ(opened->state, expected);
  EXPECT_EQ(opened->journal->recovery().entries, 6);
  EXPECT_EQ(opened->journal->recovery().restored, 3);
  EXPECT_EQ(opened->journal->recovery().damages, 0);
}

TEST(JournalTest, OfEntriesOfOneOrderTheLaterCounts) {
  TemporaryFolder folder;
  {
    const auto opened = OpenJournal(folder);
    const JournalEntry entries[] = {TestEntry(1, 7, "first"), TestEntry(1, 7, "second")};
    ASSERT_TRUE(opened->journal->Append(entries).ok());
  }
  const auto opened = OpenJournal(folder);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->state.at({1, 1}).second, "second");
}

TEST(JournalTest, GoesOnWhereItEnded) {
  TemporaryFolder folder;
  for (uint64_t order = 1; order <= 5; ++order) {
    const auto opened = OpenJournal(folder);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->state.size(), order > 1);
    ASSERT_TRUE(Append(*opened->journal, 1, order).ok());
  }
  EXPECT_THAT(folder.Files(), ElementsAre(kFirstLog));
}

TEST(JournalTest, TakesPayloadsOfAnySize) {
  TemporaryFolder folder;
  const size_t sizes[] = {0, 1, 4'000'000, 20'000'000, 3, kMaxJournalPayloadBytes};
  {
    const auto opened = OpenJournal(folder);
    for (int id = 0; id < 6; ++id) ASSERT_TRUE(Append(*opened->journal, id, 1, sizes[id]).ok());
  }
  const auto opened = OpenJournal(folder);
  ASSERT_TRUE(opened.ok());
  ASSERT_EQ(opened->state.size(), 6u);
  for (int id = 0; id < 6; ++id) {
    EXPECT_TRUE(opened->state.at({1, id}).second == TestPayload(id, 1, sizes[id])) << id;
  }
}

TEST(JournalTest, APayloadThatIsTooLargeIsRefused) {
  TemporaryFolder folder;
  const auto opened = OpenJournal(folder);
  EXPECT_EQ(Append(*opened->journal, 1, 1, kMaxJournalPayloadBytes + 1).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(opened->journal->log_bytes(), 0);
}

TEST(JournalTest, ASecondGatewayInTheSameDirectoryIsRefusedByName) {
  TemporaryFolder folder;
  const auto first = OpenJournal(folder);
  ASSERT_TRUE(first.ok());
  const auto second = OpenJournal(folder);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.status().message(), HasSubstr(folder.path() + " is in use"));
}

TEST(JournalTest, TheParentOfItsDirectoryHasToBeThere) {
  TemporaryFolder folder;
  const auto opened = OpenJournal({.directory = folder.path() + "/a/b"});
  EXPECT_THAT(opened.status().message(), HasSubstr("/a/b: No such file"));
}

TEST(JournalTest, AForeignFileIsRefusedByName) {
  TemporaryFolder folder;
  folder.Write(kFirstLog, "Nov 21 10:00:00 somebody else's log\n");
  const auto opened = OpenJournal(folder);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(opened.status().message(),
              HasSubstr(absl::StrCat(kFirstLog, " is not a journal of weir")));
  EXPECT_THAT(folder.Read(kFirstLog), HasSubstr("somebody else's"));
}

TEST(JournalTest, FilesWithOtherNamesAreLeftAlone) {
  TemporaryFolder folder;
  folder.Write("notes.log", "x");
  folder.Write("1.log", "x");
  folder.Write("000000000000000x.log", "x");
  folder.Write("0000000000000001.log.unfinished.bak", "x");
  ASSERT_TRUE(OpenJournal(folder).ok());
  EXPECT_EQ(folder.Files().size(), 4u);
}

TEST(JournalTest, AFileOfANewerFormatIsRefusedByName) {
  TemporaryFolder folder;
  std::string header = EncodeSegmentHeader({.number = 1, .salt = 7}).substr(0, 32);
  header[8] = 2;
  const uint32_t crc = libdeflate_crc32(0, header.data(), 28);
  header.replace(28, 4, reinterpret_cast<const char*>(&crc), 4);
  folder.Write(kFirstLog, header);
  const auto opened = OpenJournal(folder);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(opened.status().message(), HasSubstr("format 2, and this weir reads format 1"));
}

TEST(JournalTest, ARenamedFileIsRefusedByName) {
  TemporaryFolder folder;
  ASSERT_TRUE(Append(*OpenJournal(folder)->journal, 1, 1).ok());
  std::filesystem::rename(absl::StrCat(folder.path(), "/", kFirstLog),
                          folder.path() + "/0000000000000007.log");
  EXPECT_THAT(OpenJournal(folder).status().message(),
              HasSubstr("0000000000000007.log was 0000000000000001.log before it was renamed"));
}

TEST(JournalTest, WhatRestoreRefusesIsRefusedByNameAndNothingIsChanged) {
  TemporaryFolder folder;
  ASSERT_TRUE(Append(*OpenJournal(folder)->journal, 1, 1).ok());
  const std::string torn = folder.Read(kFirstLog) + "torn";
  folder.Write(kFirstLog, torn);
  const auto opened = Journal::Open({.directory = folder.path()}, [](const JournalEntry&) {
    return absl::FailedPreconditionError("of a kind that is not known");
  });
  EXPECT_THAT(opened.status().message(),
              HasSubstr(absl::StrCat(kFirstLog, " at 64: of a kind that is not known")));
  EXPECT_EQ(folder.Read(kFirstLog), torn);
}

TEST(JournalTest, ATailThatWasNotWrittenInFullIsCutAndSaid) {
  TemporaryFolder folder;
  ASSERT_TRUE(Append(*OpenJournal(folder)->journal, 1, 1).ok());
  const std::string whole = folder.Read(kFirstLog);
  ASSERT_TRUE(Append(*OpenJournal(folder)->journal, 1, 2).ok());
  folder.Write(kFirstLog, folder.Read(kFirstLog).substr(0, whole.size() + 60));
  testing::internal::CaptureStderr();
  {
    const auto opened = OpenJournal(folder);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened->state.at({1, 1}).first, 1u);
    EXPECT_EQ(opened->journal->recovery().cut_bytes, 60);
    EXPECT_EQ(opened->journal->recovery().damages, 0);
    ASSERT_TRUE(Append(*opened->journal, 1, 3).ok());
  }
  EXPECT_THAT(
      testing::internal::GetCapturedStderr(),
      HasSubstr("journal: cutting off a write that did not end bytes=60 file=" + folder.path()));
  const auto opened = OpenJournal(folder);
  EXPECT_EQ(opened->state.at({1, 1}).first, 3u);
  EXPECT_EQ(opened->journal->recovery().entries, 2);
}

TEST(JournalTest, DamageInTheMiddleIsSaidAndWhatFollowsIsRead) {
  TemporaryFolder folder;
  size_t end_of_first;
  {
    const auto opened = OpenJournal(folder);
    ASSERT_TRUE(Append(*opened->journal, 1, 1).ok());
    end_of_first = opened->journal->log_bytes();
    ASSERT_TRUE(Append(*opened->journal, 2, 2).ok());
    ASSERT_TRUE(Append(*opened->journal, 3, 3).ok());
  }
  std::string bytes = folder.Read(kFirstLog);
  bytes[end_of_first + 70] ^= 1;
  folder.Write(kFirstLog, bytes);
  testing::internal::CaptureStderr();
  const auto opened = OpenJournal(folder);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->state.size(), 2u);
  EXPECT_EQ(opened->state.count({1, 2}), 0u);
  EXPECT_EQ(opened->journal->recovery().damaged_bytes, 148);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr(absl::StrCat("journal: damaged bytes are passed over bytes=148 offset=",
                                     end_of_first, " file=")));
}

TEST(JournalTest, ARecordWithinAPayloadIsNotTakenForOne) {
  TemporaryFolder folder;
  // What somebody may push who knows the format but not the file's salt.
  std::string forged;
  AppendRecord(TestEntry(9, 9, "forged"), /*salt=*/1, forged);
  {
    const auto opened = OpenJournal(folder);
    const JournalEntry entries[] = {TestEntry(1, 1, forged), TestEntry(2, 2, "honest")};
    ASSERT_TRUE(opened->journal->Append(entries).ok());
  }
  std::string bytes = folder.Read(kFirstLog);
  bytes[64] ^= 1;
  folder.Write(kFirstLog, bytes);
  const auto opened = OpenJournal(folder);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->state.size(), 1u);
  EXPECT_EQ(opened->state.at({1, 2}).second, "honest");
}

TEST(JournalTest, CompactionPutsWhatCountsInPlaceOfWhatWasAppended) {
  TemporaryFolder folder;
  {
    const auto opened = OpenJournal(folder);
    Journal& journal = *opened->journal;
    for (uint64_t order = 1; order <= 100; ++order) ASSERT_TRUE(Append(journal, 1, order).ok());
    const int64_t before = journal.log_bytes();
    ASSERT_TRUE(Compact(journal, {{{1, 1}, {100, TestPayload(1, 100)}}}).ok());
    EXPECT_EQ(journal.log_bytes(), 0);
    EXPECT_LT(journal.snapshot_bytes(), before / 10);
    EXPECT_THAT(folder.Files(), ElementsAre("0000000000000001.snapshot"));
    ASSERT_TRUE(Append(journal, 2, 1).ok());
    EXPECT_THAT(folder.Files(), ElementsAre("0000000000000001.snapshot", "0000000000000002.log"));
  }
  const auto opened = OpenJournal(folder);
  const JournalState expected = {{{1, 1}, {100, TestPayload(1, 100)}},
                                 {{1, 2}, {1, TestPayload(2, 1)}}};
  EXPECT_EQ(opened->state, expected);
}

TEST(JournalTest, AnEmptyJournalCanBeCompactedAgainAndAgain) {
  TemporaryFolder folder;
  for (int i = 0; i < 3; ++i) {
    const auto opened = OpenJournal(folder);
    ASSERT_TRUE(opened.ok()) << opened.status();
    ASSERT_TRUE(Compact(*opened->journal, {{{1, 1}, {1, "x"}}}).ok());
    ASSERT_TRUE(Compact(*opened->journal, {{{1, 1}, {1, "x"}}}).ok());
    EXPECT_EQ(folder.Files().size(), 1u);
  }
}

TEST(JournalTest, WhatIsAppendedWhileItIsCompactedStays) {
  TemporaryFolder folder;
  {
    const auto opened = OpenJournal(folder);
    Journal& journal = *opened->journal;
    ASSERT_TRUE(Append(journal, 1, 1).ok());
    const auto compaction = journal.StartCompaction();
    ASSERT_TRUE(compaction.ok()) << compaction.status();
    const std::string payload = TestPayload(1, 1);
    ASSERT_TRUE((*compaction)->Add(TestEntry(1, 1, payload)).ok());
    ASSERT_TRUE(Append(journal, 1, 2).ok());
    ASSERT_TRUE((*compaction)->Finish().ok());
    ASSERT_TRUE(Append(journal, 2, 1).ok());
  }
  const auto opened = OpenJournal(folder);
  EXPECT_EQ(opened->state.at({1, 1}).first, 2u);
  EXPECT_EQ(opened->state.at({1, 2}).first, 1u);
}

TEST(JournalTest, ACompactionThatIsNotFinishedChangesNothing) {
  TemporaryFolder folder;
  {
    const auto opened = OpenJournal(folder);
    ASSERT_TRUE(Append(*opened->journal, 1, 1).ok());
    {
      const auto compaction = opened->journal->StartCompaction();
      ASSERT_TRUE(compaction.ok());
      ASSERT_TRUE((*compaction)->Add(TestEntry(5, 5, "x")).ok());
    }
    EXPECT_THAT(folder.Files(), ElementsAre(kFirstLog));
    ASSERT_TRUE(Append(*opened->journal, 2, 1).ok());
  }
  const auto opened = OpenJournal(folder);
  EXPECT_EQ(opened->state.size(), 2u);
  EXPECT_EQ(opened->journal->recovery().damages, 0);
}

TEST(JournalTest, WhatAKilledCompactionLeftIsRemoved) {
  TemporaryFolder folder;
  ASSERT_TRUE(Append(*OpenJournal(folder)->journal, 1, 1).ok());
  folder.Write("0000000000000001.snapshot.unfinished", "half");
  ASSERT_TRUE(OpenJournal(folder).ok());
  EXPECT_THAT(folder.Files(), ElementsAre(kFirstLog));
}

TEST(JournalTest, WhatASnapshotStandsForIsNotReadAgain) {
  TemporaryFolder folder, before;
  {
    const auto opened = OpenJournal(folder);
    ASSERT_TRUE(Append(*opened->journal, 1, 1).ok());
    folder.CopyTo(before);
    // The entry was forgotten.
    ASSERT_TRUE(Compact(*opened->journal, {{{1, 2}, {1, "x"}}}).ok());
  }
  // Killed between the snapshot's end and the log's removal.
  folder.Write(kFirstLog, before.Read(kFirstLog));
  const auto opened = OpenJournal(folder);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->state, JournalState({{{1, 2}, {1, "x"}}}));
  EXPECT_THAT(folder.Files(), ElementsAre("0000000000000001.snapshot"));
}

TEST(JournalTest, AFileThatIsMissingIsSaid) {
  TemporaryFolder folder;
  {
    const auto opened = OpenJournal(folder);
    ASSERT_TRUE(Append(*opened->journal, 1, 1).ok());
    ASSERT_TRUE(Compact(*opened->journal, {{{1, 1}, {1, "x"}}}).ok());
    ASSERT_TRUE(Append(*opened->journal, 2, 1).ok());
  }
  std::filesystem::remove(folder.path() + "/0000000000000001.snapshot");
  testing::internal::CaptureStderr();
  const auto opened = OpenJournal(folder);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->state.size(), 1u);
  EXPECT_EQ(opened->journal->recovery().damages, 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("files are missing"));
}

}  // namespace
}  // namespace weir
