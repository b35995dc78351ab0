// Tells the log whether a gateway takes what the server pushes.
#ifndef WEIR_SERVER_STATS_GATEWAY_HEALTH_H_
#define WEIR_SERVER_STATS_GATEWAY_HEALTH_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace weir {

// Whether the gateway will refuse the same push again.
bool IsRefusal(const absl::Status& status);

// One line when a gateway is lost and one when it is back, however many pushes fail between;
// refusals besides, but not each one. For one thread. Times are those of base/clock.h.
class GatewayHealth {
 public:
  explicit GatewayHealth(std::string address) : address_(std::move(address)) {}

  void Succeeded(absl::Time now);
  void Failed(const absl::Status& why, absl::Time now);

  int64_t failures() const { return failures_; }  // Since the last success.

 private:
  const std::string address_;
  bool known_ = false;  // A push has ended before.
  int64_t failures_ = 0;
  absl::Time lost_;  // If there are failures.
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_GATEWAY_HEALTH_H_
