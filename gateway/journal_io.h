// What the journal does to the disk, so that tests can make it fail.
#ifndef WEIR_GATEWAY_JOURNAL_IO_H_
#define WEIR_GATEWAY_JOURNAL_IO_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

// The system's, and the base of a test's. Errors name the file and carry the system's reason:
// RESOURCE_EXHAUSTED where there is no room, else UNAVAILABLE. Thread-safe.
class JournalIo {
 public:
  virtual ~JournalIo() = default;

  // Opens a new file for appending, in place of one that has the name. The caller closes it.
  virtual absl::StatusOr<int> Create(const std::string& path);

  // Opens one that is there for appending.
  virtual absl::StatusOr<int> OpenToAppend(const std::string& path);

  // All of the bytes; some may have been written if it fails.
  virtual absl::Status Write(int file, absl::string_view bytes, const std::string& path);

  virtual absl::Status Truncate(int file, int64_t size, const std::string& path);

  // Waits until the file's content is safe from a loss of power.
  virtual absl::Status Sync(int file, const std::string& path);

  // Waits until the names in a directory are.
  virtual absl::Status SyncDirectory(const std::string& path);

  // In place of what may have the name.
  virtual absl::Status Rename(const std::string& from, const std::string& to);

  // OK if there is no such file.
  virtual absl::Status Remove(const std::string& path);

  static JournalIo& System();
};

// What went wrong with the file, by errno.
absl::Status FileError(int error, absl::string_view what, absl::string_view path);

}  // namespace weir

#endif  // WEIR_GATEWAY_JOURNAL_IO_H_
