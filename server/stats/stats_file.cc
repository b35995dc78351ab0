#include "server/stats/stats_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/status_macros.h"

namespace weir {
namespace {

// Others hold the lock for as long as reading some files takes.
constexpr absl::Duration kLockTimeout = absl::Seconds(10);

absl::Status Failure(int error, absl::string_view what, const std::string& path) {
  const absl::Status status = absl::ErrnoToStatus(error, absl::StrCat("cannot ", what, " ", path));
  const bool no_room = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return no_room ? absl::ResourceExhaustedError(status.message()) : status;
}

// Makes sure that the bytes have room on the disk. On failure the file has its old size.
absl::Status Reserve(int fd, size_t offset, size_t bytes, const std::string& path) {
  int error = EINTR;
  while (error == EINTR) {
    error = posix_fallocate(fd, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  }
  if (error == 0) return absl::OkStatus();
  if (ftruncate(fd, static_cast<off_t>(offset)) != 0) {
    // Then it is longer than it has to be, which does no harm.
  }
  return Failure(error, "reserve room in", path);
}

absl::StatusOr<void*> Map(int fd, size_t offset, size_t bytes, const std::string& path) {
  void* const mapping =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (mapping == MAP_FAILED) return Failure(errno, "map", path);
  return mapping;
}

// What another process shall see after this one was killed. Release: never without what was stored
// before.
void Publish(uint64_t& field, uint64_t value) {
  std::atomic_ref(field).store(value, std::memory_order_release);
}

template <typename T>
absl::string_view BytesOf(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

}  // namespace

CellMemory CellMemory::Anonymous(size_t cells) {
  const size_t bytes = cells * sizeof(uint64_t);
  void* const mapping =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) abort();
  return {mapping, bytes, 0};
}

CellMemory& CellMemory::operator=(CellMemory&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(bytes_, other.bytes_);
  std::swap(cells_offset_, other.cells_offset_);
  return *this;
}

CellMemory::~CellMemory() {
  if (mapping_ != nullptr) munmap(mapping_, bytes_);
}

uint64_t* CellMemory::cells() const {
  return reinterpret_cast<uint64_t*>(static_cast<char*>(mapping_) + cells_offset_);
}

absl::StatusOr<std::unique_ptr<StatsFile>> StatsFile::Create(const std::string& directory,
                                                             const Identity& identity) {
  if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return Failure(errno, "make", directory);
  }
  // Nobody takes the file for that of a boot that has ended before it is locked.
  WEIR_ASSIGN_OR_RETURN(const DirectoryLock lock, DirectoryLock::Take(directory, kLockTimeout));
  std::string path =
      absl::StrCat(directory, "/", StatsFileName(identity.replica, identity.boot_id));
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return Failure(errno, "make", path);
  absl::Cleanup undo = [&] {
    unlink(path.c_str());
    close(fd);
  };
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) return Failure(errno, "lock", path);
  WEIR_RETURN_IF_ERROR(Reserve(fd, 0, kStatsPageBytes, path));
  WEIR_ASSIGN_OR_RETURN(void* const page, Map(fd, 0, kStatsPageBytes, path));

  StatsFileHeader header = {
      .magic = kStatsFileMagic,
      .version = kStatsFileVersion,
      .boot_unix_ns = absl::ToUnixNanos(identity.boot_time),
      .replica_bytes = static_cast<uint32_t>(identity.replica.size()),
      .committed_bytes = kStatsPageBytes,
  };
  memcpy(header.boot_id, identity.boot_id.data(), kBootIdBytes);
  memcpy(header.replica, identity.replica.data(), identity.replica.size());
  header.crc = StatsCrc(BytesOf(header).substr(0, kStatsFixedBytes));
  // A reader that finds no magic knows that nothing was counted yet.
  auto* const mapped = static_cast<StatsFileHeader*>(page);
  const uint64_t magic = std::exchange(header.magic, 0);
  *mapped = header;
  Publish(mapped->magic, magic);
  std::move(undo).Cancel();
  return std::unique_ptr<StatsFile>(new StatsFile(std::move(path), fd, mapped));
}

StatsFile::~StatsFile() {
  munmap(header_, kStatsPageBytes);
  close(fd_);
}

absl::StatusOr<CellMemory> StatsFile::Append(absl::string_view schema, uint32_t shards,
                                             uint64_t stride) {
  StatsBlockHeader block = {
      .magic = kStatsBlockMagic,
      .cells_offset = StatsRoundUp(sizeof(StatsBlockHeader) + schema.size(), kStatsCellsAlignment),
      .schema_bytes = static_cast<uint32_t>(schema.size()),
      .shards = shards,
      .stride = stride,
  };
  block.block_bytes =
      StatsRoundUp(block.cells_offset + shards * stride * sizeof(uint64_t), kStatsPageBytes);
  block.crc = StatsCrc(BytesOf(block), schema);

  const size_t begin = header_->committed_bytes;
  if (block.block_bytes > kMaxStatsFileBytes - begin) {
    return absl::ResourceExhaustedError(absl::StrCat(path_, " is as large as it may be"));
  }
  WEIR_RETURN_IF_ERROR(Reserve(fd_, begin, block.block_bytes, path_));
  WEIR_ASSIGN_OR_RETURN(void* const mapping, Map(fd_, begin, block.block_bytes, path_));
  memcpy(mapping, &block, sizeof(block));
  memcpy(static_cast<char*>(mapping) + sizeof(block), schema.data(), schema.size());
  Publish(header_->committed_bytes, begin + block.block_bytes);
  return CellMemory(mapping, block.block_bytes, block.cells_offset);
}

void StatsFile::SetLastSeq(uint64_t seq) { Publish(header_->last_seq, seq); }

void StatsFile::NoteAcknowledged(absl::string_view gateway, uint64_t seq) {
  NoteStatsAcknowledgement(header_->acknowledged, gateway, seq);
}

void StatsFile::Delete() { unlink(path_.c_str()); }

absl::StatusOr<DirectoryLock> DirectoryLock::Take(const std::string& directory,
                                                  absl::Duration timeout) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Failure(errno, "open", directory);
  DirectoryLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return Failure(errno, "lock", directory);
  // The system has no flock with a deadline, so a thread waits in place of this one. If it waits in
  // vain, it gives the lock back as soon as it gets it.
  struct Wait {
    explicit Wait(DirectoryLock untaken) : lock(std::move(untaken)) {}
    DirectoryLock lock;
    int error = 0;
    absl::Notification over;
  };
  const auto wait = std::make_shared<Wait>(std::move(lock));
  if (timeout > absl::ZeroDuration()) {
    std::thread([wait] {
      wait->error = EINTR;
      while (wait->error == EINTR) wait->error = flock(wait->lock.fd_, LOCK_EX) == 0 ? 0 : errno;
      wait->over.Notify();
    }).detach();
    if (wait->over.WaitForNotificationWithTimeout(timeout)) {
      if (wait->error != 0) return Failure(wait->error, "lock", directory);
      return std::move(wait->lock);
    }
  }
  return absl::UnavailableError(absl::StrCat("another process holds the lock of ", directory));
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace weir
