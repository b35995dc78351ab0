// What another program prints.
#ifndef WEIR_BENCH_PROGRAM_OUTPUT_H_
#define WEIR_BENCH_PROGRAM_OUTPUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace weir {

struct ProgramOutput {
  std::string text;    // Of stdout and stderr.
  absl::Duration cpu;  // Processor time that it used.
};

// Runs `command`, whose first word is a path, to its end. An error with what it said if it does not
// end with 0 within `timeout`. No other child may end meanwhile: its time would be counted too.
absl::StatusOr<ProgramOutput> RunProgram(const std::vector<std::string>& command,
                                         absl::Duration timeout);

}  // namespace weir

#endif  // WEIR_BENCH_PROGRAM_OUTPUT_H_
