// Runs one batch: puts the rows of its requests together, runs the model, and gives each request
// its part of the outputs.
#ifndef WEIR_SERVER_BATCHING_BATCH_RUN_H_
#define WEIR_SERVER_BATCHING_BATCH_RUN_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "server/model/model.h"
#include "server/model/task.h"
#include "server/stats/version_stats.h"

namespace weir {

struct BatchOutcome {
  absl::Duration time;  // From the first byte copied until the model was done.
  bool failed = false;  // The model failed, if only on the batch as a whole.
  int64_t failed_rows = 0;
  int64_t refused_rows = 0;  // Expired after the batch was cut, and not run.
  int64_t expired_rows = 0;  // Expired when the model began, and run.
};

// Calls Done of each task of `batch`, all of one shape, exactly once. Each byte of a tensor
// is copied once, into the batch; a batch of a single request is not copied at all. When the model
// fails on a batch of several requests, each runs again alone, so that one of them cannot spoil the
// answers of the others. `cut` is when the batch left the queue. `stats`, unless it is null, knows
// of each run of the model before any answer of it is out.
BatchOutcome RunBatch(const Model& model, const ModelSettings& settings, int64_t version,
                      absl::Time cut, VersionStats* stats, std::vector<Task*> batch);

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_BATCH_RUN_H_
