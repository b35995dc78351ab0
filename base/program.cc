#include "base/program.h"

#include <string>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/termination.h"
#include "google/protobuf/stubs/logging.h"
#include "grpc/support/log.h"

namespace weir {
namespace {

void LogAsWeir(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_ERROR) {
    WEIR_LOG(kWarning, "grpc: ", args->message);
  } else {
    WEIR_LOG(kInfo, "grpc: ", args->message);
  }
}

// Also from outside: a message of a caller's that does not parse comes to this.
void LogProtobufAsWeir(google::protobuf::LogLevel, const char*, int, const std::string& message) {
  WEIR_LOG_EVERY(kWarning, absl::Seconds(1), "protobuf: ", message);
}

}  // namespace

void StartProgram(LogSeverity min_log_severity) {
  // Debian builds abseil so that every mutex is entered into one graph, behind one lock, to find
  // cycles. Tests are the place for that.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  SetMinLogSeverity(min_log_severity);
  CatchTermination();
  gpr_set_log_function(LogAsWeir);
  google::protobuf::SetLogHandler(LogProtobufAsWeir);
}

}  // namespace weir
