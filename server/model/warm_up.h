// Runs a model before its first request: so that the first one is as fast as the rest, and to know
// how long its batches take.
#ifndef WEIR_SERVER_MODEL_WARM_UP_H_
#define WEIR_SERVER_MODEL_WARM_UP_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/model/batch_time.h"
#include "server/model/model.h"
#include "server/model/model_settings.h"
#include "server/model/tensor.h"

namespace weir {

struct WarmUpOptions {
  int instances = 1;  // So many threads run the model at once, as they will when it serves.
  // No further size is begun after this time; the likeliest ones are done first.
  absl::Duration at_most = absl::Seconds(20);
};

struct WarmUpReport {
  // Ascending by rows, which is 1 for a model without a row dimension; unlikely sizes that are slow
  // are left out. Time of the processor, so that other work on the machine does not count; of the
  // clock, if a batch uses several threads.
  std::vector<BatchTime> times;
  bool complete = true;  // Every size from 1 to max_batch_rows was run.
};

// Runs settings.warm_up, and every batch size that the model will meet on MadeUpInputs, in each of
// `instances` threads; one row at least, whatever at_most says. INVALID_ARGUMENT if the model fails
// or max_batch_rows is absurdly large.
absl::StatusOr<WarmUpReport> WarmUp(const Model& model, const ModelSettings& settings,
                                    const WarmUpOptions& options);

// Inputs that fit the settings: the rows of the first sample of settings.warm_up, repeated. If
// there is none, random numbers for images and features, zeros where a number might be an index,
// and 1 for a size of -1. INVALID_ARGUMENT if they are absurdly large.
absl::StatusOr<std::vector<Tensor>> MadeUpInputs(const ModelSettings& settings, int64_t rows);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_WARM_UP_H_
