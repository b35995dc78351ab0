// The journal on disks that fail, in processes that are killed, on machines that lose power: what
// was acknowledged is there, and what was not acknowledged harms nobody.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/journal.h"
#include "gateway/journal_test_util.h"

namespace weir {
namespace {

using Durability = Journal::Durability;

// A program that uses a journal: appends, compacts, is started again; and what it was told.
class Program {
 public:
  explicit Program(const Journal::Options& options) : options_(options) {}

  void Run() {
    for (int start = 0; start < 2; ++start) {
      auto opened = OpenJournal(options_);
      if (!opened.ok()) continue;
      Expect(opened->state);
      state_ = opened->state;
      for (int i = 0; i < 3; ++i) AppendTo(*opened->journal, {i, i + 1});
      if (CompactHalf(*opened->journal)) AppendTo(*opened->journal, {7});
      AppendTo(*opened->journal, {1, 5});
    }
  }

  // What was acknowledged is there, or what is newer.
  void Expect(const JournalState& state) const {
    for (const auto& [key, value] : state_) {
      const auto it = state.find(key);
      ASSERT_NE(it, state.end()) << key.second << " is lost";
      EXPECT_GE(it->second.first, value.first) << "an older one of " << key.second;
    }
    ExpectGenuine(state);
  }

  void ExpectGenuine(const JournalState& state) const {
    for (const auto& [key, value] : state) {
      EXPECT_LE(value.first, order_);
      EXPECT_EQ(value.second, TestPayload(key.second, value.first)) << "made up";
    }
  }

  int failures() const { return failures_; }

 private:
  void AppendTo(Journal& journal, const std::vector<int>& ids) {
    ++order_;
    std::vector<std::string> payloads;
    for (int id : ids) payloads.push_back(TestPayload(id, order_));
    std::vector<JournalEntry> entries;
    for (size_t i = 0; i < ids.size(); ++i) {
      entries.push_back(TestEntry(ids[i], order_, payloads[i]));
    }
    const absl::Status status = journal.Append(entries);
    if (status.ok()) {
      for (size_t i = 0; i < ids.size(); ++i) state_[{1, ids[i]}] = {order_, payloads[i]};
    } else {
      ++failures_;
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    }
  }

  // With an append while it runs.
  bool CompactHalf(Journal& journal) {
    auto compaction = journal.StartCompaction();
    if (!compaction.ok()) return false;
    const JournalState then = state_;
    bool added = true;
    for (const auto& [key, value] : then) {
      added = added && (*compaction)->Add(TestEntry(key.second, value.first, value.second)).ok();
    }
    AppendTo(journal, {2, 6});
    return added && (*compaction)->Finish().ok();
  }

