// Where the time of a slow request went.
#ifndef WEIR_SERVER_RPC_SLOW_REQUEST_LOG_H_
#define WEIR_SERVER_RPC_SLOW_REQUEST_LOG_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "server/model/servable.h"

namespace weir {

struct SlowRequest {
  absl::string_view model;
  int64_t version = 0;  // 0 if none was found.
  absl::string_view request_id;
  int64_t rows = 0;
  absl::StatusCode code = absl::StatusCode::kOk;
  absl::Duration total;
  StageTimes times;
  absl::Duration respond;
  absl::Duration threshold;  // The server's, which `total` has reached.
};

// slow request model=fashion-fast version=3 request_id=a1 rows=4 code=OK total_ms=1234.567
// queue_ms=1200.000 assemble_ms=0.120 inference_ms=34.000 respond_ms=0.447 threshold_ms=1000.000
LogMessage SlowRequestMessage(const SlowRequest& request);

// Writes that as a warning, but not more than ten a second: when everything is slow, the log must
// not make it slower. The next line says how many were left out. Thread-safe.
void LogSlowRequest(const SlowRequest& request);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_SLOW_REQUEST_LOG_H_
