#include "bench/program_output.h"

#include <sys/resource.h>

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/process.h"

namespace weir {
namespace {

// Of all children that have ended.
absl::Duration ChildrenCpu() {
  rusage usage = {};
  getrusage(RUSAGE_CHILDREN, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

}  // namespace

absl::StatusOr<ProgramOutput> RunProgram(const std::vector<std::string>& command,
                                         absl::Duration timeout) {
  const absl::Duration cpu_before = ChildrenCpu();
  Process process(command);
  const std::optional<int> exit_code = process.Wait(timeout);
  if (!exit_code) {
    return absl::DeadlineExceededError(absl::StrCat(command[0], " does not end within ",
                                                    absl::FormatDuration(timeout), ":\n",
                                                    process.output()));
  }
  if (*exit_code != 0) {
    return absl::UnavailableError(
        absl::StrCat(command[0], " ended with ", *exit_code, ":\n", process.output()));
  }
  return ProgramOutput{.text = process.output(), .cpu = ChildrenCpu() - cpu_before};
}

}  // namespace weir
