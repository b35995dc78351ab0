// What every server of weir does before anything else.
#ifndef WEIR_BASE_PROGRAM_H_
#define WEIR_BASE_PROGRAM_H_

#include "base/log.h"

namespace weir {

// Sets up the log, into which gRPC and protobuf write too, catches signals for WaitForTermination,
// and keeps abseil from looking for deadlocks. Call it once, first in main, when flags are parsed.
void StartProgram(LogSeverity min_log_severity);

}  // namespace weir

#endif  // WEIR_BASE_PROGRAM_H_
