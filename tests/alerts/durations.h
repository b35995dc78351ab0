// How tests make time go faster for the repository's rules, configuration and load scenarios.
#ifndef WEIR_TESTS_ALERTS_DURATIONS_H_
#define WEIR_TESTS_ALERTS_DURATIONS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace weir {

// `text`, a file of Prometheus' or Alertmanager's, or a load scenario, with every duration divided
// by `speed`: those of settings such as for, interval and group_wait, those of a load's phases, and
// in PromQL ranges, steps and offsets. Nothing else changes: neither names such as rate5m, nor
// labels, nor thresholds, nor how long a load has answers held back.
std::string SpeedUp(absl::string_view text, double speed);

}  // namespace weir

#endif  // WEIR_TESTS_ALERTS_DURATIONS_H_
