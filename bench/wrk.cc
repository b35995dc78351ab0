#include "bench/wrk.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "bench/program_output.h"

namespace weir {

absl::StatusOr<WrkReport> ParseWrk(const std::string& output) {
  int64_t answers = 0;
  int64_t microseconds = 0;
  int64_t refused = 0;
  int64_t broken = 0;
  int64_t p50_us = 0;
  int64_t p99_us = 0;
  const size_t at = output.rfind("RESULT ");
  if (at == std::string::npos ||
      std::sscanf(output.c_str() + at,
                  "RESULT answers=%ld microseconds=%ld refused=%ld broken=%ld p50_us=%ld "
                  "p99_us=%ld",
                  &answers, &microseconds, &refused, &broken, &p50_us, &p99_us) != 6) {
    return absl::InternalError(absl::StrCat("wrk says nothing of use:\n", output));
  }
  if (answers == 0 || microseconds == 0 || refused > 0 || broken > 0) {
    return absl::UnavailableError(absl::StrCat("not all requests were answered: ", answers,
                                               " answers, ", refused, " refused, ", broken,
                                               " broken"));
  }
  return WrkReport{
      .per_second = 1e6 * static_cast<double>(answers) / static_cast<double>(microseconds),
      .p50 = absl::Microseconds(p50_us),
      .p99 = absl::Microseconds(p99_us),
      .answers = answers};
}

absl::StatusOr<WrkReport> RunWrk(const WrkOptions& options) {
  const int threads = std::min(options.connections, static_cast<int>(options.addresses.size()));
  const double seconds = std::max(1.0, std::ceil(absl::ToDoubleSeconds(options.duration)));
  std::vector<std::string> command = {options.program,
                                      absl::StrCat("--threads=", threads),
                                      absl::StrCat("--connections=", options.connections),
                                      absl::StrCat("--duration=", seconds, "s"),
                                      "--timeout=30s",
                                      absl::StrCat("--script=", options.script),
                                      absl::StrCat("http://", options.addresses[0], options.path),
                                      "--",
                                      options.bodies_file};
  command.insert(command.end(), options.addresses.begin(), options.addresses.end());
  WEIR_ASSIGN_OR_RETURN(const ProgramOutput output,
                        RunProgram(command, absl::Seconds(seconds + 60)));
  WEIR_ASSIGN_OR_RETURN(WrkReport report, ParseWrk(output.text));
  report.cpu_per_answer = output.cpu / report.answers;
  return report;
}

}  // namespace weir
