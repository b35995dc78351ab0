// The field `model_warmup` of a config.pbtxt.
#ifndef WEIR_SERVER_MODEL_WARM_UP_SAMPLES_H_
#define WEIR_SERVER_MODEL_WARM_UP_SAMPLES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/model/model_settings.h"
#include "weir/v1/model_config.pb.h"

namespace weir {

// Checks all but what the files hold. `settings` has the model's rows and inputs. An error names
// the sample, the input, what was expected and what came.
absl::Status CheckWarmUp(const v1::ModelConfig& config, const ModelSettings& settings);

// The samples with their data; files are those of <model_directory>/warmup. The same errors.
absl::StatusOr<std::vector<WarmUpSample>> ReadWarmUp(const v1::ModelConfig& config,
                                                     const ModelSettings& settings,
                                                     const std::string& model_directory);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_WARM_UP_SAMPLES_H_
