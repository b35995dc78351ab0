// The `parameters` of a config.pbtxt: weir's own settings, whose keys begin with "weir.", and those
// of Triton's PyTorch backend.
#ifndef WEIR_SERVER_MODEL_MODEL_PARAMETERS_H_
#define WEIR_SERVER_MODEL_MODEL_PARAMETERS_H_

#include <string>

#include "absl/status/status.h"
#include "server/model/model_settings.h"

namespace weir {

// Puts one parameter into the settings. An error names the key, what was expected and what came, or
// a key of weir's that is unknown; keys of somebody else's are left alone.
absl::Status ApplyParameter(const std::string& key, const std::string& value,
                            ModelSettings& settings);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_MODEL_PARAMETERS_H_
