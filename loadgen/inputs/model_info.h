// What a server says of the models that it has.
#ifndef WEIR_LOADGEN_INPUTS_MODEL_INFO_H_
#define WEIR_LOADGEN_INPUTS_MODEL_INFO_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weir/v1/admin.pb.h"

namespace weir {

struct ModelInfo {
  std::string address;             // Of a server that has it ready.
  v1::ModelDescription description;  // New in admin.proto: see there.
};

// Asks each of `addresses` (Admin/ListModels). A model that several have is listed for each.
// UNAVAILABLE, naming the address, if one of them does not answer within `timeout`.
absl::StatusOr<std::vector<ModelInfo>> FindModels(const std::vector<std::string>& addresses,
                                                  absl::Duration timeout);

}  // namespace weir

#endif  // WEIR_LOADGEN_INPUTS_MODEL_INFO_H_
