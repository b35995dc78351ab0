#include "gateway/journal_compactor.h"

#include <pthread.h>

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "gateway/journal_entry.h"

namespace weir {

JournalCompactor::~JournalCompactor() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void JournalCompactor::StartIfDue(absl::FunctionRef<std::vector<LedgerRecord>()> records) {
  if (!Join()) return;
  const absl::Time now = MonotonicNow();
  if (!policy_.Due(journal_.log_bytes(), journal_.snapshot_bytes(), now)) return;
  absl::StatusOr<std::unique_ptr<Journal::Compaction>> compaction = journal_.StartCompaction();
  if (!compaction.ok()) {
    WEIR_LOG(kWarning, "the journal cannot be compacted: ", compaction.status().message());
    policy_.NoteFailure(now);
    return;
  }
  thread_ = std::thread([this, compaction = *std::move(compaction), records = records()] {
    Run(*compaction, records);
  });
  pthread_setname_np(thread_.native_handle(), "weir-compactor");
}

int64_t JournalCompactor::finished() const {
  absl::MutexLock lock(&mu_);
  return finished_;
}

void JournalCompactor::Run(Journal::Compaction& compaction,
                           const std::vector<LedgerRecord>& records) {
  const absl::Time began = MonotonicNow();
  absl::Status status = Write(compaction, records);
  if (status.ok()) {
    WEIR_LOG(kInfo, "compacted the journal", LogField("records", records.size()),
             LogField("bytes", journal_.snapshot_bytes()),
             LogField("took", absl::FormatDuration(
                                  absl::Trunc(MonotonicNow() - began, absl::Milliseconds(1)))));
  }
  absl::MutexLock lock(&mu_);
  finished_ += status.ok() ? 1 : 0;
  result_ = std::move(status);
}

absl::Status JournalCompactor::Write(Journal::Compaction& compaction,
                                     const std::vector<LedgerRecord>& records) {
  for (const LedgerRecord& record : records) {
    {
      absl::MutexLock lock(&mu_);
      if (stopping_) return absl::CancelledError("the gateway ends");
    }
    const std::string payload = record.Payload();
    WEIR_RETURN_IF_ERROR(compaction.Add(EntryOf(record, payload)));
  }
  return compaction.Finish();
}

bool JournalCompactor::Join() {
  if (!thread_.joinable()) return true;
  std::optional<absl::Status> result;
  {
    absl::MutexLock lock(&mu_);
    result = std::exchange(result_, std::nullopt);
  }
  if (!result.has_value()) return false;
  thread_.join();
  if (!result->ok()) {
    WEIR_LOG(kWarning, "the journal could not be compacted: ", result->message());
    policy_.NoteFailure(MonotonicNow());
  }
  return true;
}

}  // namespace weir
