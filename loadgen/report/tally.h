// What became of requests, by phase and model, while a run goes on.
#ifndef WEIR_LOADGEN_REPORT_TALLY_H_
#define WEIR_LOADGEN_REPORT_TALLY_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/histogram.h"
#include "loadgen/report/quality.h"

namespace weir {

inline constexpr int kStatusCodes = 17;

// Of one model, in one phase or in all that count.
struct ModelTally {
  int64_t sent = 0;
  int64_t answered_rows = 0;
  std::array<int64_t, kStatusCodes> ended = {};  // By code.
  Histogram latency_ns;                          // Of answers with OK, from when they were due.
  absl::Duration max_latency;
  Quality quality;

  void Merge(const ModelTally& other);
};

// One second of all models, for the live view.
struct LiveModel {
  std::string model;
  int64_t sent = 0, answered = 0, failed = 0, in_flight = 0;  // sent .. failed: in that second.
  double p50_seconds = 0, p99_seconds = 0;                     // Of its answers.
};

// Written by the thread of the load; Live() may be called by another one meanwhile.
//
// class Tally {
//   Tally(std::vector<Phase{name, warm_up}>, std::vector<Model{name, family, variant, slo}>);
//   void BeginPhase(int phase, absl::Time now);  EndPhase...
//   void Sent(int phase, int model, absl::Time due, absl::Time sent);
//   void Ended(int phase, int model, absl::Time due, absl::Time now, absl::StatusCode code, int rows);
//   Quality& quality(int phase, int model);
//   std::vector<LiveModel> Live();            // thread-safe: the last full second
//   v1::LoadReport Report() const;            // when the run is over
// };
// Timelines: one point a second, at most 600; then neighbours are merged, so that memory stays flat.

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_TALLY_H_
