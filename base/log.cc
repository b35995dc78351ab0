#include "base/log.h"

#include <unistd.h>

#include "absl/strings/str_format.h"
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

// Everything but control characters stays as it is.
std::string EscapeControls(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&escaped, "\\x%02x", byte);
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

}  // namespace

std::string FormatLogLine(LogSeverity severity, absl::Time time, absl::string_view file, int line,
                          absl::string_view message) {
  return absl::StrCat(absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", time, absl::UTCTimeZone()), " ",
                      Name(severity), " ", file, ":", line, " ", EscapeControls(message), "\n");
}

void WriteLog(LogSeverity severity, absl::string_view file, int line, absl::string_view message) {
  const std::string text = FormatLogLine(severity, absl::Now(), file, line, message);
  // Nobody is left to tell when stderr is gone.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace weir
