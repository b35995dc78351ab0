// Scenarios: files in protobuf text format, or what the command line asks for, checked as a whole.
#ifndef WEIR_LOADGEN_SCENARIO_SCENARIO_H_
#define WEIR_LOADGEN_SCENARIO_SCENARIO_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {

// Reads `name` from `directory`, or the file `name` if it holds a '/' or ends in .textproto. An
// unknown name is NOT_FOUND and lists those there are; what is wrong in a file is INVALID_ARGUMENT
// with file, line and column, or with the phase and field.
absl::StatusOr<v1::LoadScenario> ReadScenario(const std::string& name, const std::string& directory);

// What the texts of a scenario must be, whatever models there are.
absl::Status CheckScenario(const v1::LoadScenario& scenario);

// Names and descriptions, by name.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ListScenarios(
    const std::string& directory);

// Of checked texts.
absl::Duration DurationOf(const std::string& text, absl::Duration if_empty);

// All phases that have a duration, and the times in them, stretched or shrunk so that they take
// `total` together.
void ScaleTo(absl::Duration total, v1::LoadScenario& scenario);

}  // namespace weir

#endif  // WEIR_LOADGEN_SCENARIO_SCENARIO_H_
