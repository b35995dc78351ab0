#include "server/batching/direct_servable.h"

#include <chrono>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace weir {

absl::StatusOr<std::shared_ptr<Servable>> DirectServable::Create(ModelSettings settings,
                                                                 int64_t version, Load load) {
  auto servable = absl::WrapUnique(new DirectServable(std::move(settings), version));
  WEIR_ASSIGN_OR_RETURN(servable->model_, load(servable->settings_));
  return std::shared_ptr<Servable>(std::move(servable));
}

void DirectServable::Submit(Task task) {
  if (MonotonicNow() >= task.deadline) {
    std::move(task.done)(absl::DeadlineExceededError("the deadline passed before the model ran"));
    return;
  }
  const auto start = std::chrono::steady_clock::now();
  absl::StatusOr<TensorBundle> outputs = model_->Run(task.inputs);
  const auto taken = absl::FromChrono(std::chrono::steady_clock::now() - start);
  if (!outputs.ok()) {
    WEIR_LOG(kError, "model ", settings_.name, " version ", version_,
             " failed: ", outputs.status().message());
    std::move(task.done)(
        absl::InternalError(absl::StrCat("model \"", settings_.name, "\" failed on this input")));
    return;
  }
  std::move(task.done)(TaskResult{.outputs = std::move(outputs->views),
                                  .times = {.inference = taken},
                                  .batch_rows = task.rows});
}

}  // namespace weir
