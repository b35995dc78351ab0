#include "base/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace weir {
namespace {

constexpr std::array kCatalogue = {
    &metric::kRequests,
    &metric::kRows,
    &metric::kBatches,
    &metric::kRequestDuration,
    &metric::kStageDuration,
    &metric::kBatchRows,
    &metric::kRejections,
    &metric::kRequestsInFlight,
    &metric::kQueueRows,
    &metric::kQueueCapacityRows,
    &metric::kInstances,
    &metric::kInstanceBusy,
    &metric::kModelInfo,
    &metric::kModelLoaded,
    &metric::kModelLoadTimestamp,
    &metric::kModelLoadDuration,
    &metric::kModelLoadFailures,
    &metric::kModelSloLatency,
    &metric::kModelSloObjective,
    &metric::kModelQuality,
    &metric::kModelValueLimit,
    &metric::kPredictions,
    &metric::kPredictionConfidence,
    &metric::kPredictionValue,
    &metric::kPredictionValueSum,
    &metric::kProcessCpu,
    &metric::kProcessCpuLimit,
    &metric::kProcessResidentMemory,
    &metric::kProcessMemoryLimit,
    &metric::kProcessStartTime,
    &metric::kPushFailures,
    &metric::kRequestDurationQuantile,
    &metric::kGatewayPushes,
    &metric::kGatewaySourceUp,
    &metric::kGatewaySourceLastPush,
    &metric::kGatewaySources,
    &metric::kGatewaySeries,
    &metric::kGatewaySeriesDropped,
    &metric::kGatewayJournalBytes,
    &metric::kGatewayJournalWritable,
    &metric::kGatewayJournalSync,
    &metric::kGatewayScrapeDuration,
};

}  // namespace

absl::Span<const Metric* const> MetricCatalogue() { return kCatalogue; }

const Metric* FindMetric(absl::string_view name) {
  const auto* const found =
      std::find_if(kCatalogue.begin(), kCatalogue.end(),
                   [&](const Metric* metric) { return metric->name == name; });
  return found == kCatalogue.end() ? nullptr : *found;
}

std::string BoundText(double bound) {
  const double size = std::abs(bound);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e21);
  char text[64];
  const auto end = std::to_chars(text, text + sizeof(text), bound,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  return {text, end.ptr};
}

}  // namespace weir
