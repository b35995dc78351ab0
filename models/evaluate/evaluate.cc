#include "models/evaluate/evaluate.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <span>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "models/evaluate/quality.h"
#include "server/model/formats.h"

namespace weir {
namespace {

// Per number of rows; the median of so many is steady.
constexpr absl::Duration kMeasureFor = absl::Milliseconds(400);
constexpr int kMinRuns = 25;

absl::StatusOr<TensorBundle> Run(const LoadedModel& loaded, std::string_view rows, int count) {
  const TensorSpec& input = loaded.settings->inputs[0];
  std::vector<int64_t> shape = {count};
  shape.insert(shape.end(), input.dims.begin(), input.dims.end());
  const TensorView view = {input.type, shape, absl::string_view(rows.data(), rows.size())};
  return loaded.model->Run({&view, 1});
}

absl::Status CheckRows(const LoadedModel& loaded, const HeldOut& held_out) {
  const ModelSettings& settings = *loaded.settings;
  if (settings.inputs.size() == 1 && settings.outputs.size() == 1 && settings.max_batch_rows > 0) {
    WEIR_ASSIGN_OR_RETURN(const int64_t elements, ElementCount(settings.inputs[0].dims));
    const int64_t bytes = elements * ElementBytes(settings.inputs[0].type);
    if (bytes == static_cast<int64_t>(held_out.row_bytes())) return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat(settings.name, " does not take the rows of the family ", settings.family));
}

// The scores of class 1 of two.
std::vector<float> SecondOfTwo(std::span<const float> probabilities) {
  std::vector<float> scores;
  for (size_t i = 1; i < probabilities.size(); i += 2) scores.push_back(probabilities[i]);
  return scores;
}

}  // namespace

absl::StatusOr<LoadedModel> LoadVersionOne(const std::string& model_directory) {
  LoadedModel loaded;
  WEIR_ASSIGN_OR_RETURN(ModelSettings settings, LoadModelSettings(model_directory));
  loaded.path = absl::StrCat(model_directory, "/1/", settings.filename);
  loaded.settings = std::make_unique<const ModelSettings>(std::move(settings));
  WEIR_ASSIGN_OR_RETURN(loaded.model, LoadModel(*loaded.settings, loaded.path));
  return loaded;
}

absl::StatusOr<std::map<std::string, double>> MeasureQuality(const LoadedModel& loaded,
                                                             const HeldOut& held_out) {
  WEIR_RETURN_IF_ERROR(CheckRows(loaded, held_out));
  const int batch_rows = static_cast<int>(loaded.settings->max_batch_rows);
  std::vector<float> answers;
  for (int row = 0; row < held_out.rows(); row += batch_rows) {
    const int count = std::min(batch_rows, held_out.rows() - row);
    WEIR_ASSIGN_OR_RETURN(const TensorBundle outputs,
                          Run(loaded, held_out.Rows(row, count), count));
    const TensorView& output = outputs.views[0];
    const size_t first = answers.size();
    answers.resize(first + output.data.size() / sizeof(float));
    std::memcpy(&answers[first], output.data.data(), output.data.size());
  }
  if (loaded.settings->family == "flats") return {{{"r2", R2(answers, held_out.truth)}}};
  std::map<std::string, double> quality = {{"accuracy", Accuracy(answers, held_out.truth)}};
  if (loaded.settings->family == "accidents") {
    quality["roc_auc"] = RocAuc(SecondOfTwo(answers), held_out.truth);
  }
  return quality;
}

absl::StatusOr<std::map<int, double>> MeasureLatency(const LoadedModel& loaded,
                                                     const HeldOut& held_out) {
  WEIR_RETURN_IF_ERROR(CheckRows(loaded, held_out));
  std::map<int, double> result;
  for (int rows = 1; rows <= loaded.settings->max_batch_rows; rows *= 2) {
    std::vector<double> microseconds;
    const absl::Time end = absl::Now() + kMeasureFor;
    for (int run = 0; run < kMinRuns || absl::Now() < end; ++run) {
      const int first = run * rows % (held_out.rows() - rows + 1);
      const absl::Time start = absl::Now();
      WEIR_RETURN_IF_ERROR(Run(loaded, held_out.Rows(first, rows), rows).status());
      microseconds.push_back(absl::ToDoubleMicroseconds(absl::Now() - start));
    }
    const auto middle = microseconds.begin() + microseconds.size() / 2;
    std::nth_element(microseconds.begin(), middle, microseconds.end());
    result[rows] = *middle / rows;
  }
  return result;
}

absl::StatusOr<Evaluation> EvaluateModel(const std::string& model_directory,
                                         const HeldOut& held_out) {
  WEIR_ASSIGN_OR_RETURN(const LoadedModel loaded, LoadVersionOne(model_directory));
  Evaluation evaluation;
  WEIR_ASSIGN_OR_RETURN(evaluation.quality, MeasureQuality(loaded, held_out));
  WEIR_ASSIGN_OR_RETURN(evaluation.microseconds_per_row, MeasureLatency(loaded, held_out));
  WEIR_ASSIGN_OR_RETURN(evaluation.parameters, CountParameters(loaded.path));
  std::error_code error;
  evaluation.file_bytes = static_cast<int64_t>(std::filesystem::file_size(loaded.path, error));
  if (error) return absl::ErrnoToStatus(error.value(), loaded.path);
  return evaluation;
}

}  // namespace weir
