// What servers say of the models that they have.
#ifndef WEIR_LOADGEN_INPUTS_MODEL_INFO_H_
#define WEIR_LOADGEN_INPUTS_MODEL_INFO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weir/v1/admin.pb.h"

namespace weir {

struct ModelInfo {
  std::string address;               // Of a server that has it ready.
  v1::ModelDescription description;  // Of its newest ready version; servers tell of no other.
  std::vector<int64_t> versions;     // Those that are ready, ascending; at least one.
};

// Asks each of `addresses` (Admin/ListModels) for the models that are ready there. A model that
// several have is listed for each. One that is ready and not described has just begun or ceased to
// be served, and is left out. An error names the address: UNAVAILABLE if a server does not answer
// within `timeout`, FAILED_PRECONDITION if it has models and is too old to describe any, or what it
// answered.
absl::StatusOr<std::vector<ModelInfo>> FindModels(const std::vector<std::string>& addresses,
                                                  absl::Duration timeout);

}  // namespace weir

#endif  // WEIR_LOADGEN_INPUTS_MODEL_INFO_H_
