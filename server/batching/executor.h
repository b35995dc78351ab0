// Runs the batches of all models of a server and gives each model its share of the cores.
#ifndef WEIR_SERVER_BATCHING_EXECUTOR_H_
#define WEIR_SERVER_BATCHING_EXECUTOR_H_

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/batching/batch_cost.h"
#include "server/batching/batch_queue.h"
#include "server/batching/fair_share.h"
#include "server/model/batch_time.h"
#include "server/model/model.h"
#include "server/model/model_settings.h"
#include "server/model/servable.h"
#include "server/model/task.h"
#include "server/stats/version_stats.h"

namespace weir {

// Thread-safe. Policy is in BatchQueue, BatchCost and FairShare; this class adds the lock and the
// threads. The lock is held to decide, never while tensors are copied or a model runs.
//
// A lane is one version of one model. A pooled lane's batches run on the executor's workers. An
// inline lane's run on the threads that submit: such a thread submits what it has at hand and then
// calls RunInline, until it has nothing to run. Only when the lane has had more than its share
// while others wait do the workers run it, when its turn comes.
class Executor {
 public:
  struct LaneOptions {
    bool run_inline = false;
    int instances = 1;           // Batches that run at once.
    int64_t max_batch_rows = 0;  // Of one batch, if that shall be less than the settings allow.
    // An inline batch is cut so that it keeps its thread no longer than this.
    absl::Duration max_inline_time = absl::Milliseconds(1);
    VersionStats* stats = nullptr;  // Where its batches are recorded; null: nowhere.
  };

  class Lane;

  explicit Executor(int cores);  // With a worker for each.
  ~Executor();                   // After the last lane was removed; joins the workers.

  // Starts more workers if the lane may have more instances than there are. `measured` is what
  // warm-up found.
  std::shared_ptr<Lane> AddLane(std::shared_ptr<const ModelSettings> settings, int64_t version,
                                std::unique_ptr<Model> model, std::vector<BatchTime> measured,
                                const LaneOptions& options) ABSL_LOCKS_EXCLUDED(mu_);

  // Nothing may be queued in it; a batch may be about to end.
  void RemoveLane(const std::shared_ptr<Lane>& lane) ABSL_LOCKS_EXCLUDED(mu_);

  // As Servable::Submit.
  void Submit(Lane& lane, Task& task) ABSL_LOCKS_EXCLUDED(mu_);

  // Runs a batch of what waits in inline lanes, on this thread; false if nothing does. Calls
  // `before_long_batch` before one that takes so long that another thread should take over what
  // this one does besides.
  bool RunInline(absl::FunctionRef<void()> before_long_batch = [] {}) ABSL_LOCKS_EXCLUDED(mu_);

  ServableCounts Counts(const Lane& lane) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct LaneState;

  // What one thread is to do next.
  struct Work {
    std::shared_ptr<Lane> lane;  // Null: nothing.
    bool on_worker = false;      // Whether a worker does it.
    BatchQueue::Cut cut;
    absl::Time begin;
    absl::Duration expected;
  };

  void RunWorker() ABSL_LOCKS_EXCLUDED(mu_);

  // Takes the lane's next batch out of its queue, and counts it as running.
  Work Begin(const std::shared_ptr<Lane>& lane, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // The work of the lane whose turn it is among those that workers run.
  Work Pick(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // For a worker that takes work: whatever else there is, now or at some time, another one watches.
  void LeaveToOthers(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  static void AnswerRefused(Work& work);

  // Answers, runs the batch, and books what it took.
  void Run(Work work) ABSL_LOCKS_EXCLUDED(mu_);

  // Tells the fair shares which lanes wait for a worker; returns when the next one will.
  absl::Time UpdateWaiting(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  LaneState& StateOf(const Lane& lane) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  BatchQueue::Outlook OutlookOf(const LaneState& state) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void StartWorkers(size_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WakeWorker() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const int cores_;
  mutable absl::Mutex mu_;
  absl::CondVar wake_;  // For workers: there is work, or the end.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int idle_workers_ ABSL_GUARDED_BY(mu_) = 0;
  size_t first_inline_ ABSL_GUARDED_BY(mu_) = 0;  // The lane that RunInline looks at first.
  FairShare shares_ ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<Lane>> lanes_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> workers_ ABSL_GUARDED_BY(mu_);  // Joined by the destructor.
};

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_EXECUTOR_H_
