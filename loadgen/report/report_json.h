// The report of a run for programs.
#ifndef WEIR_LOADGEN_REPORT_REPORT_JSON_H_
#define WEIR_LOADGEN_REPORT_REPORT_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "weir/v1/load_report.pb.h"

namespace weir {

// In protobuf's JSON format with the names of load_report.proto; fields that are 0 are written too.
absl::StatusOr<std::string> ReportJson(const v1::LoadReport& report);

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_REPORT_JSON_H_
