// Scenarios: files in protobuf text format, or what the command line asks for, checked as a whole.
// docs/load-scenarios.md explains each field.
#ifndef WEIR_LOADGEN_SCENARIO_SCENARIO_H_
#define WEIR_LOADGEN_SCENARIO_SCENARIO_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "loadgen/scenario/scenario_fields.h"  // IWYU pragma: export
#include "weir/v1/load_scenario.pb.h"

namespace weir {

// Reads `name` from `directory`, or the file `name` if it holds a '/' or ends in .textproto. An
// unknown name is NOT_FOUND and lists those there are; what is wrong in a file is INVALID_ARGUMENT
// with file, line and column. Relative paths within come back as paths from the file's folder.
absl::StatusOr<v1::LoadScenario> ReadScenario(const std::string& name,
                                              const std::string& directory);

// The same of a text that was read from `path`.
absl::StatusOr<v1::LoadScenario> ParseScenario(absl::string_view text, absl::string_view path);

// Names and descriptions, by name. Fails like ReadScenario if one of them is not a scenario.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ListScenarios(
    const std::string& directory);

}  // namespace weir

#endif  // WEIR_LOADGEN_SCENARIO_SCENARIO_H_
