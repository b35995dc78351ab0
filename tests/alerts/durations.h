// How tests make time go faster for the repository's rules and configuration.
#ifndef WEIR_TESTS_ALERTS_DURATIONS_H_
#define WEIR_TESTS_ALERTS_DURATIONS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace weir {

// `yaml`, a file of Prometheus' or Alertmanager's, with every duration divided by `speed`: those of
// settings such as for, interval and group_wait, and in PromQL ranges, steps and offsets. Nothing
// else changes: neither names such as rate5m, nor labels, nor thresholds.
std::string SpeedUp(absl::string_view yaml, double speed);

}  // namespace weir

#endif  // WEIR_TESTS_ALERTS_DURATIONS_H_
