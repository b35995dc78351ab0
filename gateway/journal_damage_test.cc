// Whatever becomes of a journal's files, starting up neither crashes nor makes anything up, and it
// says when something is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/journal.h"
#include "gateway/journal_test_util.h"

namespace weir {
namespace {

// A snapshot of three entries and a log with newer ones of two of them.
class JournalDamageTest : public testing::Test {
 protected:
  JournalDamageTest() {
    auto opened = OpenJournal(whole_);
    EXPECT_TRUE(Append(*opened->journal, 9, 1).ok());
    JournalState state;
    for (int id : {1, 2, 3}) state[{1, id}] = {1, TestPayload(id, 1)};
    EXPECT_TRUE(Compact(*opened->journal, state).ok());
    NoteEnd(*opened->journal);
    for (uint64_t order : {2, 3}) {
      for (int id : {2, 3, 4}) {
        EXPECT_TRUE(Append(*opened->journal, id, order, /*bytes=*/50 + order).ok());
        NoteEnd(*opened->journal);
      }
    }
    opened->journal = nullptr;
    expected_ = OpenJournal(whole_)->state;
    EXPECT_EQ(expected_.size(), 4u);
    for (const std::string& name : whole_.Files()) files_.emplace_back(name, whole_.Read(name));
    EXPECT_EQ(files_.size(), 2u);
  }

  void NoteEnd(const Journal& journal) { ends_.push_back(journal.log_bytes()); }

  static void ExpectGenuine(const JournalState& state) {
    for (const auto& [key, value] : state) {
      EXPECT_EQ(key.first, 1);
      EXPECT_LE(value.first, 3u);
      const size_t bytes = value.first == 1 ? 100 : 50 + value.first;
      EXPECT_EQ(value.second, TestPayload(key.second, value.first, bytes)) << "made up";
    }
  }

  // Opens the damaged copy, and once more what became of it.
  void Check(const TemporaryFolder& damaged, bool may_be_refused, bool is_said = true) {
    testing::internal::CaptureStderr();
    auto opened = OpenJournal(damaged);
    const std::string said = testing::internal::GetCapturedStderr();
    if (!opened.ok()) {
      EXPECT_TRUE(may_be_refused) << opened.status();
      EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition) << opened.status();
      return;
    }
    ExpectGenuine(opened->state);
    const JournalRecovery& recovery = opened->journal->recovery();
    if (opened->state != expected_ && is_said) {
      EXPECT_GT(recovery.damages + recovery.cut_bytes, 0);
      EXPECT_THAT(said, testing::HasSubstr("journal: "));
    }
    // It can be used.
    EXPECT_TRUE(Append(*opened->journal, 1, 3, 53).ok());
    JournalState expected = std::move(opened->state);
    expected[{1, 1}] = {3, TestPayload(1, 3, 53)};
    opened->journal = nullptr;
    testing::internal::CaptureStderr();
    const auto again = OpenJournal(damaged);
    testing::internal::GetCapturedStderr();
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->state, expected);
    EXPECT_EQ(again->journal->recovery().cut_bytes, 0);
  }

  TemporaryFolder whole_;
  std::vector<std::pair<std::string, std::string>> files_;
  std::vector<int64_t> ends_;  // Of the log's records.
  JournalState expected_;
};

TEST_F(JournalDamageTest, AnyByteMayBeAnotherOne) {
  for (const auto& [name, content] : files_) {
    for (size_t at = 0; at < content.size() && !HasFailure(); ++at) {
      const int mask = std::array{0x01, 0x80, 0xff}[at % 3];
      SCOPED_TRACE(absl::StrCat(name, " byte ", at, " mask ", mask));
      TemporaryFolder damaged;
      whole_.CopyTo(damaged);
      std::string bytes = content;
      bytes[at] = static_cast<char>(bytes[at] ^ mask);
      damaged.Write(name, bytes);
      Check(damaged, /*may_be_refused=*/false);
    }
  }
}

TEST_F(JournalDamageTest, AnyFileMayBeCutAnywhere) {
  for (const auto& [name, content] : files_) {
    for (size_t size = 0; size < content.size() && !HasFailure(); ++size) {
      SCOPED_TRACE(absl::StrCat(name, " cut to ", size));
      TemporaryFolder damaged;
      whole_.CopyTo(damaged);
      damaged.Write(name, content.substr(0, size));
      // A log that ends between two records may as well never have been longer.
      const bool between = std::count(ends_.begin(), ends_.end(), static_cast<int64_t>(size)) > 0;
      Check(damaged, /*may_be_refused=*/false,
            /*is_said=*/!(between || size == kSegmentHeaderBytes || size == 0));
    }
  }
}

TEST_F(JournalDamageTest, ManyPlacesMayBeDamaged) {
  std::mt19937_64 random(20'261'121);
  const auto below = [&](size_t n) { return random() % n; };
  for (int round = 0; round < 2000 && !HasFailure(); ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    TemporaryFolder damaged;
    for (const auto& [name, content] : files_) {
      std::string bytes = content;
      for (size_t damages = below(4); damages > 0 && !bytes.empty(); --damages) {
        const size_t at = below(bytes.size());
        const size_t length = std::min(below(200) + 1, bytes.size() - at);
        switch (below(5)) {
          case 0:
            for (size_t i = 0; i < length; ++i) bytes[at + i] = static_cast<char>(random());
            break;
          case 1:
            bytes.replace(at, length, length, '\0');
            break;
          case 2:
            bytes.erase(at, length);
            break;
          case 3:
            bytes.insert(at, bytes.substr(below(bytes.size()), length));
            break;
          case 4:
            bytes.append(length, static_cast<char>(random()));
            break;
        }
      }
      damaged.Write(name, bytes);
    }
    // What is taken out may be whole records.
    Check(damaged, /*may_be_refused=*/true, /*is_said=*/false);
  }
}

TEST_F(JournalDamageTest, AFileOfZerosIsPassedOver) {
  for (const auto& [name, content] : files_) {
    TemporaryFolder damaged;
    whole_.CopyTo(damaged);
    damaged.Write(name, std::string(content.size(), '\0'));
    Check(damaged, /*may_be_refused=*/false);
  }
}

}  // namespace
}  // namespace weir
