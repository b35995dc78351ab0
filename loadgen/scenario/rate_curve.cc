#include "loadgen/scenario/rate_curve.h"

#include "absl/time/time.h"
#include "loadgen/scenario/scenario_fields.h"

namespace weir {
namespace {

std::vector<RatePiece> Steps(const v1::LoadSteps& steps, absl::Duration duration) {
  std::vector<RatePiece> curve;
  for (const double rate : steps.rates()) {
    curve.push_back({.from = rate, .to = rate, .length = duration / steps.rates_size()});
  }
  return curve;
}

std::vector<RatePiece> Spike(const v1::LoadSpike& spike, absl::Duration duration) {
  const absl::Duration at = DurationOf(spike.at(), absl::ZeroDuration());
  const absl::Duration length = DurationOf(spike.length(), absl::ZeroDuration());
  std::vector<RatePiece> curve = {
      {.from = spike.base(), .to = spike.base(), .length = at},
      {.from = spike.peak(), .to = spike.peak(), .length = length},
      {.from = spike.base(), .to = spike.base(), .length = duration - at - length}};
  std::erase_if(curve, [](const RatePiece& piece) { return piece.length <= absl::ZeroDuration(); });
  return curve;
}

}  // namespace

std::vector<RatePiece> CurveOf(const v1::LoadPhase& phase) {
  const absl::Duration duration = DurationOf(phase.duration(), absl::ZeroDuration());
  switch (phase.load_case()) {
    case v1::LoadPhase::kRate:
      return {{.from = phase.rate(), .to = phase.rate(), .length = duration}};
    case v1::LoadPhase::kRamp:
      return {{.from = phase.ramp().from(), .to = phase.ramp().to(), .length = duration}};
    case v1::LoadPhase::kSteps:
      return Steps(phase.steps(), duration);
    case v1::LoadPhase::kSpike:
      return Spike(phase.spike(), duration);
    default:
      return {};
  }
}

}  // namespace weir
