// How reports come into files.
#ifndef WEIR_LOADGEN_REPORT_REPORT_FILE_H_
#define WEIR_LOADGEN_REPORT_REPORT_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir {

// Whole or not at all: a file is written beside `path` and takes its place. What is no regular
// file, such as a pipe or /dev/stdout, is written to as it is. Errors name the file and the
// system's reason.
absl::Status WriteReportFile(const std::string& path, absl::string_view contents);

// An error like that of WriteReportFile if it is clear before a run that there would be one.
absl::Status CheckReportFile(const std::string& path);

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_REPORT_FILE_H_
