#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "models/data/fashion_mnist.h"
#include "models/train/task.h"

namespace weir {
namespace {

constexpr int kValidationRows = 5'000;
constexpr uint64_t kSplitSeed = 20'170'825;  // Fixed: every recipe validates on the same images.
// Brings pixels to a variance near one. Nothing is subtracted, so that black stays the zero that
// convolutions pad with, and the scale can be folded into the first layer exactly.
constexpr double kPixelScale = 1 / 90.0;

constexpr char kForward[] = R"(
def forward(self, image):
    x = torch.unsqueeze(image, 1).float()
    return torch.softmax(self.network(x), 1)
)";

class FashionTask : public Task {
 public:
  FashionTask(const FashionOptions& options, FashionImages images)
      : options_(options), images_(std::move(images)), rows_(images_.rows()) {
    std::iota(rows_.begin(), rows_.end(), 0);
    Random random(kSplitSeed);
    for (int i = images_.rows() - 1; i > 0; --i) std::swap(rows_[i], rows_[random.Integer(0, i)]);
    Random unused(0);
    validation_ = MakeBatch(std::span(rows_).last(kValidationRows), Augmentation(), unused);
    rows_.resize(rows_.size() - kValidationRows);
  }

  int training_rows() const override { return static_cast<int>(rows_.size()); }

  Batch TrainingBatch(std::span<const int> rows, Random& random) const override {
    std::vector<int> images;
    for (int row : rows) images.push_back(rows_[row]);
    return MakeBatch(images, options_.augmentation, random);
  }

  const Batch& validation() const override { return validation_; }

  torch::Tensor Loss(const torch::Tensor& output, const torch::Tensor& target) const override {
    return torch::cross_entropy_loss(output, target, /*weight=*/{}, at::Reduction::Mean,
                                     /*ignore_index=*/-100, options_.label_smoothing);
  }

  double Quality(const torch::Tensor& output, const torch::Tensor& target) const override {
    return output.argmax(1).eq(target).to(torch::kFloat64).mean().item<double>();
  }

  Signature signature() const override {
    return {.forward = kForward, .input_scale = torch::tensor(kPixelScale)};
  }

 private:
  Batch MakeBatch(std::span<const int> images, const Augmentation& augmentation,
                  Random& random) const {
    const int64_t rows = static_cast<int64_t>(images.size());
    torch::Tensor pixels = torch::empty({rows, 1, kFashionSide, kFashionSide}, torch::kUInt8);
    torch::Tensor labels = torch::empty({rows}, torch::kInt64);
    uint8_t* out = pixels.data_ptr<uint8_t>();
    for (int64_t i = 0; i < rows; ++i) {
      Augment(augmentation, kFashionSide, images_.image(images[i]), random,
              std::span(out + i * kFashionPixels, kFashionPixels));
      labels.data_ptr<int64_t>()[i] = images_.labels[images[i]];
    }
    return {.input = pixels.to(torch::kFloat32) * kPixelScale, .target = labels};
  }

  const FashionOptions options_;
  const FashionImages images_;
  std::vector<int> rows_;  // The training split: indices into images_.
  Batch validation_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Task>> CreateFashionTask(const FashionOptions& options) {
  WEIR_ASSIGN_OR_RETURN(FashionImages images,
                        ReadFashionMnist(options.directory, FashionSplit::kTrain));
  if (images.rows() <= kValidationRows) {
    return absl::FailedPreconditionError("too few training images to split");
  }
  return std::make_unique<FashionTask>(options, std::move(images));
}

}  // namespace weir
