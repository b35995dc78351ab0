// What became of the requests of one model.
#ifndef WEIR_LOADGEN_REPORT_MODEL_TALLY_H_
#define WEIR_LOADGEN_REPORT_MODEL_TALLY_H_

#include <array>
#include <cstdint>

#include "absl/status/status.h"
#include "base/histogram.h"
#include "loadgen/report/quality.h"
#include "weir/v1/load_report.pb.h"

namespace weir {

inline constexpr int kStatusCodes = 17;

// In one phase, or in all that count. 46 KB large.
struct ModelTally {
  int64_t sent = 0;
  std::array<int64_t, kStatusCodes> ended = {};  // By code.
  // From when they were due, of answers with OK, and of requests that timed out: how long those
  // waited. To leave them out would end each stall at the timeout.
  Histogram latency_ns;
  uint64_t max_latency_ns = 0;
  Histogram send_lag_ns;  // In open loops.
  Quality quality;

  int64_t answered() const { return ended[0]; }
  void CountEnd(absl::StatusCode code);
  void RecordLatency(uint64_t nanoseconds);
  void Merge(const ModelTally& other);

  // All but names and what comes from the model, distribution, timeline, and answers per second.
  void Report(double seconds, v1::LoadModel& report) const;
  void ReportDistribution(v1::LoadModel& report) const;
};

v1::LoadLatency LatencyOf(const Histogram& nanoseconds, uint64_t max);

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_MODEL_TALLY_H_
