// The fields `dynamic_batching` and `instance_group` of a config.pbtxt.
#ifndef WEIR_SERVER_MODEL_BATCHING_SETTINGS_H_
#define WEIR_SERVER_MODEL_BATCHING_SETTINGS_H_

#include "absl/status/statusor.h"
#include "server/model/model_settings.h"
#include "weir/v1/model_config.pb.h"

namespace weir {

// How batches are formed; the defaults if the config does not say. An error names the field, what
// was expected and what came.
absl::StatusOr<BatchingSettings> ParseBatching(const v1::ModelConfig& config);

// The instances of all groups together; 0 if there is no group.
absl::StatusOr<int> ParseInstances(const v1::ModelConfig& config);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_BATCHING_SETTINGS_H_
