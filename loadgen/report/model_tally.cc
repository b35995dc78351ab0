#include "loadgen/report/model_tally.h"

#include <algorithm>

namespace weir {

void ModelTally::RecordLatency(uint64_t nanoseconds) {
  latency_ns.Record(nanoseconds);
  max_latency_ns = std::max(max_latency_ns, nanoseconds);
}

void ModelTally::CountEnd(absl::StatusCode code) {
  const auto index = static_cast<unsigned>(code);
  ++ended[index < kStatusCodes ? index : static_cast<unsigned>(absl::StatusCode::kUnknown)];
}

void ModelTally::Merge(const ModelTally& other) {
  sent += other.sent;
  for (int code = 0; code < kStatusCodes; ++code) ended[code] += other.ended[code];
  latency_ns.Merge(other.latency_ns);
  max_latency_ns = std::max(max_latency_ns, other.max_latency_ns);
  send_lag_ns.Merge(other.send_lag_ns);
  quality.Merge(other.quality);
}

void ModelTally::Report(double seconds, v1::LoadModel& report) const {
  report.set_sent(static_cast<double>(sent));
  report.set_answered(static_cast<double>(answered()));
  for (int code = 0; code < kStatusCodes; ++code) {
    if (ended[code] == 0) continue;
    v1::LoadCode& out = *report.add_codes();
    out.set_code(absl::StatusCodeToString(static_cast<absl::StatusCode>(code)));
    out.set_count(static_cast<double>(ended[code]));
  }
  report.set_sent_per_second(seconds > 0 ? report.sent() / seconds : 0);
  *report.mutable_latency() = LatencyOf(latency_ns, max_latency_ns);
  if (quality.known()) *report.mutable_quality() = quality.Report();
}

void ModelTally::ReportDistribution(v1::LoadModel& report) const {
  for (int bucket = 0; bucket < kHistogramBuckets; ++bucket) {
    const int64_t count = latency_ns.CountInBucket(bucket);
    if (count == 0) continue;
    v1::LoadBucket& out = *report.add_distribution();
    out.set_from(static_cast<double>(HistogramBucketBegin(bucket)) / 1e9);
    out.set_to(static_cast<double>(HistogramBucketBegin(bucket + 1)) / 1e9);
    out.set_count(static_cast<double>(count));
  }
}

v1::LoadLatency LatencyOf(const Histogram& nanoseconds, uint64_t max) {
  const double max_seconds = static_cast<double>(max) / 1e9;
  // The middle of a bucket may lie above the largest value in it.
  const auto quantile = [&](double q) {
    return std::min(nanoseconds.Quantile(q) / 1e9, max_seconds);
  };
  v1::LoadLatency latency;
  latency.set_mean(nanoseconds.Mean() / 1e9);
  latency.set_p50(quantile(0.5));
  latency.set_p90(quantile(0.9));
  latency.set_p95(quantile(0.95));
  latency.set_p99(quantile(0.99));
  latency.set_p999(quantile(0.999));
  latency.set_max(max_seconds);
  return latency;
}

}  // namespace weir
