// The report of a run for people in a terminal.
#ifndef WEIR_LOADGEN_REPORT_REPORT_TEXT_H_
#define WEIR_LOADGEN_REPORT_REPORT_TEXT_H_

#include <string>

#include "weir/v1/load_report.pb.h"

namespace weir {

// Tables of all that counts and of each phase, the generator's own state, requirements, and
// warnings in red. Without escape sequences if `colours` are off.
std::string ReportText(const v1::LoadReport& report, bool colours);

// Its last parts, with an empty line before each: requirements, then warnings. Empty without any.
std::string VerdictText(const v1::LoadReport& report, bool colours);

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_REPORT_TEXT_H_
