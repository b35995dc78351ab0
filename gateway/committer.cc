#include "gateway/committer.h"

#include <pthread.h>

#include <algorithm>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "gateway/journal_entry.h"

namespace weir {
namespace {

absl::Status StoppedError() { return absl::UnavailableError("the gateway ends; try again"); }

absl::Status TooLongError(size_t bytes) {
  return absl::InvalidArgumentError(absl::StrCat("the push has ", bytes, " bytes, of ",
                                                 kMaxJournalPayloadBytes,
                                                 " that the journal can take"));
}

}  // namespace

Committer::Committer(const Options& options)
    : options_(options), ledger_(options.ledger), queue_(options.queue) {}

absl::StatusOr<std::unique_ptr<Committer>> Committer::Create(const Options& options) {
  auto committer = absl::WrapUnique(new Committer(options));
  WEIR_RETURN_IF_ERROR(committer->Load());
  committer->thread_ = std::thread([committer = committer.get()] { committer->Run(); });
  pthread_setname_np(committer->thread_.native_handle(), "weir-committer");
  return committer;
}

Committer::~Committer() { Stop(); }

absl::Status Committer::Load() {
  WEIR_ASSIGN_OR_RETURN(
      journal_, Journal::Open(options_.journal, [this](const JournalEntry& entry) -> absl::Status {
        WEIR_ASSIGN_OR_RETURN(const LedgerRecord record, RecordOf(entry));
        absl::MutexLock lock(&ledger_mu_);
        return ledger_.Restore(record);
      }));
  compactor_ = std::make_unique<JournalCompactor>(*journal_, options_.compaction);
  absl::MutexLock lock(&ledger_mu_);
  ledger_.Advance(Now());
  return absl::OkStatus();
}

void Committer::Submit(Push push, std::string bytes, Done done) {
  SubmittedPush submitted{.push = std::make_shared<const Push>(std::move(push)),
                          .bytes = std::move(bytes),
                          .done = std::move(done)};
  absl::Status refused;
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) {
      refused = StoppedError();
    } else if (submitted.bytes.size() > kMaxJournalPayloadBytes) {
      refused = TooLongError(submitted.bytes.size());
    } else if (queue_.Add(submitted)) {
      return;
    } else {
      refused = absl::ResourceExhaustedError("too many pushes wait; try again");
    }
    ++counters_.rejected;
  }
  std::move(submitted.done)(refused);
}

void Committer::CountRejected(int64_t dropped_series) {
  absl::MutexLock lock(&mu_);
  ++counters_.rejected;
  counters_.dropped_series += dropped_series;
}

Committer::Counters Committer::counters() const {
  absl::MutexLock lock(&mu_);
  Counters counters = counters_;
  counters.compactions = compactor_->finished();
  counters.journal_bytes = journal_->log_bytes() + journal_->snapshot_bytes();
  return counters;
}

void Committer::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Committer::Run() {
  absl::Time next_tick = MonotonicNow() + options_.tick;
  while (true) {
    std::vector<SubmittedPush> round;
    bool stopping;
    {
      absl::MutexLock lock(&mu_);
      const auto awake = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return stopping_ || !queue_.empty();
      };
      mu_.AwaitWithTimeout(absl::Condition(&awake), next_tick - MonotonicNow());
      stopping = stopping_;
      round = stopping ? queue_.TakeAll() : queue_.TakeRound();
      if (stopping) counters_.rejected += static_cast<int64_t>(round.size());
    }
    if (stopping) {
      for (SubmittedPush& push : round) std::move(push.done)(StoppedError());
      return;
    }
    if (!round.empty()) Commit(std::move(round));
    if (MonotonicNow() >= next_tick) {
      {
        absl::MutexLock lock(&ledger_mu_);
        ledger_.Advance(Now());
      }
      next_tick = MonotonicNow() + options_.tick;
    }
    compactor_->StartIfDue([this] {
      std::vector<LedgerRecord> records;
      absl::ReaderMutexLock lock(&ledger_mu_);
      ledger_.ForEachRecord([&](const LedgerRecord& record) { records.push_back(record); });
      return records;
    });
  }
}

void Committer::Commit(std::vector<SubmittedPush> round) {
  AcceptedRound accepted = Check(std::move(round));
  if (accepted.pushes.empty()) return;
  const absl::Status written = Write(accepted);
  if (written.ok()) {
    Apply(std::move(accepted.pushes));
  } else {
    Refuse(std::move(accepted.pushes), written);
  }
}

