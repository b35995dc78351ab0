// A servable whose requests run in batches, on a lane of the executor.
#ifndef WEIR_SERVER_BATCHING_BATCHED_SERVABLE_H_
#define WEIR_SERVER_BATCHING_BATCHED_SERVABLE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/batching/executor.h"
#include "server/model/model.h"
#include "server/model/servable.h"
#include "server/stats/recorder.h"

namespace weir {

struct BatchingOptions {
  int usable_cpus = 1;
  int pollers = 1;  // Threads that read requests and run inline lanes.
  // A model whose single row takes no longer than this runs inline, unless its settings say
  // otherwise: for so short a time the hand-over to another thread costs more than it brings.
  absl::Duration inline_threshold = absl::Microseconds(250);
  absl::Duration max_inline_time = absl::Milliseconds(1);
  absl::Duration max_warm_up = absl::Seconds(20);
};

// Loads a version, warms it up, and chooses who runs it; the log tells what was chosen and why.
// `executor` and `recorder`, which may be null, have to outlive the servable.
absl::StatusOr<std::shared_ptr<Servable>> MakeBatchedServable(
    Executor& executor, const BatchingOptions& options, ModelSettings settings, int64_t version,
    const std::string& path, LoadModelFn load, Recorder* recorder = nullptr);

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_BATCHED_SERVABLE_H_
