// How each model is made: one row per model.
#ifndef WEIR_MODELS_TRAIN_RECIPE_H_
#define WEIR_MODELS_TRAIN_RECIPE_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "models/train/augment.h"
#include "models/train/task.h"
#include "models/train/trainer.h"

namespace weir {

enum class RecipeKind {
  kFashion,
  kFlats,
  kForest,  // Grown by models/convert/train_forest.py; here measured and described.
};

struct Recipe {
  RecipeKind kind;
  std::string_view model;
  std::string_view variant;
  std::string_view slo_latency;   // As in config.pbtxt.
  std::string_view network = "";  // As BuildNetwork knows it.
  std::string_view architecture;  // A sentence or two for MODEL.md.
  Augmentation augmentation = {};
  double label_smoothing = 0;
  TrainingOptions training = {};
};

std::span<const Recipe> Recipes();

// What kFashion and kFlats recipes are trained on.
absl::StatusOr<std::unique_ptr<Task>> MakeTask(const Recipe& recipe,
                                               const std::string& fashion_directory);

// How the model is trained, as a sentence.
std::string DescribeTraining(const Recipe& recipe);

}  // namespace weir

#endif  // WEIR_MODELS_TRAIN_RECIPE_H_
