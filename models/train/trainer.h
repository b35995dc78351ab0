// The training loop.
#ifndef WEIR_MODELS_TRAIN_TRAINER_H_
#define WEIR_MODELS_TRAIN_TRAINER_H_

#include <torch/script.h>

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "models/train/progress.h"
#include "models/train/schedule.h"
#include "models/train/task.h"

namespace weir {

enum class Precision {
  kFloat32,
  kBfloat16,  // Of convolutions and products, where the processor has it; weights stay float32.
};

struct TrainingOptions {
  int epochs = 1;
  int batch_rows = 128;  // The rows left over at the end of an epoch are skipped.
  Schedule schedule;
  double momentum = 0.9;         // Nesterov's; in (0, 1).
  double weight_decay = 5e-4;    // On weights with two dimensions or more.
  double average_decay = 0.998;  // Of the moving average of the weights, which is what is kept.
  Precision precision = Precision::kFloat32;
  uint64_t seed = 1;                 // Order of the rows and augmentation.
  std::string checkpoint_path = "";  // Written after every epoch and when stopped.
};

struct TrainingResult {
  double validation = 0;  // Quality of the kept weights on the validation rows.
  int epoch = 0;          // After which they were taken; the first is 1.
  double seconds = 0;     // Spent in the loop, over all the runs it took.
};

// Trains `module`, whose initial weights it holds, by stochastic gradient descent, and leaves in
// it the averaged weights that were best on the validation rows, in evaluation mode. Goes on from
// the checkpoint where there is one of the same run (as many steps, the same seed and shapes), and
// then ends as if it had never been stopped: what is drawn at random in a step depends on the seed
// and the step alone. When `should_stop` answers true between two steps, saves and returns
// CANCELLED.
absl::StatusOr<TrainingResult> Train(const TrainingOptions& options, const Task& task,
                                     const std::function<bool()>& should_stop, Progress& progress,
                                     torch::jit::Module& module);

// The network's outputs for all rows of `input`, without gradients.
torch::Tensor RunNetwork(torch::jit::Module& module, const torch::Tensor& input);

}  // namespace weir

#endif  // WEIR_MODELS_TRAIN_TRAINER_H_
