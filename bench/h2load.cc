#include "bench/h2load.h"

#include <cstdio>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "bench/program_output.h"

namespace weir {
namespace {

// Reads the line of `text` that begins with `name` by `format`; whether all `values` were there.
template <typename... Values>
bool ReadLine(const std::string& text, const std::string& name, const char* format,
              Values*... values) {
  const size_t at = text.find("\n" + name);
  return at != std::string::npos &&
         std::sscanf(text.c_str() + at + 1 + name.size(), format, values...) == sizeof...(values);
}

}  // namespace

absl::StatusOr<H2loadReport> ParseH2load(const std::string& output) {
  H2loadReport report;
  int64_t total = 0;
  int64_t good = 0;
  if (!ReadLine(output, "finished in ", "%*[^,], %lf req/s", &report.per_second) ||
      !ReadLine(output, "requests: ", "%ld total, %*d started, %*d done, %ld succeeded", &total,
                &report.answers) ||
      !ReadLine(output, "status codes: ", "%ld 2xx", &good) ||
      !ReadLine(output,
                "traffic: ", "%*s (%*d) total, %*s (%*d) headers (space savings %*[^)]), %*s (%ld)",
                &report.data_bytes)) {
    return absl::InternalError(absl::StrCat("h2load says nothing of use:\n", output));
  }
  if (report.answers == 0 || report.answers < total || good < report.answers) {
    return absl::UnavailableError(absl::StrCat("not all calls were answered:\n", output));
  }
  return report;
}

absl::StatusOr<H2loadReport> RunH2load(const H2loadOptions& options) {
  WEIR_ASSIGN_OR_RETURN(
      const ProgramOutput output,
      RunProgram({options.program,
                  absl::StrCat("--duration=", absl::ToInt64Milliseconds(options.duration), "ms"),
                  absl::StrCat("--warm-up-time=", absl::ToInt64Milliseconds(options.warm_up), "ms"),
                  absl::StrCat("--clients=", options.connections),
                  absl::StrCat("--max-concurrent-streams=", options.streams), "--threads=1",
                  absl::StrCat("--data=", options.request_file), "--header=te: trailers",
                  "--header=content-type: application/grpc",
                  absl::StrCat("http://", options.address, options.method)},
                 options.warm_up + options.duration + absl::Minutes(1)));
  WEIR_ASSIGN_OR_RETURN(H2loadReport report, ParseH2load(output.text));
  report.cpu = output.cpu;
  return report;
}

}  // namespace weir