// Answers those that shall not be written.
Committer::AcceptedRound Committer::Check(std::vector<SubmittedPush> round) {
  const absl::Time now = Now();
  AcceptedRound accepted;
  bool needs_base = false;
  std::vector<SubmittedPush> later;
  std::vector<std::pair<Done, absl::StatusOr<uint64_t>>> answers;
  Counters counted;
  {
    absl::ReaderMutexLock lock(&ledger_mu_);
    // Check knows nothing of the others in the round: those that may bring series or sources have
    // to find room together, or wait.
    int64_t series = options_.ledger.max_series - ledger_.num_lines();
    int64_t sources = options_.ledger.max_sources - ledger_.num_boots();
    bool is_first = true;
    bool brings_family = false;  // One that has been accepted.
    for (SubmittedPush& submitted : round) {
      const std::shared_ptr<const Push> completed = ledger_.Completed(submitted.push);
      const Push& push = *completed;
      const absl::StatusOr<Ledger::Verdict> verdict = ledger_.Check(push);
      if (!verdict.ok()) {
        ++counted.rejected;
        counted.dropped_series += RefusedSeries(verdict.status());
        answers.emplace_back(std::move(submitted.done), verdict.status());
        continue;
      }
      if (*verdict == Ledger::Verdict::kDuplicate) {
        ++counted.duplicate;
        answers.emplace_back(std::move(submitted.done), ledger_.SeqOf(push.boot_id));
        continue;
      }
      if (push.dictionary != ledger_.DictionaryOf(push.boot_id)) {
        series -= ledger_.MostNewLines(*push.dictionary);
        --sources;
        // New families of the same name have to be of the same meaning.
        const bool brings_another = ledger_.BringsFamily(*push.dictionary);
        if (!is_first && (series < 0 || sources < 0 || (brings_family && brings_another))) {
          later.push_back(std::move(submitted));
          continue;
        }
        is_first = false;
        brings_family = brings_family || brings_another;
      }
      LedgerRecord::Kind kind = LedgerRecord::Kind::kPush;
      if (*verdict == Ledger::Verdict::kBaseline) {
        kind = LedgerRecord::Kind::kBaseline;
        needs_base = needs_base || ledger_.SeqOf(push.boot_id) > 0;
      }
      if (completed != submitted.push) {
        submitted.bytes = EncodePush(push);
        if (submitted.bytes.size() > kMaxJournalPayloadBytes) {
          ++counted.rejected;
          answers.emplace_back(std::move(submitted.done), TooLongError(submitted.bytes.size()));
          continue;
        }
      }
      LedgerRecord record = LedgerRecord::Of(kind, now, completed);
      accepted.pushes.push_back({.submitted = std::move(submitted), .record = std::move(record)});
    }
    if (needs_base) {
      ledger_.ForEachRecord([&](const LedgerRecord& record) {
        if (record.kind == LedgerRecord::Kind::kBase) accepted.base = record;
      });
    }
  }
  {
    absl::MutexLock lock(&mu_);
    counters_.rejected += counted.rejected;
    counters_.duplicate += counted.duplicate;
    counters_.dropped_series += counted.dropped_series;
    queue_.PutBack(std::move(later));
  }
  for (auto& [done, answer] : answers) std::move(done)(std::move(answer));
  return accepted;
}

absl::Status Committer::Write(const AcceptedRound& accepted) {
  std::vector<JournalEntry> entries;
  entries.reserve(accepted.pushes.size() + 1);
  std::string base;
  if (accepted.base.has_value()) {
    base = accepted.base->Payload();
    entries.push_back(EntryOf(*accepted.base, base));
  }
  for (const Accepted& push : accepted.pushes) {
    entries.push_back(EntryOf(push.record, push.submitted.bytes));
  }
  const absl::Time began = MonotonicNow();
  absl::Status status = journal_->Append(entries);
  const double seconds = absl::ToDoubleSeconds(MonotonicNow() - began);
  const auto& bounds = Counters::kSyncBounds;
  bool was_writable;
  {
    absl::MutexLock lock(&mu_);
    ++counters_
          .sync_counts[std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin()];
    counters_.sync_sum_seconds += seconds;
    was_writable = std::exchange(counters_.journal_writable, status.ok());
    (status.ok() ? counters_.applied : counters_.rejected) +=
        static_cast<int64_t>(accepted.pushes.size());
  }
  if (!status.ok()) {
    WEIR_LOG_EVERY(kError, absl::Seconds(10), "pushes are refused: ", status.message());
  } else if (!was_writable) {
    WEIR_LOG(kInfo, "the journal can be written to again; pushes are taken");
  }
  return status;
}

void Committer::Apply(std::vector<Accepted> accepted) {
  for (const Accepted& push : accepted) {
    // Each for itself, so that nobody waits for all of them.
    absl::MutexLock lock(&ledger_mu_);
    ledger_.Apply(push.record);
  }
  for (Accepted& push : accepted) std::move(push.submitted.done)(push.record.order);
}

void Committer::Refuse(std::vector<Accepted> accepted, const absl::Status& status) {
  const auto reason = absl::ResourceExhaustedError(
      absl::StrCat("the journal cannot be written to: ", status.message()));
  for (Accepted& push : accepted) std::move(push.submitted.done)(reason);
}

// Goes on with the date, but never back.
absl::Time Committer::Now() {
  const absl::Time asked = MonotonicNow();
  now_ = std::max(now_ + (asked - now_asked_), absl::Now());
  now_asked_ = asked;
  return now_;
}

}  // namespace weir
