// For tests of the journal: folders, what a journal holds, and disks that fail.
#ifndef WEIR_GATEWAY_JOURNAL_TEST_UTIL_H_
#define WEIR_GATEWAY_JOURNAL_TEST_UTIL_H_

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/journal.h"

namespace weir {

// An empty folder, removed in the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::vector<std::string> Files() const;  // Their names but `lock`, in order.
  std::string Read(const std::string& name) const;
  void Write(const std::string& name, const std::string& content) const;
  void CopyTo(const TemporaryFolder& other) const;  // All but the lock.
  void Remove() const;                              // Before the end.

 private:
  std::string path_;
};

// Kind and the first byte of the id, to order and payload.
using JournalState = std::map<std::pair<int, int>, std::pair<uint64_t, std::string>>;

JournalKey TestKey(int kind, int id);
// Points at `payload`.
JournalEntry TestEntry(int id, uint64_t order, absl::string_view payload, int kind = 1);

// The text of the order-th push of `id`: can be told from any other one, and from a damaged one.
std::string TestPayload(int id, uint64_t order, size_t bytes = 100);

struct OpenedJournal {
  std::unique_ptr<Journal> journal;
  JournalState state;
};
absl::StatusOr<OpenedJournal> OpenJournal(const Journal::Options& options);
absl::StatusOr<OpenedJournal> OpenJournal(const TemporaryFolder& folder);

absl::Status Append(Journal& journal, int id, uint64_t order, size_t bytes = 100);

// Puts `state` in place of what was appended before.
absl::Status Compact(Journal& journal, const JournalState& state);

// A disk on which some operations fail, or nothing happens any more from one operation on. Nobody
// waits for it to sync: the machine that runs the test does not lose power.
class FailingIo : public JournalIo {
 public:
  static constexpr int kNever = INT32_MAX;

  // Of several threads; each stands for itself.
  std::atomic<int> fail_at = kNever;  // Counted from 0.
  std::atomic<int> fail_count = 1;
  std::atomic<int> error = EIO;  // Of those that fail.
  std::atomic<int> end_at = kNever;
  // The part of its bytes that a Write leaves behind which is the first to fail.
  std::atomic<double> written_before_failing = 0;

  std::atomic<int> operations = 0;  // So far.

  absl::StatusOr<int> Create(const std::string& path) override;
  absl::StatusOr<int> OpenToAppend(const std::string& path) override;
  absl::Status Write(int file, absl::string_view bytes, const std::string& path) override;
  absl::Status Truncate(int file, int64_t size, const std::string& path) override;
  absl::Status Sync(int file, const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;

 private:
  // Counts the operation that begins; whether it may succeed.
  absl::Status Next(const std::string& path);
};

}  // namespace weir

#endif  // WEIR_GATEWAY_JOURNAL_TEST_UTIL_H_