  const Journal::Options options_;
  uint64_t order_ = 0;
  JournalState state_;  // As far as it was acknowledged.
  int failures_ = 0;
};

int OperationsOf(Durability durability) {
  TemporaryFolder folder;
  FailingIo io;
  Program({.directory = folder.path(), .durability = durability, .io = &io}).Run();
  return io.operations;
}

// Calls test(durability, operation, part of what the operation was to write).
template <typename Test>
void ForEachOperation(Test test) {
  for (const Durability durability : {Durability::kProcess, Durability::kPower}) {
    const int operations = OperationsOf(durability);
    EXPECT_GT(operations, 20);
    for (int operation = 0; operation < operations; ++operation) {
      for (const double part : {0.0, 0.3, 0.9, 1.0}) {
        SCOPED_TRACE(absl::StrCat(durability == Durability::kPower ? "power" : "process",
                                  ", operation ", operation, ", part ", part));
        test(durability, operation, part);
      }
    }
  }
}

TEST(JournalFaultTest, AnOperationMayFail) {
  ForEachOperation([](Durability durability, int operation, double part) {
    for (const int error : {ENOSPC, EIO}) {
      TemporaryFolder folder;
      FailingIo io;
      io.fail_at = operation;
      io.error = error;
      io.written_before_failing = part;
      Program program({.directory = folder.path(), .durability = durability, .io = &io});
      program.Run();
      EXPECT_LE(program.failures(), 1) << "one failure is one refusal";
      const auto opened = OpenJournal(folder);
      ASSERT_TRUE(opened.ok()) << opened.status();
      program.Expect(opened->state);
      EXPECT_EQ(opened->journal->recovery().cut_bytes, 0);
      EXPECT_EQ(opened->journal->recovery().damages, 0);
    }
  });
}

// Such as the one that takes back what the first one left half done.
TEST(JournalFaultTest, TwoOperationsMayFailInARow) {
  ForEachOperation([](Durability durability, int operation, double part) {
    TemporaryFolder folder;
    FailingIo io;
    io.fail_at = operation;
    io.fail_count = 2;
    io.written_before_failing = part;
    Program program({.directory = folder.path(), .durability = durability, .io = &io});
    program.Run();
    const auto opened = OpenJournal(folder);
    ASSERT_TRUE(opened.ok()) << opened.status();
    program.Expect(opened->state);
  });
}

TEST(JournalFaultTest, TheProcessMayEndAtAnyOperation) {
  ForEachOperation([](Durability durability, int operation, double part) {
    TemporaryFolder folder;
    FailingIo io;
    io.end_at = operation;
    io.written_before_failing = part;
    Program program({.directory = folder.path(), .durability = durability, .io = &io});
    program.Run();
    for (int start = 0; start < 2; ++start) {
      const auto opened = OpenJournal(folder);
      ASSERT_TRUE(opened.ok()) << opened.status();
      program.Expect(opened->state);
      EXPECT_EQ(opened->journal->recovery().damages, 0);
    }
  });
}

// A disk that remembers what of it would outlive a loss of power.
class PowerIo : public FailingIo {
 public:
  absl::StatusOr<int> Create(const std::string& path) override {
    auto file = FailingIo::Create(path);
    if (file.ok()) SetName(path, static_cast<int>(contents_.size()));
    if (file.ok()) contents_.emplace_back();
    return file;
  }
  absl::Status Write(int file, absl::string_view bytes, const std::string& path) override {
    absl::Status status = FailingIo::Write(file, bytes, path);
    if (status.ok()) ContentOf(path).now.append(bytes.data(), bytes.size());
    return status;
  }
  absl::Status Truncate(int file, int64_t size, const std::string& path) override {
    absl::Status status = FailingIo::Truncate(file, size, path);
    if (status.ok()) ContentOf(path).now.resize(size);
    return status;
  }
  absl::Status Sync(int file, const std::string& path) override {
    absl::Status status = FailingIo::Sync(file, path);
    if (status.ok()) ContentOf(path).safe = ContentOf(path).now;
    return status;
  }
  absl::Status SyncDirectory(const std::string& path) override {
    absl::Status status = FailingIo::SyncDirectory(path);
    if (status.ok()) safe_names_ = names_.size() - 1;
    return status;
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    absl::Status status = FailingIo::Rename(from, to);
    if (status.ok()) {
      std::map<std::string, int> names = names_.back();
      names[to] = names.at(from);
      names.erase(from);
      names_.push_back(std::move(names));
    }
    return status;
  }
  absl::Status Remove(const std::string& path) override {
    absl::Status status = FailingIo::Remove(path);
    if (status.ok()) {
      names_.push_back(names_.back());
      names_.back().erase(path);
    }
    return status;
  }

  // What the disk may hold after the power was lost now: names as they were at some time since the
  // directory was synced, of each file what was synced and some of what was not.
  void LosePower(std::mt19937_64& random, const TemporaryFolder& after) const {
    const size_t at = safe_names_ + random() % (names_.size() - safe_names_);
    for (const auto& [path, index] : names_[at]) {
      const Content& content = contents_[index];
      std::string bytes = content.safe;
      if (content.now.size() > bytes.size()) {
        const std::string unsafe = content.now.substr(bytes.size());
        const size_t kept = std::min<size_t>(random() % (2 * unsafe.size()), unsafe.size());
        bytes += unsafe.substr(0, kept);
        if (random() % 2 == 0) bytes.append(unsafe.size() - kept, '\0');
      } else if (random() % 2 == 0) {
        bytes = content.now;
      }
      after.Write(path.substr(path.rfind('/') + 1), bytes);
    }
  }

 private:
  struct Content {
    std::string now;
    std::string safe;
  };

  Content& ContentOf(const std::string& path) { return contents_[names_.back().at(path)]; }

  void SetName(const std::string& path, int content) {
    names_.push_back(names_.back());
    names_.back()[path] = content;
  }

