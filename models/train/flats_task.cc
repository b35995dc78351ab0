#include <utility>
#include <vector>

#include "models/data/flats.h"
#include "models/train/task.h"

namespace weir {
namespace {

constexpr int kValidationRows = kFlatsTrainingRows / 20;

constexpr char kForward[] = R"(
def forward(self, features):
    return self.network(features)
)";

torch::Tensor ToTensor(const std::vector<float>& values, int64_t columns) {
  const int64_t rows = static_cast<int64_t>(values.size()) / columns;
  return torch::tensor(c10::ArrayRef<float>(values)).view({rows, columns});
}

class FlatsTask : public Task {
 public:
  FlatsTask() {
    const Table table = GenerateFlats(kFlatsTrainingRows, kFlatsTrainingSeed);
    const torch::Tensor features = ToTensor(table.features, kFlatColumns.size());
    const torch::Tensor prices = ToTensor(table.truth, 1);
    signature_.forward = kForward;
    signature_.input_offset = features.mean(0);
    signature_.input_scale = 1 / features.std(0);
    signature_.output_offset = prices.mean();
    signature_.output_scale = prices.std();
    const torch::Tensor input = (features - signature_.input_offset) * signature_.input_scale;
    const torch::Tensor target = (prices - signature_.output_offset) / signature_.output_scale;
    const int64_t training_rows = kFlatsTrainingRows - kValidationRows;
    training_ = {.input = input.slice(0, 0, training_rows),
                 .target = target.slice(0, 0, training_rows)};
    validation_ = {.input = input.slice(0, training_rows),
                   .target = target.slice(0, training_rows)};
  }

  int training_rows() const override { return static_cast<int>(training_.input.size(0)); }

  Batch TrainingBatch(std::span<const int> rows, Random&) const override {
    const torch::Tensor index =
        torch::tensor(c10::ArrayRef<int>(rows.data(), rows.size()), torch::kInt64);
    return {.input = training_.input.index_select(0, index),
            .target = training_.target.index_select(0, index)};
  }

  const Batch& validation() const override { return validation_; }

  torch::Tensor Loss(const torch::Tensor& output, const torch::Tensor& target) const override {
    return torch::mse_loss(output, target);
  }

  double Quality(const torch::Tensor& output, const torch::Tensor& target) const override {
    return 1 - (output - target).square().mean().item<double>() /
                   target.var(/*unbiased=*/false).item<double>();
  }

  Signature signature() const override { return signature_; }

 private:
  Signature signature_;
  Batch training_;
  Batch validation_;
};

}  // namespace

std::unique_ptr<Task> CreateFlatsTask() { return std::make_unique<FlatsTask>(); }

}  // namespace weir
