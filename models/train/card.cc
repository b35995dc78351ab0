#include "models/train/card.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "models/data/accidents.h"
#include "models/data/fashion_mnist.h"
#include "models/data/flats.h"

namespace weir {
namespace {

constexpr char kFashionTensors[] =
    R"(input [ { name: "image" data_type: TYPE_UINT8 dims: [ 28, 28 ] } ]
output [ { name: "probabilities" data_type: TYPE_FP32 dims: [ 10 ] label_filename: "labels.txt" } ]
)";

constexpr char kFlatsTensors[] =
    R"(input [ { name: "features" data_type: TYPE_FP32 dims: [ 14 ] } ]
output [ { name: "price" data_type: TYPE_FP32 dims: [ 1 ] } ]
)";

// Roubles; finest where most prices are.
constexpr char kFlatsBuckets[] =
    "1e6,2e6,3e6,4e6,5e6,6e6,7e6,8e6,9e6,10e6,12e6,14e6,16e6,18e6,20e6,25e6,30e6,40e6,60e6,100e6";

// Of the usual flats 62 % cost more than ten million and 13 % more than twenty.
constexpr char kFlatsLimits[] = "10e6:0.8,20e6:0.3";

std::string Parameter(std::string_view key, std::string_view value) {
  return absl::StrFormat("parameters { key: \"%s\" value { string_value: \"%s\" } }\n", key, value);
}

std::string DescribeData(RecipeKind kind) {
  switch (kind) {
    case RecipeKind::kFashion:
      return "Fashion-MNIST (Zalando Research, MIT licence; Debian package "
             "dataset-fashion-mnist): grey images of 28x28 pixels in ten classes. 55,000 of its "
             "60,000 training images are learnt from, 5,000 choose the best epoch. The 10,000 test "
             "images are read once, after training, for the quality below.\n\n"
             "Input `image`: the pixels as bytes, 0 is black. Scaling is inside the module. Output "
             "`probabilities`: one per line of labels.txt.";
    case RecipeKind::kFlats: {
      std::string text = absl::StrFormat(
          "**Synthetic.** No flat in it exists and no price was ever asked: %d rows from the "
          "generator in models/data/flats.h (seed %d), 95 %% of which are learnt from while 5 %% "
          "choose the best epoch. Quality is measured on %d other rows (seed %d). The generator's "
          "own noise keeps any model below an R2 of 0.99. Use the model to try weir, never "
          "to price a flat.\n\nInput `features`, in this order:\n\n",
          kFlatsTrainingRows, kFlatsTrainingSeed, kFlatsHeldOutRows, kFlatsHeldOutSeed);
      for (const Column& column : kFlatColumns) {
        absl::StrAppendFormat(&text, "- %s: %s\n", column.name, column.unit);
      }
      return text + "\nScaling is inside the module. Output `price`: roubles.";
    }
    case RecipeKind::kForest: {
      std::string text = absl::StrFormat(
          "**Synthetic.** None of these accidents happened: %d rows from the generator in "
          "models/data/accidents.h (seed %d) are learnt from, quality is measured on %d other rows "
          "(seed %d). Use the model to try weir, never to judge a road.\n\nInput `features`, in "
          "this order:\n\n",
          kAccidentsTrainingRows, kAccidentsTrainingSeed, kAccidentsHeldOutRows,
          kAccidentsHeldOutSeed);
      for (const Column& column : kAccidentColumns) {
        absl::StrAppendFormat(&text, "- %s: %s\n", column.name, column.unit);
      }
      return text + "\nOutput `probabilities`: one per line of labels.txt.";
    }
  }
  return "";
}

// "0.9431" with the name that people know the quality by.
std::string DescribeQuality(const std::map<std::string, double>& quality) {
  const std::map<std::string, std::string> names = {
      {"accuracy", "accuracy"}, {"r2", "R2"}, {"roc_auc", "area under the ROC curve"}};
  std::string text;
  for (const auto& [name, value] : quality) {
    absl::StrAppendFormat(&text, "%s%s %.4f", text.empty() ? "" : ", ", names.at(name), value);
  }
  return text;
}

}  // namespace

std::string ConfigText(const Recipe& recipe, const std::map<std::string, double>& quality) {
  const bool fashion = recipe.kind == RecipeKind::kFashion;
  std::string text = absl::StrCat(
      "# Written by weir-train.\n", absl::StrFormat("name: \"%s\"\n", recipe.model),
      "backend: \"pytorch\"\nmax_batch_size: 64\n", fashion ? kFashionTensors : kFlatsTensors,
      Parameter("weir.family", fashion ? "fashion" : "flats"),
      Parameter("weir.variant", recipe.variant), Parameter("weir.slo_latency", recipe.slo_latency));
  if (!fashion) {
    absl::StrAppend(&text, Parameter("weir.finite_inputs", "true"),
                    Parameter("weir.value_buckets", kFlatsBuckets),
                    Parameter("weir.value_limits", kFlatsLimits));
  }
  for (const auto& [name, value] : quality) {
    absl::StrAppend(&text, Parameter("weir.quality." + name, absl::StrFormat("%.4f", value)));
  }
  return text;
}

std::string LabelsText(const Recipe& recipe) {
  std::string text;
  if (recipe.kind == RecipeKind::kFashion) {
    for (std::string_view label : kFashionLabels) absl::StrAppendFormat(&text, "%s\n", label);
  }
  return text;
}

std::string CardText(const Recipe& recipe, const TrainingResult& training,
                     const Evaluation& evaluation, const std::string& machine) {
  std::string text = absl::StrFormat(
      "# %s\n\nWritten by weir-train, from the weights beside it.\n\n## Data\n\n%s\n\n"
      "## Architecture\n\n%s %d parameters, %.2f MB.\n\n## Training\n\n%s",
      recipe.model, DescribeData(recipe.kind), recipe.architecture, evaluation.parameters,
      evaluation.file_bytes / 1e6, DescribeTraining(recipe));
  if (recipe.kind != RecipeKind::kForest) {
    absl::StrAppendFormat(&text,
                          " Seed %d. It took %.1f minutes; epoch %d was kept, %.4f on the "
                          "validation rows.",
                          recipe.training.seed, training.seconds / 60, training.epoch,
                          training.validation);
  }
  absl::StrAppendFormat(&text,
                        "\n\n## Quality\n\nOn the held-out rows: %s.\n\n## Latency\n\nMicroseconds "
                        "per row on one thread, median, as the server runs it (%s).\n\n"
                        "| rows in a batch | us per row |\n|---:|---:|\n",
                        DescribeQuality(evaluation.quality), machine);
  for (const auto& [rows, microseconds] : evaluation.microseconds_per_row) {
    absl::StrAppendFormat(&text, "| %d | %.1f |\n", rows, microseconds);
  }
  absl::StrAppendFormat(&text,
                        "\n## To reproduce\n\n    ./weir train %s\n\nmakes the model and this page "
                        "anew. `./weir bench models` measures it again.\n",
                        recipe.model);
  return text;
}

std::string DescribeMachine() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

}  // namespace weir
