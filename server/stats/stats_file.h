// The file in which a boot keeps its counts, mapped into memory, so that they outlive the process.
#ifndef WEIR_SERVER_STATS_STATS_FILE_H_
#define WEIR_SERVER_STATS_STATS_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/stats/stats_file_format.h"

namespace weir {

// Memory for a block of cells, all 0 at first. Moves; unmaps at the end.
class CellMemory {
 public:
  // Not of a file; ends the process if there is no memory.
  static CellMemory Anonymous(size_t cells);

  CellMemory() = default;
  CellMemory(void* mapping, size_t bytes, size_t cells_offset)
      : mapping_(mapping), bytes_(bytes), cells_offset_(cells_offset) {}
  CellMemory(CellMemory&& other) noexcept { *this = std::move(other); }
  CellMemory& operator=(CellMemory&& other) noexcept;
  ~CellMemory();

  uint64_t* cells() const;

 private:
  void* mapping_ = nullptr;
  size_t bytes_ = 0;
  size_t cells_offset_ = 0;
};

// What the processor has stored into it is there after the process was killed, at whatever moment,
// but not after the machine lost its power. Held by an flock as long as this lives. Not
// thread-safe, but for the cells.
class StatsFile {
 public:
  struct Identity {
    std::string replica;
    std::string boot_id;  // kBootIdBytes.
    absl::Time boot_time;
  };

  // Makes the directory if only it itself is missing. RESOURCE_EXHAUSTED if the disk is full,
  // UNAVAILABLE if another process has held the directory's lock for ten seconds.
  static absl::StatusOr<std::unique_ptr<StatsFile>> Create(const std::string& directory,
                                                           const Identity& identity);
  ~StatsFile();  // Keeps the file. Blocks may live on.
  StatsFile(const StatsFile&) = delete;
  StatsFile& operator=(const StatsFile&) = delete;

  // A new block of `shards` times `stride` cells. Its room on the disk is reserved before it is
  // touched, because a store for which there is none would end the process. RESOURCE_EXHAUSTED if
  // there is none; the file is as before.
  absl::StatusOr<CellMemory> Append(absl::string_view schema, uint32_t shards, uint64_t stride);

  // Before a push with it goes out.
  void SetLastSeq(uint64_t seq);

  // See NoteStatsAcknowledgement.
  void NoteAcknowledged(absl::string_view gateway, uint64_t seq);

  void Delete();
  const std::string& path() const { return path_; }

 private:
  StatsFile(std::string path, int fd, StatsFileHeader* header)
      : path_(std::move(path)), fd_(fd), header_(header) {}

  const std::string path_;
  const int fd_;
  StatsFileHeader* const header_;  // Mapped.
};

// Keeps two processes that share a directory from making and taking files at once. Advisory.
class DirectoryLock {
 public:
  // Waits for others. UNAVAILABLE, with the directory's name, if one of them holds it for so long.
  static absl::StatusOr<DirectoryLock> Take(const std::string& directory, absl::Duration timeout);
  DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_STATS_FILE_H_
