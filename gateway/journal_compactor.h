// Compacts a journal on a thread of its own while pushes go on.
#ifndef WEIR_GATEWAY_JOURNAL_COMPACTOR_H_
#define WEIR_GATEWAY_JOURNAL_COMPACTOR_H_

#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "gateway/journal.h"
#include "gateway/journal_compaction_policy.h"
#include "gateway/ledger_record.h"

namespace weir {

// The thread that appends to the journal calls it, but for what says otherwise.
class JournalCompactor {
 public:
  // `journal` has to outlive it.
  JournalCompactor(Journal& journal, const CompactionPolicy& policy)
      : journal_(journal), policy_(policy) {}
  ~JournalCompactor();  // A compaction that runs is given up.
  JournalCompactor(const JournalCompactor&) = delete;
  JournalCompactor& operator=(const JournalCompactor&) = delete;

  // Begins if it is due and none is running. `records` gives all that counts now.
  void StartIfDue(absl::FunctionRef<std::vector<LedgerRecord>()> records) ABSL_LOCKS_EXCLUDED(mu_);

  // How many have succeeded. Thread-safe.
  int64_t finished() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run(Journal::Compaction& compaction, const std::vector<LedgerRecord>& records)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Write(Journal::Compaction& compaction, const std::vector<LedgerRecord>& records)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Whether none is running any more.
  bool Join() ABSL_LOCKS_EXCLUDED(mu_);

  Journal& journal_;
  CompactionPolicy policy_;
  std::thread thread_;

  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<absl::Status> result_ ABSL_GUARDED_BY(mu_);  // Of the one that has just ended.
  int64_t finished_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_JOURNAL_COMPACTOR_H_
