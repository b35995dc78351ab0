// What a scenario must be, whatever models there are.
#ifndef WEIR_LOADGEN_SCENARIO_CHECK_SCENARIO_H_
#define WEIR_LOADGEN_SCENARIO_CHECK_SCENARIO_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/text_format.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {

// INVALID_ARGUMENT that names the field, such as phases[1].ramp.to, what it says and what it must
// be.
absl::Status CheckScenario(const v1::LoadScenario& scenario);

// The same of a scenario that was read from the file `path`: the error begins with file, line and
// column of the field, or with the place of what lacks it.
absl::Status CheckScenario(const v1::LoadScenario& scenario, absl::string_view path,
                           const google::protobuf::TextFormat::ParseInfoTree& places);

}  // namespace weir

#endif  // WEIR_LOADGEN_SCENARIO_CHECK_SCENARIO_H_
