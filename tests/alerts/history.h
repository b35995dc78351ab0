// What became of alerts, as a real Prometheus evaluated it.
#ifndef WEIR_TESTS_ALERTS_HISTORY_H_
#define WEIR_TESTS_ALERTS_HISTORY_H_

#include <map>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/alerts/message.h"

namespace weir {

// When an alert was first seen in each state.
struct AlertTimes {
  absl::Time pending = absl::InfiniteFuture();
  absl::Time firing = absl::InfiniteFuture();
};

// Of all alerts that were pending or firing at or after `since`, by what Prometheus at
// 127.0.0.1:`port` has recorded until now. Of several that look alike, such as two versions of one
// model, the first counts.
absl::StatusOr<std::map<AlertId, AlertTimes>> AlertHistory(int port, absl::Time since);

}  // namespace weir

#endif  // WEIR_TESTS_ALERTS_HISTORY_H_
