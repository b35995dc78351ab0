#include "gateway/journal_test_util.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace weir {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() : path_(absl::StrCat(testing::TempDir(), "/journal-XXXXXX")) {
  if (mkdtemp(path_.data()) == nullptr) abort();
}

TemporaryFolder::~TemporaryFolder() { Remove(); }

void TemporaryFolder::Remove() const {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<std::string> TemporaryFolder::Files() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) {
    if (entry.path().filename() != "lock") names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string TemporaryFolder::Read(const std::string& name) const {
  std::ifstream in(absl::StrCat(path_, "/", name), std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  return content.str();
}

void TemporaryFolder::Write(const std::string& name, const std::string& content) const {
  std::ofstream(absl::StrCat(path_, "/", name), std::ios::binary) << content;
}

void TemporaryFolder::CopyTo(const TemporaryFolder& other) const {
  for (const std::string& name : Files()) other.Write(name, Read(name));
}

JournalKey TestKey(int kind, int id) {
  JournalKey key{.kind = static_cast<uint8_t>(kind)};
  key.id[0] = static_cast<uint8_t>(id);
  return key;
}

JournalEntry TestEntry(int id, uint64_t order, absl::string_view payload, int kind) {
  return {.key = TestKey(kind, id),
          .order = order,
          .arrival = absl::FromUnixSeconds(1'000 + static_cast<int64_t>(order)),
          .payload = payload};
}

std::string TestPayload(int id, uint64_t order, size_t bytes) {
  std::string payload;
  while (payload.size() < bytes) absl::StrAppend(&payload, id, "/", order, " ");
  payload.resize(bytes);
  return payload;
}

absl::StatusOr<OpenedJournal> OpenJournal(const Journal::Options& options) {
  OpenedJournal opened;
  WEIR_ASSIGN_OR_RETURN(
      opened.journal, Journal::Open(options, [&](const JournalEntry& entry) {
        EXPECT_EQ(absl::ToUnixSeconds(entry.arrival), 1'000 + static_cast<int64_t>(entry.order));
        const bool is_new = opened.state
                                .emplace(std::pair(entry.key.kind, entry.key.id[0]),
                                         std::pair(entry.order, std::string(entry.payload)))
                                .second;
        EXPECT_TRUE(is_new) << "given back twice";
        return absl::OkStatus();
      }));
  return opened;
}

absl::StatusOr<OpenedJournal> OpenJournal(const TemporaryFolder& folder) {
  return OpenJournal({.directory = folder.path()});
}

absl::Status Append(Journal& journal, int id, uint64_t order, size_t bytes) {
  const std::string payload = TestPayload(id, order, bytes);
  const JournalEntry entry = TestEntry(id, order, payload);
  return journal.Append({&entry, 1});
}

absl::Status Compact(Journal& journal, const JournalState& state) {
  WEIR_ASSIGN_OR_RETURN(const auto compaction, journal.StartCompaction());
  for (const auto& [key, value] : state) {
    WEIR_RETURN_IF_ERROR(
        compaction->Add(TestEntry(key.second, value.first, value.second, key.first)));
  }
  return compaction->Finish();
}

absl::Status FailingIo::Next(const std::string& path) {
  const int operation = operations++;
  if (operation >= end_at) return FileError(EIO, "reach", path);
  const bool fails = operation >= fail_at && operation - fail_at < fail_count;
  return fails ? FileError(error, "reach", path) : absl::OkStatus();
}

absl::StatusOr<int> FailingIo::Create(const std::string& path) {
  WEIR_RETURN_IF_ERROR(Next(path));
  return JournalIo::Create(path);
}

absl::StatusOr<int> FailingIo::OpenToAppend(const std::string& path) {
  WEIR_RETURN_IF_ERROR(Next(path));
  return JournalIo::OpenToAppend(path);
}

absl::Status FailingIo::Write(int file, absl::string_view bytes, const std::string& path) {
  const bool first_not_done = operations == std::min<int>(fail_at, end_at);
  absl::Status status = Next(path);
  if (status.ok()) return JournalIo::Write(file, bytes, path);
  if (first_not_done) {
    const auto part = static_cast<size_t>(bytes.size() * written_before_failing);
    WEIR_RETURN_IF_ERROR(JournalIo::Write(file, bytes.substr(0, part), path));
  }
  return status;
}

absl::Status FailingIo::Truncate(int file, int64_t size, const std::string& path) {
  WEIR_RETURN_IF_ERROR(Next(path));
  return JournalIo::Truncate(file, size, path);
}

absl::Status FailingIo::Sync(int, const std::string& path) { return Next(path); }

absl::Status FailingIo::SyncDirectory(const std::string& path) { return Next(path); }

absl::Status FailingIo::Rename(const std::string& from, const std::string& to) {
  WEIR_RETURN_IF_ERROR(Next(from));
  return JournalIo::Rename(from, to);
}

absl::Status FailingIo::Remove(const std::string& path) {
  WEIR_RETURN_IF_ERROR(Next(path));
  return JournalIo::Remove(path);
}

}  // namespace weir
