// What ended when: a run's moments, in memory that does not grow with the run.
#ifndef WEIR_LOADGEN_REPORT_TIMELINE_H_
#define WEIR_LOADGEN_REPORT_TIMELINE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/histogram.h"
#include "weir/v1/load_report.pb.h"

namespace weir {

// A stretch of time of one model.
struct Moment {
  absl::Duration length;
  int64_t sent = 0;
  int64_t answered = 0;
  int64_t failed = 0;
  std::vector<std::pair<int, int64_t>> latency_ns;  // Buckets of base/histogram.h that hold any.

  void SetLatency(const Histogram& latency_ns);
  double Quantile(double q) const;  // In seconds; 0 without answers.
  void Append(const Moment& next);
};

// Moments of one second each, one after the other; those of long runs are joined so that there are
// never more than kMaxMoments.
class Timeline {
 public:
  static constexpr int kMaxMoments = 600;

  void Add(Moment second);

  // A last part that is shorter than half of the others is joined to the one before.
  void Report(google::protobuf::RepeatedPtrField<v1::LoadMoment>& moments) const;

 private:
  absl::Duration step_ = absl::Seconds(1);  // As long as each moment but the last is.
  std::vector<Moment> moments_;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_TIMELINE_H_
