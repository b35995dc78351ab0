#include "gateway/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace weir {
namespace {

constexpr size_t kFlushBytes = size_t{1} << 20;

uint32_t NewSalt() {
  std::random_device random;
  uint32_t salt;
  do salt = random();
  while (salt == 0);
  return salt;
}

absl::Status CheckSize(const JournalEntry& entry) {
  if (entry.payload.size() <= kMaxJournalPayloadBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("an entry of the journal has ",
                                                 entry.payload.size(), " bytes, of ",
                                                 kMaxJournalPayloadBytes, " that it may have"));
}

std::string PathOf(const std::string& directory, SegmentKind kind, uint64_t number) {
  return absl::StrCat(directory, "/", SegmentName(kind, number));
}

}  // namespace

Journal::Journal(const Options& options) : options_(options) {}

Journal::~Journal() {
  CloseLog();
  if (lock_file_ >= 0) close(lock_file_);
}

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(
    const Options& options, absl::FunctionRef<absl::Status(const JournalEntry&)> restore) {
  auto journal = absl::WrapUnique(new Journal(options));
  WEIR_RETURN_IF_ERROR(journal->Lock());
  WEIR_ASSIGN_OR_RETURN(const RecoveredSegments found, RecoverJournal(options.directory, restore));
  WEIR_RETURN_IF_ERROR(journal->Repair(found));
  WEIR_LOG(kInfo, "read the journal", LogField("bytes", found.recovery.bytes),
           LogField("entries", found.recovery.entries), LogField("newest", found.recovery.restored),
           LogField("damages", found.recovery.damages), LogField("directory", options.directory));
  return journal;
}

absl::Status Journal::Lock() {
  const std::string& directory = options_.directory;
  if (mkdir(directory.c_str(), 0755) != 0) {
    if (errno != EEXIST) return FileError(errno, "make", directory);
  } else if (options_.durability == Durability::kPower) {
    WEIR_RETURN_IF_ERROR(options_.io->SyncDirectory(absl::StrCat(directory, "/..")));
  }
  const std::string path = absl::StrCat(directory, "/lock");
  lock_file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_file_ < 0) return FileError(errno, "open", path);
  if (flock(lock_file_, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  if (errno != EWOULDBLOCK) return FileError(errno, "lock", path);
  return absl::FailedPreconditionError(
      absl::StrCat(directory, " is in use: another gateway keeps its journal there"));
}

absl::Status Journal::Repair(const RecoveredSegments& found) {
  recovery_ = found.recovery;
  next_number_ = found.next_number;
  for (const std::string& path : found.obsolete) WEIR_RETURN_IF_ERROR(options_.io->Remove(path));
  {
    absl::MutexLock lock(&mu_);
    for (const auto& segment : found.segments) {
      sizes_[{segment.header.number, segment.header.kind}] = segment.size;
    }
  }
  if (found.segments.empty()) return absl::OkStatus();
  const auto& last = found.segments.back();
  if (!last.has_header || last.header.kind != SegmentKind::kLog) return absl::OkStatus();
  WEIR_ASSIGN_OR_RETURN(const int file, options_.io->OpenToAppend(last.path));
  active_ = {.file = file,
             .number = last.header.number,
             .salt = last.header.salt,
             .path = last.path,
             .size = last.end};
  if (last.size > last.end) {
    WEIR_RETURN_IF_ERROR(options_.io->Truncate(file, last.end, last.path));
    NoteSize(SegmentKind::kLog, last.header.number, last.end);
  }
  // It may be of a time when nobody waited for the disk.
  if (options_.durability == Durability::kPower) {
    WEIR_RETURN_IF_ERROR(options_.io->Sync(file, last.path));
    WEIR_RETURN_IF_ERROR(options_.io->SyncDirectory(options_.directory));
  }
  return absl::OkStatus();
}

absl::Status Journal::Append(absl::Span<const JournalEntry> entries) {
  for (const JournalEntry& entry : entries) WEIR_RETURN_IF_ERROR(CheckSize(entry));
  if (!active_.has_value()) WEIR_RETURN_IF_ERROR(BeginLog());
  buffer_.clear();
  for (const JournalEntry& entry : entries) AppendRecord(entry, active_->salt, buffer_);
  absl::Status status = options_.io->Write(active_->file, buffer_, active_->path);
  // After a failed sync nobody knows what of the file is on the disk: it is not written to again.
  bool unsound = false;
  if (status.ok() && options_.durability == Durability::kPower) {
    status = options_.io->Sync(active_->file, active_->path);
    unsound = !status.ok();
  }
  if (status.ok()) {
    active_->size += static_cast<int64_t>(buffer_.size());
    NoteSize(SegmentKind::kLog, active_->number, active_->size);
    return absl::OkStatus();
  }
  if (!options_.io->Truncate(active_->file, active_->size, active_->path).ok() || unsound) {
    CloseLog();
  }
  return absl::ResourceExhaustedError(status.message());
}

absl::Status Journal::BeginLog() {
  JournalIo& io = *options_.io;
  const SegmentHeader header{.number = next_number_, .salt = NewSalt()};
  const std::string path = PathOf(options_.directory, header.kind, header.number);
  const absl::StatusOr<int> file = io.Create(path);
  if (!file.ok()) return absl::ResourceExhaustedError(file.status().message());
  absl::Status status = io.Write(*file, EncodeSegmentHeader(header), path);
  if (status.ok() && options_.durability == Durability::kPower) {
    status = io.Sync(*file, path);
    if (status.ok()) status = io.SyncDirectory(options_.directory);
  }
  if (!status.ok()) {
    close(*file);
    io.Remove(path).IgnoreError();  // Else it is begun anew by the next call, or found to be empty.
    return absl::ResourceExhaustedError(status.message());
  }
  active_ = {.file = *file,
             .number = header.number,
             .salt = header.salt,
             .path = path,
             .size = kSegmentHeaderBytes};
  next_number_ = header.number + 1;
  NoteSize(header.kind, header.number, active_->size);
  return absl::OkStatus();
}

void Journal::CloseLog() {
  if (!active_.has_value()) return;
  close(active_->file);
  active_.reset();
}

absl::StatusOr<std::unique_ptr<Journal::Compaction>> Journal::StartCompaction() {
  // A log that holds nothing goes on behind the snapshot.
  if (active_.has_value() && active_->size > static_cast<int64_t>(kSegmentHeaderBytes)) CloseLog();
  const uint64_t number = (active_.has_value() ? active_->number : next_number_) - 1;
  auto compaction = absl::WrapUnique(new Compaction(*this, number));
  WEIR_RETURN_IF_ERROR(compaction->Create());
  return compaction;
}

void Journal::RemoveReplaced(uint64_t number) {
  std::vector<std::pair<uint64_t, SegmentKind>> replaced;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [segment, size] : sizes_) {
      const bool is_the_snapshot = segment == std::pair(number, SegmentKind::kSnapshot);
      if (segment.first <= number && !is_the_snapshot) replaced.push_back(segment);
    }
    for (const auto& segment : replaced) sizes_.erase(segment);
  }
  for (const auto& [old_number, kind] : replaced) {
    const absl::Status status = options_.io->Remove(PathOf(options_.directory, kind, old_number));
    // The next start tries again.
    if (!status.ok()) WEIR_LOG(kWarning, "journal: ", status.message());
  }
}