  std::vector<Content> contents_;
  std::vector<std::map<std::string, int>> names_ = {{}};  // After each change of them.
  size_t safe_names_ = 0;
};

TEST(JournalFaultTest, PowerMayBeLostAtAnyOperation) {
  std::mt19937_64 random(20'261'121);
  for (const Durability durability : {Durability::kProcess, Durability::kPower}) {
    const int operations = OperationsOf(durability);
    for (int operation = 0; operation <= operations; ++operation) {
      TemporaryFolder folder;
      PowerIo io;
      io.end_at = operation;
      Program program({.directory = folder.path(), .durability = durability, .io = &io});
      program.Run();
      for (int loss = 0; loss < 20; ++loss) {
        SCOPED_TRACE(absl::StrCat(durability == Durability::kPower ? "power" : "process",
                                  ", operation ", operation, ", loss ", loss));
        TemporaryFolder after;
        io.LosePower(random, after);
        const auto opened = OpenJournal(after);
        ASSERT_TRUE(opened.ok()) << opened.status();
        if (durability == Durability::kPower) {
          program.Expect(opened->state);
          EXPECT_EQ(opened->journal->recovery().damages, 0);
        } else {
          program.ExpectGenuine(opened->state);
        }
      }
    }
  }
}

TEST(JournalFaultTest, AFullDiskRefusesAppendsUntilThereIsRoom) {
  const pid_t child = fork();
  if (child == 0) {
    // A write beyond the limit fails as one without room does.
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit full = {.rlim_cur = 10'000, .rlim_max = limit.rlim_max};
    TemporaryFolder folder;
    auto opened = OpenJournal(folder);
    EXPECT_TRUE(opened.ok());
    setrlimit(RLIMIT_FSIZE, &full);
    uint64_t order = 0;
    absl::Status status;
    while (status.ok() && order < 1000) status = Append(*opened->journal, 1, ++order, 700);
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_EQ(Append(*opened->journal, 1, order, 700).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(Append(*opened->journal, 2, 1, 10).ok()) << "a smaller one has room";
    setrlimit(RLIMIT_FSIZE, &limit);
    EXPECT_TRUE(Append(*opened->journal, 3, 1, 700).ok());
    opened->journal = nullptr;
    opened = OpenJournal(folder);
    EXPECT_EQ(opened->state.at({1, 1}).first, order - 1);
    EXPECT_EQ(opened->state.size(), 3u);
    EXPECT_EQ(opened->journal->recovery().damages, 0);
    folder.Remove();
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// Appends and compacts until it is killed; writes the order of each append to the pipe when it is
// acknowledged.
[[noreturn]] void AppendUntilKilled(const TemporaryFolder& folder, int pipe) {
  auto opened = OpenJournal(folder);
  if (!opened.ok()) _exit(1);
  Journal& journal = *opened->journal;
  JournalState state = std::move(opened->state);
  uint64_t order = 0;
  for (const auto& [key, value] : state) order = std::max(order, value.first);
  while (true) {
    auto compaction = journal.StartCompaction();
    if (!compaction.ok()) _exit(1);
    std::thread compactor([state, compaction = *std::move(compaction)] {
      for (const auto& [key, value] : state) {
        compaction->Add(TestEntry(key.second, value.first, value.second)).IgnoreError();
      }
      compaction->Finish().IgnoreError();
    });
    for (int i = 0; i < 200; ++i) {
      const int id = static_cast<int>(++order % 16);
      if (!Append(journal, id, order, 2000).ok()) _exit(1);
      state[{1, id}] = {order, TestPayload(id, order, 2000)};
      if (write(pipe, &order, sizeof(order)) != sizeof(order)) _exit(1);
    }
    compactor.join();
  }
}

TEST(JournalFaultTest, AProcessThatIsKilledLosesNothing) {
  std::mt19937_64 random(20'261'121);
  TemporaryFolder folder;
  uint64_t acknowledged = 0;
  for (int kill_count = 0; kill_count < 30; ++kill_count) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) AppendUntilKilled(folder, ends[1]);
    close(ends[1]);
    // At any moment of a write or a compaction: what is told comes a little later than it is done.
    uint64_t order = 0;
    const uint64_t kill_after = acknowledged + 1 + random() % 1000;
    while (order < kill_after && read(ends[0], &order, sizeof(order)) == sizeof(order)) {
    }
    ASSERT_GE(order, kill_after);
    kill(child, SIGKILL);
    while (read(ends[0], &order, sizeof(order)) == sizeof(order)) {
    }
    close(ends[0]);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    acknowledged = order;

    const auto opened = OpenJournal(folder);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->journal->recovery().damages, 0);
    for (uint64_t last = acknowledged; last + 16 > acknowledged && last > 0; --last) {
      const int id = static_cast<int>(last % 16);
      const auto& [newest, payload] = opened->state.at({1, id});
      EXPECT_GE(newest, last);
      EXPECT_LE(newest, acknowledged + 1);
      EXPECT_EQ(payload, TestPayload(id, newest, 2000));
    }
  }
}

TEST(JournalFaultTest, AppendsAndCompactionsGoOnSideBySide) {
  TemporaryFolder folder;
  JournalState state;
  {
    const auto opened = OpenJournal(folder);
    Journal& journal = *opened->journal;
    uint64_t order = 0;
    for (int round = 0; round < 20; ++round) {
      auto compaction = journal.StartCompaction();
      ASSERT_TRUE(compaction.ok()) << compaction.status();
      absl::Status finished;
      std::thread compactor([&finished, state, compaction = *std::move(compaction)] {
        for (const auto& [key, value] : state) {
          compaction->Add(TestEntry(key.second, value.first, value.second)).IgnoreError();
        }
        finished = compaction->Finish();
      });
      for (int i = 0; i < 300; ++i) {
        const int id = static_cast<int>(++order % 50);
        EXPECT_TRUE(Append(journal, id, order).ok());
        state[{1, id}] = {order, TestPayload(id, order)};
        EXPECT_GT(journal.log_bytes() + journal.snapshot_bytes(), 0);
      }
      compactor.join();
      EXPECT_TRUE(finished.ok()) << finished;
      EXPECT_LE(folder.Files().size(), 2u);
    }
  }
  EXPECT_EQ(OpenJournal(folder)->state, state);
}

}  // namespace
}  // namespace weir
