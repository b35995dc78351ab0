#include "server/rpc/slow_request_log.h"

#include "absl/strings/str_format.h"

namespace weir {
namespace {

LogField Milliseconds(absl::string_view key, absl::Duration duration) {
  return {key, absl::StrFormat("%.3f", absl::ToDoubleMilliseconds(duration))};
}

}  // namespace

LogMessage SlowRequestMessage(const SlowRequest& request) {
  return LogMessage(
      "slow request", LogField("model", request.model), LogField("version", request.version),
      LogField("request_id", request.request_id), LogField("rows", request.rows),
      LogField("code", absl::StatusCodeToString(request.code)),
      Milliseconds("total_ms", request.total), Milliseconds("queue_ms", request.times.queue),
      Milliseconds("assemble_ms", request.times.assemble),
      Milliseconds("inference_ms", request.times.inference),
      Milliseconds("respond_ms", request.respond), Milliseconds("threshold_ms", request.threshold));
}

void LogSlowRequest(const SlowRequest& request) {
  WEIR_LOG_EVERY(kWarning, absl::Milliseconds(100), SlowRequestMessage(request));
}

}  // namespace weir
