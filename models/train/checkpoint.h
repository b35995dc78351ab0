// The state of a training run on disk.
#ifndef WEIR_MODELS_TRAIN_CHECKPOINT_H_
#define WEIR_MODELS_TRAIN_CHECKPOINT_H_

#include <torch/optim/optimizer.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weir {

// All that a run needs to go on: copied into and out of these tensors, which the run owns.
struct TrainingState {
  // Identify the run; a checkpoint with others is not of this run.
  int64_t steps = 0;
  int64_t seed = 0;

  int64_t step = 0;  // Steps done.
  double seconds = 0;
  double best_validation = -1e300;
  int64_t best_epoch = 0;
  std::vector<torch::Tensor> current;
  std::vector<torch::Tensor> averaged;
  std::vector<torch::Tensor> best;
};

// Replaces the file in one step, so that a crash leaves the old one or the new one.
absl::Status SaveCheckpoint(const std::string& path, const TrainingState& state,
                            const torch::optim::Optimizer& optimizer);

// Fills `state`, whose tensors have the shapes expected, and `optimizer`. NOT_FOUND, with both
// unchanged, where there is no file; FAILED_PRECONDITION where it is of another run; DATA_LOSS
// where it cannot be read.
absl::Status LoadCheckpoint(const std::string& path, TrainingState& state,
                            torch::optim::Optimizer& optimizer);

}  // namespace weir

#endif  // WEIR_MODELS_TRAIN_CHECKPOINT_H_
