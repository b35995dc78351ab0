// Takes pushes into the journal and then into the ledger, many at a time.
//
// A push is answered with OK once it is in the journal and in the ledger, in this order, so that
// /metrics never shows what a crash could take back.
#ifndef WEIR_GATEWAY_COMMITTER_H_
#define WEIR_GATEWAY_COMMITTER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/committer_queue.h"
#include "gateway/journal.h"
#include "gateway/journal_compaction_policy.h"
#include "gateway/journal_compactor.h"
#include "gateway/ledger.h"
#include "gateway/push.h"

namespace weir {

// Thread-safe. One thread of its own takes the pushes that have come, checks them against the
// ledger, writes those that are new to the journal at once, applies and answers them. Another one
// compacts the journal while pushes go on.
class Committer {
 public:
  struct Options {
    Journal::Options journal;
    Ledger::Options ledger;
    CommitterQueue::Limits queue;
    CompactionPolicy compaction;
    absl::Duration tick = absl::Seconds(1);  // How often Ledger::Advance is called.
  };

  // For the metrics about the gateway itself; all since the start.
  struct Counters {
    // Upper bounds of sync_counts but the last, in seconds.
    static constexpr std::array<double, 12> kSyncBounds = {1e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3,
                                                           5e-3, 0.01, 0.025,  0.1,  0.5,  2.5};
    int64_t applied = 0;
    int64_t duplicate = 0;
    int64_t rejected = 0;
    int64_t dropped_series = 0;
    std::array<int64_t, kSyncBounds.size() + 1> sync_counts = {};  // Of each bucket alone.
    double sync_sum_seconds = 0;
    int64_t journal_bytes = 0;
    bool journal_writable = true;  // Whether the last write succeeded.
    int64_t compactions = 0;
  };

  // Called exactly once, on any thread, without locks: the largest seq of the boot that the gateway
  // holds, or why the push was not taken, as StatsGateway::Push says.
  using Done = absl::AnyInvocable<void(absl::StatusOr<uint64_t> acknowledged_seq) &&>;

  // Opens the journal, which may take seconds, and restores the ledger from it.
  static absl::StatusOr<std::unique_ptr<Committer>> Create(const Options& options);

  ~Committer();  // Stops.
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // `bytes` are those that the push was decoded from. UNAVAILABLE after Stop, RESOURCE_EXHAUSTED
  // when too much waits.
  void Submit(Push push, std::string bytes, Done done) ABSL_LOCKS_EXCLUDED(mu_);

  // Counts a push that was refused before it came here, with the series for which there was no
  // place, if that was why.
  void CountRejected(int64_t dropped_series = 0) ABSL_LOCKS_EXCLUDED(mu_);

  // Calls read(const Ledger&) and returns what it returns. Readers do not wait for each other, nor
  // for the disk; a push that is about to be applied waits for them.
  template <typename Read>
  auto WithLedger(Read&& read) const ABSL_LOCKS_EXCLUDED(ledger_mu_) {
    absl::ReaderMutexLock lock(&ledger_mu_);
    return std::forward<Read>(read)(static_cast<const Ledger&>(ledger_));
  }

  Counters counters() const ABSL_LOCKS_EXCLUDED(mu_);

  // What starting up found in the journal.
  const JournalRecovery& recovery() const { return journal_->recovery(); }

  // Pushes that wait are answered with UNAVAILABLE; what is being written is finished. Not from
  // within a Done.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // What of a round may be applied.
  struct Accepted {
    SubmittedPush submitted;
    LedgerRecord record;
  };
  struct AcceptedRound {
    std::vector<Accepted> pushes;
    // Has to be in the journal before them: a forgotten boot pushes again, and counts from there.
    std::optional<LedgerRecord> base;
  };

  explicit Committer(const Options& options);

  absl::Status Load();
  void Run();
  void Commit(std::vector<SubmittedPush> round);
  AcceptedRound Check(std::vector<SubmittedPush> round);
  absl::Status Write(const AcceptedRound& accepted);
  void Apply(std::vector<Accepted> accepted);
  void Refuse(std::vector<Accepted> accepted, const absl::Status& status);
  absl::Time Now();

  const Options options_;
  std::unique_ptr<Journal> journal_;

  // Of the committer's thread, and of Create before there is one.
  std::unique_ptr<JournalCompactor> compactor_;
  absl::Time now_ = absl::InfinitePast();  // What Now said last.
  absl::Time now_asked_;                   // When, by MonotonicNow.

  // Only the committer's thread writes.
  mutable absl::Mutex ledger_mu_;
  Ledger ledger_ ABSL_GUARDED_BY(ledger_mu_);

  mutable absl::Mutex mu_;
  CommitterQueue queue_ ABSL_GUARDED_BY(mu_);
  Counters counters_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_COMMITTER_H_
