#include "base/log.h"

#include <unistd.h>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"

namespace weir {
namespace {

absl::string_view Name(LogSeverity severity) {
  switch (severity) {
    case LogSeverity::kInfo:
      return "INFO";
    case LogSeverity::kWarning:
      return "WARNING";
    case LogSeverity::kError:
      return "ERROR";
  }
  return "ERROR";
}

}  // namespace

std::string FormatLogLine(LogSeverity severity, absl::Time time, absl::string_view file, int line,
                          absl::string_view message) {
  return absl::StrCat(absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", time, absl::UTCTimeZone()), " ",
                      Name(severity), " ", file, ":", line, " ", absl::Utf8SafeCHexEscape(message),
                      "\n");
}

void WriteLog(LogSeverity severity, absl::string_view file, int line, absl::string_view message) {
  const std::string text = FormatLogLine(severity, absl::Now(), file, line, message);
  // Nobody is left to tell when stderr is gone.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace weir
