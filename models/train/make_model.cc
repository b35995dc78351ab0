#include "models/train/make_model.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "models/evaluate/evaluate.h"
#include "models/evaluate/held_out.h"
#include "models/train/card.h"
#include "models/train/export.h"
#include "models/train/grow_forest.h"
#include "models/train/network.h"
#include "models/train/trainer.h"

namespace weir {
namespace {

absl::Status MakeDirectory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot make ", path));
  return absl::OkStatus();
}

absl::Status WriteText(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text << std::flush;
  if (file) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
}

std::string_view Family(RecipeKind kind) {
  switch (kind) {
    case RecipeKind::kFashion:
      return "fashion";
    case RecipeKind::kFlats:
      return "flats";
    case RecipeKind::kForest:
      return "accidents";
  }
  return "";
}

std::string CheckpointPath(const Recipe& recipe, const MakeOptions& options) {
  return absl::StrCat(options.state_directory, "/", std::string(recipe.model), ".checkpoint");
}

// Writes model.pt, labels.txt and a config that names no quality yet.
absl::StatusOr<TrainingResult> TrainNetwork(const Recipe& recipe, const MakeOptions& options,
                                            const std::string& directory,
                                            const std::function<bool()>& should_stop,
                                            std::ostream& out) {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<Task> task,
                        MakeTask(recipe, options.fashion_directory));
  TrainingOptions training = recipe.training;
  training.checkpoint_path = CheckpointPath(recipe, options);
  Progress progress({.model = std::string(recipe.model),
                     .quality = recipe.kind == RecipeKind::kFashion ? "accuracy" : "R2",
                     .is_terminal = options.is_terminal},
                    out);
  torch::manual_seed(training.seed);
  torch::jit::Module network = BuildNetwork(std::string(recipe.network));
  WEIR_ASSIGN_OR_RETURN(const TrainingResult result,
                        Train(training, *task, should_stop, progress, network));

  WEIR_RETURN_IF_ERROR(
      SaveModule(MakeServedModule(network, task->signature()), directory + "/1/model.pt"));
  const std::string labels = LabelsText(recipe);
  if (!labels.empty()) WEIR_RETURN_IF_ERROR(WriteText(directory + "/labels.txt", labels));
  WEIR_RETURN_IF_ERROR(WriteText(directory + "/config.pbtxt", ConfigText(recipe, {})));
  return result;
}

}  // namespace

absl::Status MakeModel(const Recipe& recipe, const MakeOptions& options,
                       const std::function<bool()>& should_stop, std::ostream& out) {
  const std::string directory = absl::StrCat(options.repository, "/", std::string(recipe.model));
  WEIR_RETURN_IF_ERROR(MakeDirectory(options.state_directory));
  TrainingResult training;
  if (recipe.kind == RecipeKind::kForest) {
    WEIR_RETURN_IF_ERROR(GrowForest(options.forest_script, options.state_directory, directory));
  } else {
    WEIR_ASSIGN_OR_RETURN(training, TrainNetwork(recipe, options, directory, should_stop, out));
  }

  out << recipe.model << ": measuring quality and latency" << std::endl;
  WEIR_ASSIGN_OR_RETURN(const HeldOut held_out,
                        LoadHeldOut(Family(recipe.kind), options.fashion_directory));
  WEIR_ASSIGN_OR_RETURN(const Evaluation evaluation, EvaluateModel(directory, held_out));
  if (recipe.kind != RecipeKind::kForest) {
    WEIR_RETURN_IF_ERROR(
        WriteText(directory + "/config.pbtxt", ConfigText(recipe, evaluation.quality)));
  }
  WEIR_RETURN_IF_ERROR(WriteText(directory + "/MODEL.md",
                                 CardText(recipe, training, evaluation, DescribeMachine())));
  for (const auto& [name, value] : evaluation.quality) {
    out << absl::StreamFormat("%s: %s %.4f\n", recipe.model, name, value);
  }
  out << absl::StreamFormat("%s: %d parameters, %.1f us for a row alone, written to %s\n",
                            recipe.model, evaluation.parameters,
                            evaluation.microseconds_per_row.at(1), directory);
  std::error_code ignored;  // A checkpoint that stays costs space, and the next training time.
  std::filesystem::remove(CheckpointPath(recipe, options), ignored);
  return absl::OkStatus();
}

}  // namespace weir
