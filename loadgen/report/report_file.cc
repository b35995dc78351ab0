#include "loadgen/report/report_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

absl::Status Error(absl::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", what, " ", path));
}

// Errors speak of `name`, the file that was asked for.
absl::Status WriteTo(const std::string& path, int flags, absl::string_view contents,
                     const std::string& name) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666);
  if (fd < 0) return Error("create", name);
  while (!contents.empty()) {
    const ssize_t written = write(fd, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      absl::Status status = Error("write", name);
      close(fd);
      return status;
    }
    contents.remove_prefix(written);
  }
  // Some file systems, such as NFS, say only now that there is no space.
  return close(fd) == 0 ? absl::OkStatus() : Error("write", name);
}

// Where `path` leads to, be it there or not.
fs::path FollowLinks(fs::path path) {
  constexpr int kMaxLinks = 40;  // As the system's.
  std::error_code error;
  for (int i = 0; i < kMaxLinks && fs::is_symlink(fs::symlink_status(path, error)); ++i) {
    path = path.parent_path() / fs::read_symlink(path, error);
  }
  return path;
}

bool IsWrittenAsItIs(const std::string& path) {
  // These may lead to a regular file, which is open already.
  for (const char* open_files : {"/dev/std", "/dev/fd/", "/proc/"}) {
    if (absl::StartsWith(path, open_files)) return true;
  }
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return fs::exists(status) && !fs::is_regular_file(status);
}

}  // namespace

absl::Status CheckReportFile(const std::string& path) {
  std::error_code error;
  if (IsWrittenAsItIs(path)) {
    if (fs::is_directory(path, error)) {
      errno = EISDIR;
      return Error("write", path);
    }
    return access(path.c_str(), W_OK) == 0 ? absl::OkStatus() : Error("write", path);
  }
  const fs::path folder = FollowLinks(path).parent_path();
  return access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) == 0 ? absl::OkStatus()
                                                                         : Error("write", path);
}

absl::Status WriteReportFile(const std::string& path, absl::string_view contents) {
  if (IsWrittenAsItIs(path)) return WriteTo(path, O_APPEND, contents, path);
  const std::string target = FollowLinks(path);
  const std::string temporary = absl::StrCat(target, ".", getpid(), ".tmp");
  absl::Status written = WriteTo(temporary, O_CREAT | O_TRUNC, contents, path);
  if (written.ok() && rename(temporary.c_str(), target.c_str()) != 0) {
    written = Error("write", path);
  }
  if (!written.ok()) unlink(temporary.c_str());
  return written;
}

}  // namespace weir