int64_t Journal::BytesOf(SegmentKind kind) const {
  absl::MutexLock lock(&mu_);
  int64_t bytes = 0;
  for (const auto& [segment, size] : sizes_) bytes += segment.second == kind ? size : 0;
  return bytes;
}

int64_t Journal::log_bytes() const { return BytesOf(SegmentKind::kLog); }
int64_t Journal::snapshot_bytes() const { return BytesOf(SegmentKind::kSnapshot); }

void Journal::NoteSize(SegmentKind kind, uint64_t number, int64_t bytes) {
  absl::MutexLock lock(&mu_);
  sizes_[{number, kind}] = bytes;
}

Journal::Compaction::Compaction(Journal& journal, uint64_t number)
    : journal_(journal),
      header_{.kind = SegmentKind::kSnapshot, .number = number, .salt = NewSalt()},
      path_(PathOf(journal.options_.directory, header_.kind, number)),
      temporary_path_(absl::StrCat(path_, kUnfinishedSuffix)) {}

Journal::Compaction::~Compaction() {
  if (file_ < 0) return;
  close(file_);
  journal_.options_.io->Remove(temporary_path_).IgnoreError();  // Else the next start does it.
}

absl::Status Journal::Compaction::Create() {
  WEIR_ASSIGN_OR_RETURN(file_, journal_.options_.io->Create(temporary_path_));
  buffer_ = EncodeSegmentHeader(header_);
  return absl::OkStatus();
}

absl::Status Journal::Compaction::Add(const JournalEntry& entry) {
  WEIR_RETURN_IF_ERROR(CheckSize(entry));
  AppendRecord(entry, header_.salt, buffer_);
  ++entries_;
  return buffer_.size() < kFlushBytes ? absl::OkStatus() : Flush();
}

absl::Status Journal::Compaction::Flush() {
  WEIR_RETURN_IF_ERROR(journal_.options_.io->Write(file_, buffer_, temporary_path_));
  size_ += static_cast<int64_t>(buffer_.size());
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status Journal::Compaction::Finish() {
  JournalIo& io = *journal_.options_.io;
  AppendRecord({.key = {.kind = kSnapshotEnd}, .order = entries_}, header_.salt, buffer_);
  WEIR_RETURN_IF_ERROR(Flush());
  // Whatever the durability: else a loss of power could take all there is, not just the newest.
  WEIR_RETURN_IF_ERROR(io.Sync(file_, temporary_path_));
  WEIR_RETURN_IF_ERROR(io.Rename(temporary_path_, path_));
  close(file_);
  file_ = -1;
  journal_.NoteSize(header_.kind, header_.number, size_);
  WEIR_RETURN_IF_ERROR(io.SyncDirectory(journal_.options_.directory));
  journal_.RemoveReplaced(header_.number);
  return absl::OkStatus();
}

}  // namespace weir
