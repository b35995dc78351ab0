// What a model's config.pbtxt says, checked.
#ifndef WEIR_SERVER_MODEL_MODEL_SETTINGS_H_
#define WEIR_SERVER_MODEL_MODEL_SETTINGS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/model/tensor.h"
#include "weir/v1/model_config.pb.h"

namespace weir {

struct TensorSpec {
  std::string name;
  v1::DataType type = v1::TYPE_INVALID;
  std::vector<int64_t> dims;        // Without the rows; -1 stands for any size.
  std::string label_filename;       // Outputs only; empty for none.
  std::vector<std::string> labels;  // The lines of that file; filled by LoadModelSettings.
};

// How requests of one priority wait.
struct QueueLevel {
  int64_t max_rows = 0;  // Rows beyond these are refused; 0 stands for kDefaultQueueRows.
  absl::Duration default_timeout = absl::InfiniteDuration();  // Of the wait in the queue.
  bool delay_on_timeout = false;  // Then a request is not refused but goes behind all others.
};

inline constexpr int64_t kDefaultQueueRows = 1024;

// How batches are formed. The default is natural batching: whenever the model is free it takes what
// waits.
struct BatchingSettings {
  std::vector<int64_t> preferred_rows;              // Ascending; empty for no preference.
  absl::Duration max_delay = absl::ZeroDuration();  // How long a batch may wait for more rows.
  std::vector<QueueLevel> levels = {QueueLevel()};  // levels[0] is priority 1, served first.
  uint32_t default_level = 1;
};

// Who runs the batches.
enum class Execution {
  kAuto,    // What suits the time that the model takes.
  kInline,  // The threads that read the requests.
  kPooled,  // Threads of the models' own.
};

// Inputs to warm a model up with, in place of those that weir makes itself.
struct WarmUpSample {
  std::string name;
  int64_t rows = 0;            // 0: the model has no row dimension.
  int count = 1;               // How often it runs.
  std::vector<Tensor> inputs;  // In the order of the settings.
};

// How many predicted values may be large.
struct ValueLimit {
  double bound = 0;
  double ratio = 0;  // The share of values that may lie above it.
};

struct ModelSettings {
  std::string name;
  int64_t max_batch_rows = 0;  // 0: tensors have no row dimension.
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  std::string backend;  // A key of the table in formats.cc.
  std::string filename = "model.pt";
  v1::ModelVersionPolicy version_policy;
  bool optimized_execution = true;
  BatchingSettings batching;
  int instances = 0;                  // Batches that run at once; 0: one for each usable core.
  int intra_op_threads = 1;           // Threads within one batch.
  std::vector<WarmUpSample> warm_up;  // Filled by LoadModelSettings.

  // Settings of weir's own.
  std::string family;
  std::string variant;
  Execution execution = Execution::kAuto;
  double weight = 1;           // The model's share of the machine beside other busy models.
  bool finite_inputs = false;  // NaN and infinity are refused.
  absl::Duration slo_latency = absl::InfiniteDuration();
  double slo_objective = 0.99;             // The share of requests that shall meet slo_latency.
  std::optional<double> slo_availability;  // The share of requests that shall not fail.
  std::map<std::string, double> quality;   // Metric name to measured value.
  std::vector<double> value_buckets;       // Ascending bounds for predicted values.
  std::vector<ValueLimit> value_limits;    // Their bounds are among value_buckets.
};

// Parses and checks the text of a config.pbtxt. `directory_name` is the name of the directory that
// holds it, `path` appears in errors, which name the line where the text is at fault and the field
// where its meaning is.
absl::StatusOr<ModelSettings> ParseModelConfig(absl::string_view text,
                                               absl::string_view directory_name,
                                               absl::string_view path);

// Reads <model_directory>/config.pbtxt and the label files that it names.
absl::StatusOr<ModelSettings> LoadModelSettings(const std::string& model_directory);

// The versions to serve out of `available`, ascending. An error names a specific version that is
// not there, or says that none is.
absl::StatusOr<std::vector<int64_t>> SelectVersions(const v1::ModelVersionPolicy& policy,
                                                    std::vector<int64_t> available);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_MODEL_SETTINGS_H_
