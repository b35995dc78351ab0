// The gateway's memory on disk: an append-only log, in which the newest entry of each key counts.
//
// What Append took is there after a crash. A tail that a crash left half written is cut off, and
// damage in the middle is passed over, each with a line in the log that says where and how much; an
// entry is given back whole and as it was, or not at all. docs/journal.md has the format.
#ifndef WEIR_GATEWAY_JOURNAL_H_
#define WEIR_GATEWAY_JOURNAL_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "gateway/journal_format.h"
#include "gateway/journal_io.h"
#include "gateway/journal_recovery.h"

namespace weir {

// One thread calls it at a time, but for what says otherwise.
class Journal {
 public:
  enum class Durability {
    kProcess,  // Survives the end of the process: Append has handed it to the system.
    kPower,    // Survives the end of the machine: Append waits for the disk.
  };

  struct Options {
    std::string directory;  // Is made if it is not there; its parent has to be.
    Durability durability = Durability::kProcess;
    JournalIo* io = &JournalIo::System();
  };

  // Opens, reads and repairs the journal of the directory, which stays locked while this lives, and
  // gives back the newest entry of each key, in no order. Fails with what `restore` fails with, and
  // FAILED_PRECONDITION for a directory that is in use, or a file that is not a journal's or of a
  // newer weir: the journal is then as it was.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(
      const Options& options, absl::FunctionRef<absl::Status(const JournalEntry&)> restore);

  ~Journal();  // After the last Compaction.
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Writes all of them or none. RESOURCE_EXHAUSTED: there is no room, or the disk fails. The
  // journal then holds what it held before, and the next call tries again. INVALID_ARGUMENT: one of
  // them is too large.
  absl::Status Append(absl::Span<const JournalEntry> entries) ABSL_LOCKS_EXCLUDED(mu_);

  // Replaces all that was appended before StartCompaction by what is added to it. May be used on
  // another thread than the journal.
  class Compaction {
   public:
    ~Compaction();  // Undone if it was not finished.

    // After a failure nothing but the destructor may be called.
    absl::Status Add(const JournalEntry& entry);

    // When it returns OK, what was replaced is gone.
    absl::Status Finish();

   private:
    friend class Journal;
    Compaction(Journal& journal, uint64_t number);
    absl::Status Create();
    absl::Status Flush();

    Journal& journal_;
    const SegmentHeader header_;
    const std::string path_;
    const std::string temporary_path_;
    int file_ = -1;
    int64_t size_ = 0;
    uint64_t entries_ = 0;
    std::string buffer_;
  };

  // What is appended from now on is not part of it. The caller adds what counts at this very
  // moment. One at a time.
  absl::StatusOr<std::unique_ptr<Compaction>> StartCompaction() ABSL_LOCKS_EXCLUDED(mu_);

  // What Open found.
  const JournalRecovery& recovery() const { return recovery_; }

  // Of what was appended, and of what compactions left. Thread-safe.
  int64_t log_bytes() const ABSL_LOCKS_EXCLUDED(mu_);
  int64_t snapshot_bytes() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The log that is written to.
  struct ActiveLog {
    int file;
    uint64_t number;
    uint32_t salt;
    std::string path;
    int64_t size;
  };

  explicit Journal(const Options& options);

  absl::Status Lock();
  absl::Status Repair(const RecoveredSegments& found) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status BeginLog() ABSL_LOCKS_EXCLUDED(mu_);
  void CloseLog();

  // Removes what the snapshot with that number stands for.
  void RemoveReplaced(uint64_t number) ABSL_LOCKS_EXCLUDED(mu_);
  int64_t BytesOf(SegmentKind kind) const ABSL_LOCKS_EXCLUDED(mu_);
  void NoteSize(SegmentKind kind, uint64_t number, int64_t bytes) ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  int lock_file_ = -1;
  JournalRecovery recovery_;
  std::optional<ActiveLog> active_;  // Begun by the first Append that finds none.
  uint64_t next_number_ = 1;         // Of the log after it.
  std::string buffer_;               // What Append writes.

  mutable absl::Mutex mu_;
  std::map<std::pair<uint64_t, SegmentKind>, int64_t> sizes_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_GATEWAY_JOURNAL_H_
