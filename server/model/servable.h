// One version of one model, ready to answer: what the RPC layer hands requests to.
#ifndef WEIR_SERVER_MODEL_SERVABLE_H_
#define WEIR_SERVER_MODEL_SERVABLE_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/model/model_settings.h"
#include "server/model/refusal.h"
#include "server/model/tensor.h"
#include "server/stats/version_stats.h"

namespace weir {

// Where a task's time went.
struct StageTimes {
  absl::Duration queue;
  absl::Duration assemble;
  absl::Duration inference;
};

struct TaskResult {
  std::vector<TensorView> outputs;  // In the order of the settings; live until done returns.
  StageTimes times;
  int64_t batch_rows = 0;
  absl::Time model_ended;  // From then on it is about the answer.
};

// What became of a task.
class TaskOutcome {
 public:
  TaskOutcome(TaskResult result) : result_(std::move(result)) {}  // NOLINT: one of three.
  TaskOutcome(absl::Status error) : result_(std::move(error)) {}  // NOLINT
  TaskOutcome(Refusal refusal) : result_(ToStatus(refusal)), refusal_(refusal) {}  // NOLINT

  bool ok() const { return result_.ok(); }
  absl::Status status() const { return result_.status(); }
  std::optional<Refusal> refusal() const { return refusal_; }  // Why, if it did not run.

  // If it is OK.
  const TaskResult& operator*() const { return *result_; }
  const TaskResult* operator->() const { return &*result_; }
  TaskResult* operator->() { return &*result_; }

 private:
  absl::StatusOr<TaskResult> result_;
  std::optional<Refusal> refusal_;
};

// The rows of one request on their way through a model. Times are those of base/clock.h.
struct Task {
  std::vector<TensorView>
      inputs;  // Checked, in the order of the settings; live until done is called.
  int64_t rows = 1;
  uint32_t priority = 0;  // 1 is served first; 0 stands for the model's default.
  absl::Time deadline = absl::InfiniteFuture();
  // Set once nobody waits for the answer any more; may be null. Lives until done is called.
  const std::atomic<bool>* cancelled = nullptr;
  absl::AnyInvocable<void(const TaskOutcome&) &&> done;  // The outcome is lent.
};

// What became of the tasks of a servable, in rows unless it says otherwise.
struct ServableCounts {
  int64_t executed_rows = 0;
  int64_t executed_batches = 0;
  int64_t expired_executed_rows = 0;  // Their deadline had passed when the model began: a defect.
  int64_t failed_rows =
      0;  // The model failed on them, or on their batch and they were not run again.
  int64_t queue_full_rows = 0;
  int64_t unreachable_deadline_rows = 0;
  int64_t expired_rows = 0;
  int64_t cancelled_rows = 0;
  int64_t queued_rows = 0;  // Now.
};

// Thread-safe.
class Servable {
 public:
  virtual ~Servable() = default;

  virtual const ModelSettings& settings() const = 0;
  virtual int64_t version() const = 0;

  // Calls task.done exactly once, on this thread or another, now or later. Errors are those that a
  // caller may see: RESOURCE_EXHAUSTED if the queue is full or the deadline cannot be met,
  // DEADLINE_EXCEEDED or CANCELLED if the task expired or was cancelled before the model ran,
  // INTERNAL if the model failed. The servable has to live until done is called, not longer.
  virtual void Submit(Task task) = 0;

  virtual ServableCounts counts() const = 0;

  // Where its requests are recorded; null: nowhere.
  virtual VersionStats* stats() const { return nullptr; }

  // Batches that may run at once.
  virtual int instances() const { return 1; }

  // Differs between model files; empty if it is not known.
  virtual absl::string_view digest() const { return ""; }

  // How it runs, for people: "inline, at most 16 rows a batch".
  virtual std::string Description() const = 0;
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_SERVABLE_H_
