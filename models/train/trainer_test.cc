#include "models/train/trainer.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/train/network.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

constexpr int kRows = 96;

// Two classes of 8x8 images, told apart by which half is bright; noise is drawn with each batch.
class HalvesTask : public Task {
 public:
  HalvesTask() {
    std::vector<int> rows(kRows);
    for (int row = 0; row < kRows; ++row) rows[row] = row;
    Random random(99);
    validation_ = TrainingBatch(rows, random);
  }
  int training_rows() const override { return kRows; }
  Batch TrainingBatch(std::span<const int> rows, Random& random) const override {
    const int64_t count = static_cast<int64_t>(rows.size());
    Batch batch = {.input = torch::zeros({count, 1, 8, 8}),
                   .target = torch::zeros({count}, torch::kInt64)};
    for (int64_t i = 0; i < count; ++i) {
      const int label = rows[i] % 2;
      batch.target[i] = label;
      for (int pixel = 0; pixel < 64; ++pixel) {
        const bool bright = (pixel < 32) == (label == 1);
        batch.input.data_ptr<float>()[i * 64 + pixel] =
            static_cast<float>((bright ? 1 : 0) + random.Normal());
      }
    }
    return batch;
  }
  const Batch& validation() const override { return validation_; }
  torch::Tensor Loss(const torch::Tensor& output, const torch::Tensor& target) const override {
    return torch::cross_entropy_loss(output, target);
  }
  double Quality(const torch::Tensor& output, const torch::Tensor& target) const override {
    return output.argmax(1).eq(target).to(torch::kFloat64).mean().item<double>();
  }
  Signature signature() const override { return {}; }

 private:
  Batch validation_;
};

torch::jit::Module SmallNetwork() {
  torch::manual_seed(7);
  NetworkWriter net;
  net.Conv(1, 4, 3, 1);
  net.BatchNorm(4);
  net.Relu();
  net.MaxPool(2);
  net.Flatten();
  net.Linear(4 * 16, 2);
  return net.Finish();
}

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() { std::filesystem::remove(options_.checkpoint_path); }

  // Trains `module` until done, or until `steps` more steps have been taken.
  absl::StatusOr<TrainingResult> TrainFor(int steps, torch::jit::Module& module) {
    std::ostringstream out;
    Progress progress({.model = "test", .quality = "accuracy"}, out);
    return Train(
        options_, task_, [&steps] { return --steps <= 0; }, progress, module);
  }

  static void ExpectSameWeights(const torch::jit::Module& a, const torch::jit::Module& b) {
    const auto of_a = StateTensors(a), of_b = StateTensors(b);
    ASSERT_EQ(of_a.size(), of_b.size());
    for (size_t i = 0; i < of_a.size(); ++i) EXPECT_TRUE(torch::equal(of_a[i], of_b[i])) << i;
  }

  const HalvesTask task_;
  TrainingOptions options_ = {
      .epochs = 6,
      .batch_rows = 16,
      .schedule = {.peak = 0.1},
      .average_decay = 0.9,
      .checkpoint_path = testing::TempDir() + "/" +
                         testing::UnitTest::GetInstance()->current_test_info()->name() +
                         ".checkpoint"};
};

constexpr int kNever = 1 << 30;

TEST_F(TrainerTest, LearnsWhatCanBeLearnt) {
  torch::jit::Module module = SmallNetwork();
  const auto result = TrainFor(kNever, module);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->validation, 0.95);
  const Batch& rows = task_.validation();
  EXPECT_DOUBLE_EQ(task_.Quality(RunNetwork(module, rows.input), rows.target), result->validation)
      << "the module does not hold the best weights";
}

TEST_F(TrainerTest, AStoppedRunEndsLikeOneThatNeverStopped) {
  torch::jit::Module whole = SmallNetwork();
  ASSERT_TRUE(TrainFor(kNever, whole).ok());
  std::filesystem::remove(options_.checkpoint_path);

  // Stopped in the middle of an epoch, at its end, and again.
  for (const int steps : {4, 8, 3}) {
    torch::jit::Module module = SmallNetwork();
    const auto stopped = TrainFor(steps, module);
    ASSERT_TRUE(absl::IsCancelled(stopped.status())) << stopped.status();
    EXPECT_THAT(std::string(stopped.status().message()), HasSubstr("the same command goes on"));
  }
  torch::jit::Module resumed = SmallNetwork();
  ASSERT_TRUE(TrainFor(kNever, resumed).ok());
  ExpectSameWeights(whole, resumed);
}

TEST_F(TrainerTest, AFinishedRunIsNotTrainedFurther) {
  torch::jit::Module first = SmallNetwork(), second = SmallNetwork();
  ASSERT_TRUE(TrainFor(kNever, first).ok());
  ASSERT_TRUE(TrainFor(1, second).ok());
  ExpectSameWeights(first, second);
}

TEST_F(TrainerTest, AnotherSeedTrainsOtherWeights) {
  torch::jit::Module first = SmallNetwork(), second = SmallNetwork();
  ASSERT_TRUE(TrainFor(kNever, first).ok());
  std::filesystem::remove(options_.checkpoint_path);
  options_.seed = 2;
  ASSERT_TRUE(TrainFor(kNever, second).ok());
  EXPECT_FALSE(torch::equal(TrainableTensors(first)[0], TrainableTensors(second)[0]));
}

TEST_F(TrainerTest, RefusesACheckpointOfAnotherRun) {
  torch::jit::Module module = SmallNetwork();
  ASSERT_TRUE(absl::IsCancelled(TrainFor(3, module).status()));
  options_.epochs = 7;
  const auto result = TrainFor(kNever, module);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr(options_.checkpoint_path));
}

TEST_F(TrainerTest, SaysThatACheckpointIsDamaged) {
  std::ofstream(options_.checkpoint_path) << "not a checkpoint";
  torch::jit::Module module = SmallNetwork();
  const auto result = TrainFor(kNever, module);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(TrainerTest, RefusesABatchLargerThanTheData) {
  options_.batch_rows = kRows + 1;
  torch::jit::Module module = SmallNetwork();
  EXPECT_EQ(TrainFor(kNever, module).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace weir
