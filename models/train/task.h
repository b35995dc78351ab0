// What a network is trained to do: the rows it learns from and how its answers are judged.
#ifndef WEIR_MODELS_TRAIN_TASK_H_
#define WEIR_MODELS_TRAIN_TASK_H_

#include <torch/script.h>

#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "models/data/random.h"
#include "models/train/augment.h"

namespace weir {

// Rows as a network sees them, and the truth about them.
struct Batch {
  torch::Tensor input;
  torch::Tensor target;
};

// How the network looks to a client. Its input = (features - offset) * scale, and the answer =
// output * scale + offset: export folds all four into the outermost layers.
struct Signature {
  std::string forward;  // TorchScript: the method forward(), which calls self.network(x).
  torch::Tensor input_offset = torch::tensor(0.0);
  torch::Tensor input_scale = torch::tensor(1.0);
  torch::Tensor output_offset = torch::tensor(0.0);
  torch::Tensor output_scale = torch::tensor(1.0);
};

// Thread-compatible; const calls are thread-safe.
class Task {
 public:
  virtual ~Task() = default;

  virtual int training_rows() const = 0;
  // The given rows of the training split, changed at random where the task augments.
  virtual Batch TrainingBatch(std::span<const int> rows, Random& random) const = 0;
  // Rows that are never trained on; the best checkpoint is the best on these.
  virtual const Batch& validation() const = 0;

  // The mean over the batch, to be minimised.
  virtual torch::Tensor Loss(const torch::Tensor& output, const torch::Tensor& target) const = 0;
  // Between rows and truth, higher is better: accuracy or R2.
  virtual double Quality(const torch::Tensor& output, const torch::Tensor& target) const = 0;

  virtual Signature signature() const = 0;
};

struct FashionOptions {
  std::string directory = "";  // Of the dataset's files.
  Augmentation augmentation = {};
  double label_smoothing = 0;
};

// Classes of Fashion-MNIST's 60,000 training images, 5,000 of which are kept for validation. The
// test images are not read.
absl::StatusOr<std::unique_ptr<Task>> CreateFashionTask(const FashionOptions& options);

// Prices of synthetic flats, kFlatsTrainingRows of them, a twentieth of which are kept for
// validation. The loss is the squared error in units of the prices' standard deviation.
std::unique_ptr<Task> CreateFlatsTask();

}  // namespace weir

#endif  // WEIR_MODELS_TRAIN_TASK_H_
