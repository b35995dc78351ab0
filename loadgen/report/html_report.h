// The report as a page: one file with all that it needs, to be opened without a network.
#ifndef WEIR_LOADGEN_REPORT_HTML_REPORT_H_
#define WEIR_LOADGEN_REPORT_HTML_REPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "weir/v1/load_report.pb.h"

namespace weir {

// The page of `report`, and of `frontier` unless that is null. What stands in them is data to the
// page, whatever it holds: a name that looks like markup is shown as it is.
absl::StatusOr<std::string> HtmlReport(const v1::LoadReport& report, const v1::Frontier* frontier);

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_HTML_REPORT_H_
