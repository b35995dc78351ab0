#include "models/train/recipe.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace weir {

std::span<const Recipe> Recipes() {
  static const Recipe recipes[] = {
      {.kind = RecipeKind::kFashion,
       .model = "fashion-fast",
       .variant = "fast",
       .slo_latency = "20ms",
       .network = "fashion-mlp",
       .architecture = "A perceptron with one hidden layer of 128 units.",
       .augmentation = {.max_shift = 1},
       .training = {.epochs = 60, .schedule = {.peak = 0.05}, .weight_decay = 1e-4}},
      {.kind = RecipeKind::kFashion,
       .model = "fashion-balanced",
       .variant = "balanced",
       .slo_latency = "50ms",
       .network = "fashion-cnn",
       .architecture = "Three 3x3 convolutions (16, 32 and 64 channels), each with batch "
                       "normalisation, ReLU and 2x2 max pooling, and one linear layer.",
       .augmentation = {.max_shift = 1, .flip = true},
       .training = {.epochs = 30, .schedule = {.peak = 0.2}, .precision = Precision::kBfloat16}},
      {.kind = RecipeKind::kFashion,
       .model = "fashion-accurate",
       .variant = "accurate",
       .slo_latency = "250ms",
       .network = "fashion-resnet",
       .architecture =
           "A residual network: convolutions that widen to 16, 48, 96 and 192 channels, "
           "2x2 max pooling and a residual block of two convolutions after each of the "
           "last three, global max pooling and one linear layer. All convolutions are "
           "3x3 with batch normalisation and ReLU.",
       .augmentation = {.max_shift = 2, .flip = true, .erase_chance = 0.3, .max_erased_area = 0.2},
       .label_smoothing = 0.05,
       .training = {.epochs = 26, .schedule = {.peak = 0.15}, .precision = Precision::kBfloat16}},
      {.kind = RecipeKind::kFlats,
       .model = "flats-price",
       .variant = "balanced",
       .slo_latency = "20ms",
       .network = "flats-mlp",
       .architecture = "A perceptron with hidden layers of 64, 64 and 32 units.",
       .training =
           {.epochs = 40, .batch_rows = 256, .schedule = {.peak = 0.05}, .weight_decay = 1e-5}},
      {.kind = RecipeKind::kForest,
       .model = "accidents-forest",
       .variant = "forest",
       .slo_latency = "20ms",
       .architecture =
           "A random forest of 100 trees, at most 10 levels deep, grown by scikit-learn "
           "and turned into TorchScript by models/convert: all rows go down all trees "
           "at once, one level per step."},
  };
  return recipes;
}

absl::StatusOr<std::unique_ptr<Task>> MakeTask(const Recipe& recipe,
                                               const std::string& fashion_directory) {
  switch (recipe.kind) {
    case RecipeKind::kFashion:
      return CreateFashionTask({.directory = fashion_directory,
                                .augmentation = recipe.augmentation,
                                .label_smoothing = recipe.label_smoothing});
    case RecipeKind::kFlats:
      return CreateFlatsTask();
    case RecipeKind::kForest:
      break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(recipe.model), " is not trained by gradients"));
}

std::string DescribeTraining(const Recipe& recipe) {
  if (recipe.kind == RecipeKind::kForest) {
    return "Grown by `models/convert/train_forest.py` with a fixed seed.";
  }
  const TrainingOptions& training = recipe.training;
  std::string text = absl::StrFormat(
      "%d epochs of stochastic gradient descent (Nesterov's momentum %g, batches of %d, weight "
      "decay %g); the learning rate rises to %g and falls to zero along a cosine. What is kept is "
      "the moving average of the weights (decay %g) at its best epoch on the validation rows.",
      training.epochs, training.momentum, training.batch_rows, training.weight_decay,
      training.schedule.peak, training.average_decay);
  const Augmentation& augmentation = recipe.augmentation;
  if (augmentation.max_shift > 0) {
    absl::StrAppendFormat(&text, " Images are shifted by up to %d pixel%s", augmentation.max_shift,
                          augmentation.max_shift > 1 ? "s" : "");
    if (augmentation.flip) absl::StrAppend(&text, ", mirrored half of the time");
    if (augmentation.erase_chance > 0) {
      absl::StrAppendFormat(&text, ", and in %.0f %% of them a rectangle is replaced by noise",
                            100 * augmentation.erase_chance);
    }
    absl::StrAppend(&text, ".");
  }
  if (recipe.label_smoothing > 0) {
    absl::StrAppendFormat(&text, " Labels are smoothed by %g.", recipe.label_smoothing);
  }
  if (training.precision == Precision::kBfloat16) {
    absl::StrAppend(&text,
                    " Convolutions are trained in bfloat16 where the processor has it; the "
                    "weights are float32.");
  }
  return text;
}

}  // namespace weir
