// What a model of the repository is worth: measured, with the code that serves it.
#ifndef WEIR_MODELS_EVALUATE_EVALUATE_H_
#define WEIR_MODELS_EVALUATE_EVALUATE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "models/evaluate/held_out.h"
#include "server/model/model.h"
#include "server/model/model_settings.h"

namespace weir {

// A model as the server would load it. The process must have called InitializeTorch.
struct LoadedModel {
  std::unique_ptr<const ModelSettings> settings;
  std::unique_ptr<const Model> model;  // Uses the settings.
  std::string path;                    // Of its file.
};

// Loads version 1 of the model in `model_directory`.
absl::StatusOr<LoadedModel> LoadVersionOne(const std::string& model_directory);

// Each quality of the model's family on all held-out rows, by the name it has in config.pbtxt:
// accuracy (fashion), r2 (flats), accuracy and roc_auc (accidents).
absl::StatusOr<std::map<std::string, double>> MeasureQuality(const LoadedModel& loaded,
                                                             const HeldOut& held_out);

// For each number of rows in a batch, 1, 2, 4, ... up to the largest the model takes: microseconds
// per row on one thread, the median over batches of held-out rows.
absl::StatusOr<std::map<int, double>> MeasureLatency(const LoadedModel& loaded,
                                                     const HeldOut& held_out);

// The numbers in the module's tensors, of every type.
absl::StatusOr<int64_t> CountParameters(const std::string& model_path);

struct Evaluation {
  std::map<std::string, double> quality;
  std::map<int, double> microseconds_per_row;
  int64_t parameters = 0;
  int64_t file_bytes = 0;
};

// All of the above for the model in `model_directory`.
absl::StatusOr<Evaluation> EvaluateModel(const std::string& model_directory,
                                         const HeldOut& held_out);

}  // namespace weir

#endif  // WEIR_MODELS_EVALUATE_EVALUATE_H_
