// The gateway's memory on disk: an append-only log, in which the newest entry of each key counts.
//
// What Append took is there after a crash. A tail that a crash left half written is cut off, and
// damage in the middle is passed over, each with a line in the log that says where and how much; an
// entry is given back whole and as it was, or not at all. docs/journal.md has the format.
#ifndef WEIR_GATEWAY_JOURNAL_H_
#define WEIR_GATEWAY_JOURNAL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace weir {

// What an entry is about.
struct JournalKey {
  uint8_t kind = 0;
  std::array<uint8_t, 16> id = {};

  friend bool operator==(const JournalKey&, const JournalKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const JournalKey& key) {
    return H::combine(std::move(h), key.kind, key.id);
  }
};

// Of entries with one key that with the largest order counts; among equals, the later one.
struct JournalEntry {
  JournalKey key;
  uint64_t order = 0;
  absl::string_view payload;  // At most Journal::kMaxPayloadBytes.
};

// One thread calls it at a time; only a Compaction may be at work on another one.
class Journal {
 public:
  static constexpr size_t kMaxPayloadBytes = size_t{64} << 20;

  enum class Durability {
    kProcess,  // Survives the end of the process: Append has handed it to the system.
    kPower,    // Survives the end of the machine: Append waits for the disk.
  };

  struct Options {
    std::string directory;  // Is made if it is not there; its parent has to be.
    Durability durability = Durability::kProcess;
  };

  // What Open found.
  struct Recovery {
    int64_t entries = 0;        // Of all that were read, whole ones.
    int64_t newest = 0;         // Given back: the newest of each key.
    int64_t bytes = 0;          // Read.
    int64_t cut_bytes = 0;      // Of a tail that was half written.
    int64_t damaged_bytes = 0;  // Passed over.
    int64_t damages = 0;        // Places.
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

  // Writes all of them or none. RESOURCE_EXHAUSTED: there is no room. UNAVAILABLE: the disk fails.
  // The journal is then as it was before, and the next call tries again.
  absl::Status Append(absl::Span<const JournalEntry> entries);

  // Replaces all that was appended before StartCompaction by what is added to it.
  class Compaction {
   public:
    ~Compaction();  // Undone if it was not finished.

    absl::Status Add(const JournalEntry& entry);
    // Once it returns OK, the old segments are gone.
    absl::Status Finish();

   private:
    friend class Journal;
    struct State;
    explicit Compaction(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };

  // Entries appended from now on are not part of it, whether it is finished before or after them.
  // One at a time.
  absl::StatusOr<std::unique_ptr<Compaction>> StartCompaction();

  const Recovery& recovery() const { return recovery_; }
  int64_t bytes() const;           // Of all segments.
  int64_t appended_bytes() const;  // Of those that the next compaction would replace, without the
                                   // last compaction's result.

 private:
  Journal() = default;
  Recovery recovery_;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_JOURNAL_H_
