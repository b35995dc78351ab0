// Files of arrival times, for LoadPhase.replay_file.
#ifndef WEIR_LOADGEN_SCENARIO_REPLAY_FILE_H_
#define WEIR_LOADGEN_SCENARIO_REPLAY_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

// Seconds since the phase began, a number on each line, ascending; equal ones are due together.
// Empty lines and those that begin with '#' are skipped. What is wrong is INVALID_ARGUMENT with
// file and line.
absl::StatusOr<std::vector<absl::Duration>> ReadReplay(const std::string& path);

// The same of a text that was read from `path`.
absl::StatusOr<std::vector<absl::Duration>> ParseReplay(absl::string_view text,
                                                        absl::string_view path);

}  // namespace weir

#endif  // WEIR_LOADGEN_SCENARIO_REPLAY_FILE_H_
