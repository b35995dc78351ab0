#include "loadgen/scenario/scenario_fields.h"

namespace weir {
namespace {

using v1::LoadPhase;
using v1::LoadScenario;
using v1::LoadTraffic;

// `text`, a duration, times `factor`. Rounded down, so that parts do not outgrow their sum.
void Scale(double factor, std::string& text) {
  const absl::Duration scaled = DurationOf(text, absl::ZeroDuration()) * factor;
  text = absl::FormatDuration(absl::Floor(scaled, absl::Microseconds(1)));
}

}  // namespace

double WeightOf(const LoadTraffic& traffic) { return traffic.has_weight() ? traffic.weight() : 1; }

int RowsOf(const LoadTraffic& traffic) { return traffic.has_rows() ? traffic.rows() : 1; }

absl::Duration TimeoutOf(const LoadTraffic& traffic) {
  return DurationOf(traffic.timeout(), absl::Seconds(1));
}

absl::Duration DurationOf(const std::string& text, absl::Duration if_empty) {
  absl::Duration duration;
  return absl::ParseDuration(text, &duration) ? duration : if_empty;
}

int CapacityPhase(const LoadScenario& scenario, int phase) {
  do {
    --phase;
  } while (phase >= 0 && !scenario.phases(phase).has_concurrency());
  return phase;
}

void ScaleTo(absl::Duration total, LoadScenario& scenario) {
  absl::Duration sum;
  for (const LoadPhase& phase : scenario.phases()) {
    sum += DurationOf(phase.duration(), absl::ZeroDuration());
  }
  if (sum <= absl::ZeroDuration()) return;
  const double factor = absl::FDivDuration(total, sum);
  for (LoadPhase& phase : *scenario.mutable_phases()) {
    if (phase.duration().empty()) continue;
    Scale(factor, *phase.mutable_duration());
    if (!phase.has_spike()) continue;
    Scale(factor, *phase.mutable_spike()->mutable_at());
    Scale(factor, *phase.mutable_spike()->mutable_length());
  }
}

}  // namespace weir
