// The rows of one request on their way through a model, and what becomes of them.
#ifndef WEIR_SERVER_MODEL_TASK_H_
#define WEIR_SERVER_MODEL_TASK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/deadline_wheel.h"
#include "base/intrusive_list.h"
#include "server/model/refusal.h"
#include "server/model/tensor.h"

namespace weir {

// Where a task's time went.
struct StageTimes {
  absl::Duration queue;
  absl::Duration assemble;
  absl::Duration inference;
};

struct TaskResult {
  std::vector<TensorView> outputs;  // In the order of the settings; live until Done returns.
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

struct QueueTag;
struct QueueBucket;  // See BatchQueue.

// What the queue of a servable keeps with a task: it needs no memory of its own for it.
struct QueueEntry : ListLink<QueueTag>, Deadline {
  // Where it stands: by rank, then by sequence. The rank is the level, or, once the task was
  // delayed, one behind all levels.
  struct Place {
    size_t rank = 0;
    uint64_t sequence = 0;

    friend bool operator<(const Place& a, const Place& b) {
      return a.rank != b.rank ? a.rank < b.rank : a.sequence < b.sequence;
    }
  };

  QueueBucket* bucket = nullptr;
  Place place;
  size_t level = 0;
  absl::Time enqueued;
  absl::Time expires;      // Then it is refused.
  absl::Time delayed;      // Then it goes behind all others.
  absl::Time waits_until;  // Then its batch is cut, however small.
  bool is_probe = false;   // Runs, whatever its estimate says.
};

// Belongs to whoever submits it, who keeps it and all that it points to until Done is called, and
// leaves it alone meanwhile. Times are those of base/clock.h.
class Task : public QueueEntry {
 public:
  // Exactly once, on any thread. The outcome is lent; the task may be destroyed in it.
  virtual void Done(const TaskOutcome& outcome) = 0;

  absl::Span<const TensorView> inputs;  // Checked, in the order of the settings.
  int64_t rows = 1;
  uint32_t priority = 0;  // 1 is served first; 0 stands for the model's default.
  absl::Time deadline = absl::InfiniteFuture();
  // Set once nobody waits for the answer any more; may be null.
  const std::atomic<bool>* cancelled = nullptr;

 protected:
  ~Task() = default;
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_TASK_H_
