#include "gateway/journal_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

absl::Status Result(int result, absl::string_view what, const std::string& path) {
  return result == 0 ? absl::OkStatus() : FileError(errno, what, path);
}

absl::StatusOr<int> Open(const std::string& path, int flags) {
  const int file = open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (file < 0) return FileError(errno, "open", path);
  return file;
}

}  // namespace

absl::Status FileError(int error, absl::string_view what, absl::string_view path) {
  const std::string text = absl::StrCat("cannot ", what, " ", path, ": ", std::strerror(error));
  const bool no_room = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return no_room ? absl::ResourceExhaustedError(text) : absl::UnavailableError(text);
}

absl::StatusOr<int> JournalIo::Create(const std::string& path) {
  return Open(path, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC);
}

absl::StatusOr<int> JournalIo::OpenToAppend(const std::string& path) {
  return Open(path, O_WRONLY | O_APPEND);
}

absl::Status JournalIo::Write(int file, absl::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError(errno, "write to", path);
    bytes.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::Status JournalIo::Truncate(int file, int64_t size, const std::string& path) {
  return Result(ftruncate(file, size), "cut", path);
}

absl::Status JournalIo::Sync(int file, const std::string& path) {
  return Result(fdatasync(file), "sync", path);
}

absl::Status JournalIo::SyncDirectory(const std::string& path) {
  const auto directory = Open(path, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) return directory.status();
  absl::Status status = Result(fsync(*directory), "sync", path);
  close(*directory);
  return status;
}

absl::Status JournalIo::Rename(const std::string& from, const std::string& to) {
  return Result(rename(from.c_str(), to.c_str()), "rename", from);
}

absl::Status JournalIo::Remove(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return FileError(errno, "remove", path);
}

JournalIo& JournalIo::System() {
  static JournalIo io;
  return io;
}

}  // namespace weir
