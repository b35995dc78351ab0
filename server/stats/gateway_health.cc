#include "server/stats/gateway_health.h"

#include <utility>

#include "base/log.h"

namespace weir {

bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status);
}

void GatewayHealth::Succeeded(absl::Time now) {
  if (failures_ > 0) {
    WEIR_LOG(kInfo, "gateway ", address_, " takes statistics again",
             LogField("seconds", absl::ToDoubleSeconds(now - lost_)),
             LogField("failures", failures_));
  } else if (!known_) {
    WEIR_LOG(kInfo, "pushing statistics to gateway ", address_);
  }
  known_ = true;
  failures_ = 0;
}

void GatewayHealth::Failed(const absl::Status& why, absl::Time now) {
  if (failures_ == 0) {
    lost_ = now;
    WEIR_LOG(kWarning, "gateway ", address_, " takes no statistics; tried again and again",
             LogField("code", absl::StatusCodeToString(why.code())),
             LogField("error", why.message()));
  } else if (IsRefusal(why)) {
    WEIR_LOG_EVERY(kError, absl::Seconds(30), "gateway ", address_, " refuses the statistics",
                   LogField("code", absl::StatusCodeToString(why.code())),
                   LogField("error", why.message()));
  }
  known_ = true;
  ++failures_;
}

}  // namespace weir
