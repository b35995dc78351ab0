// The log of every program: one line an event, to stderr.
//
//   2026-11-21T01:40:00.123456Z INFO server/model/repository.cc:42 loaded fashion-fast version 1
//
// A line goes out with a single write(2), so lines of several threads never mix; control
// characters in it are escaped, so that no text from outside can forge a line.
#ifndef WEIR_BASE_LOG_H_
#define WEIR_BASE_LOG_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

enum class LogSeverity { kInfo, kWarning, kError };

// The line as it is written, with its newline.
std::string FormatLogLine(LogSeverity severity, absl::Time time, absl::string_view file, int line,
                          absl::string_view message);

void WriteLog(LogSeverity severity, absl::string_view file, int line, absl::string_view message);

}  // namespace weir

// WEIR_LOG(kInfo, "loaded ", name, " in ", duration_ms, " ms");
#define WEIR_LOG(severity, ...) \
  ::weir::WriteLog(::weir::LogSeverity::severity, __FILE__, __LINE__, ::absl::StrCat(__VA_ARGS__))

#endif  // WEIR_BASE_LOG_H_
