#include "server/stats/orphans.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "server/stats/stats_file.h"
#include "server/stats/stats_file_reader.h"

namespace weir {
namespace {

constexpr size_t kMaxUnreadable = 8;

// The names of files in `directory` with that beginning and end.
std::vector<std::string> FilesOf(const std::string& directory, absl::string_view prefix,
                                 absl::string_view suffix) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(directory.c_str()), closedir);
  if (open == nullptr) return names;
  while (const dirent* const entry = readdir(open.get())) {
    const absl::string_view name = entry->d_name;
    if (absl::StartsWith(name, prefix) && absl::EndsWith(name, suffix)) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

int64_t ModifiedSeconds(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 ? status.st_mtim.tv_sec : 0;
}

// For people to look at. So that they do not fill the disk, the oldest ones go.
void KeepAsUnreadable(const std::string& path) {
  rename(path.c_str(), absl::StrCat(path, kUnreadableSuffix).c_str());
  const std::string directory = path.substr(0, path.rfind('/'));
  std::vector<std::pair<int64_t, std::string>> kept;
  for (const std::string& name :
       FilesOf(directory, kStatsFileBeginning, absl::StrCat(kStatsFileSuffix, kUnreadableSuffix))) {
    const std::string kept_path = absl::StrCat(directory, "/", name);
    kept.emplace_back(ModifiedSeconds(kept_path), kept_path);
  }
  std::sort(kept.begin(), kept.end());
  for (size_t i = 0; i + kMaxUnreadable < kept.size(); ++i) unlink(kept[i].second.c_str());
}

void LogLeftAlone(const std::string& path, const absl::Status& why) {
  WEIR_LOG_EVERY(kWarning, absl::Minutes(10),
                 "cannot look into a stats file for now; it is left as it is",
                 LogField("path", path), LogField("reason", why.message()));
}

// Opens and locks the file; -1 if its boot lives, or it was just deleted.
int Hold(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    LogLeftAlone(path, absl::ErrnoToStatus(errno, "cannot open it"));
    return -1;
  }
  struct stat status = {};
  if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &status) == 0 && status.st_nlink > 0) {
    return fd;
  }
  close(fd);
  return -1;
}

// What a boot of `replica` has left in the file. UNAVAILABLE if the system does not let it be read,
// whatever its reason: that says nothing of what is in it.
absl::StatusOr<StatsFileContents> ReadFileOf(absl::string_view replica, const std::string& path) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return absl::UnavailableError(error.message());
  if (size > kMaxStatsFileBytes) return absl::DataLossError("it is larger than a stats file");
  const absl::StatusOr<std::string> bytes = ReadFile(path);
  if (!bytes.ok()) return absl::UnavailableError(bytes.status().message());
  WEIR_ASSIGN_OR_RETURN(StatsFileContents contents, ReadStatsFile(*bytes));
  if (contents.replica != replica) return absl::DataLossError("it is of another replica");
  return contents;
}

}  // namespace

Orphan::Orphan(std::string path, int fd, v1::PushRequest push,
               const StatsAcknowledgements& acknowledged, absl::Span<const std::string> gateways)
    : path_(std::move(path)),
      fd_(fd),
      push_(std::move(push)),
      acknowledged_(acknowledged),
      owed_to_(gateways.begin(), gateways.end()) {}

Orphan::~Orphan() { close(fd_); }

uint64_t Orphan::AcknowledgedSeq(absl::string_view gateway) const {
  const uint64_t hash = StatsGatewayHash(gateway);
  for (const StatsAcknowledgement& place : acknowledged_) {
    if (place.gateway_hash == hash) return place.seq;
  }
  return 0;
}

void Orphan::NoteAcknowledged(absl::string_view gateway) {
  NoteStatsAcknowledgement(acknowledged_, gateway, push_.seq());
  const auto owed = owed_to_.find(gateway);
  if (owed != owed_to_.end()) owed_to_.erase(owed);
  if (!IsOwed()) return EndIfOwedToNobody();
  // Should this not succeed, the next boot pushes once more what the gateway has already.
  if (pwrite(fd_, &acknowledged_, sizeof(acknowledged_), offsetof(StatsFileHeader, acknowledged)) !=
      static_cast<ssize_t>(sizeof(acknowledged_))) {
    WEIR_LOG(kWarning, "cannot write to a stats file", LogField("path", path_));
  }
}

void Orphan::NoteRefused(absl::string_view gateway, const absl::Status& why) {
  WEIR_LOG(
      kError, "a gateway refuses what an earlier boot had counted; the file will be *.unreadable",
      LogField("gateway", gateway), LogField("path", path_), LogField("reason", why.message()));
  const auto owed = owed_to_.find(gateway);
  if (owed != owed_to_.end()) owed_to_.erase(owed);
  refused_ = true;
  EndIfOwedToNobody();
}

void Orphan::EndIfOwedToNobody() {
  if (IsOwed()) return;
  if (refused_) {
    KeepAsUnreadable(path_);
  } else {
    unlink(path_.c_str());
  }
}

std::unique_ptr<Orphan> Orphan::Take(const std::string& path, absl::string_view replica,
                                     absl::Span<const std::string> gateways) {
  const int fd = Hold(path);
  if (fd < 0) return nullptr;
  const absl::StatusOr<StatsFileContents> contents = ReadFileOf(replica, path);
  absl::Status status = contents.status();
  if (contents.ok() && !contents->Matters()) status = absl::NotFoundError("nothing was counted");
  if (status.ok()) {
    absl::StatusOr<v1::PushRequest> push = contents->LastPush();
    if (push.ok()) {
      return std::unique_ptr<Orphan>(
          new Orphan(path, fd, *std::move(push), contents->acknowledged, gateways));
    }
    status = push.status();
  }
  if (absl::IsNotFound(status)) {
    unlink(path.c_str());
  } else if (absl::IsUnavailable(status)) {
    LogLeftAlone(path, status);
  } else {
    WEIR_LOG(kError,
             "cannot read what an earlier boot had counted; the file is kept as *.unreadable",
             LogField("path", path), LogField("reason", status.message()));
    KeepAsUnreadable(path);
  }
  close(fd);
  return nullptr;
}

std::vector<std::unique_ptr<Orphan>> FindOrphans(const std::string& state_dir,
                                                 absl::string_view replica,
                                                 absl::Span<const std::string> gateways,
                                                 size_t max) {
  std::vector<std::unique_ptr<Orphan>> orphans;
  const absl::StatusOr<DirectoryLock> lock =
      DirectoryLock::Take(state_dir, /*timeout=*/absl::ZeroDuration());
  if (absl::IsUnavailable(lock.status())) return orphans;  // Held.
  if (!lock.ok()) {
    WEIR_LOG_EVERY(kWarning, absl::Minutes(10), "cannot look for what earlier boots had counted",
                   LogField("reason", lock.status().message()));
    return orphans;
  }
  for (const std::string& name : FilesOf(state_dir, StatsFilePrefix(replica), kStatsFileSuffix)) {
    if (orphans.size() >= max) break;
    std::unique_ptr<Orphan> orphan =
        Orphan::Take(absl::StrCat(state_dir, "/", name), replica, gateways);
    if (orphan != nullptr) orphans.push_back(std::move(orphan));
  }
  return orphans;
}

}  // namespace weir
