// One version of one model, ready to answer: what the RPC layer hands requests to.
#ifndef WEIR_SERVER_MODEL_SERVABLE_H_
#define WEIR_SERVER_MODEL_SERVABLE_H_

#include <cstdint>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/model/model_settings.h"
#include "server/model/tensor.h"

namespace weir {

// Where a task's time went.
struct StageTimes {
  absl::Duration queue;
  absl::Duration assemble;
  absl::Duration inference;
};

struct TaskResult {
  std::vector<Tensor> outputs;  // In the order of the settings.
  StageTimes times;
  int64_t batch_rows = 0;
};

// The rows of one request on their way through a model.
struct Task {
  std::vector<TensorView>
      inputs;  // Checked, in the order of the settings; live until done is called.
  int64_t rows = 1;
  absl::Time deadline = absl::InfiniteFuture();
  absl::AnyInvocable<void(absl::StatusOr<TaskResult>) &&> done;
};

// Thread-safe.
class Servable {
 public:
  virtual ~Servable() = default;

  virtual const ModelSettings& settings() const = 0;
  virtual int64_t version() const = 0;

  // Calls task.done exactly once, on this thread or another. Errors are those that a caller may
  // see: DEADLINE_EXCEEDED if the deadline passed before the model ran, INTERNAL if it failed.
  virtual void Submit(Task task) = 0;
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_SERVABLE_H_
