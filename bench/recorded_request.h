// Everything that one request records, by weir's recorder and by prometheus-cpp.
#ifndef WEIR_BENCH_RECORDED_REQUEST_H_
#define WEIR_BENCH_RECORDED_REQUEST_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "server/stats/recorder.h"

namespace weir {

// One answered request of one row, that ran in a batch of its own: the most that a request of one
// row costs.
struct RecordedRequest {
  int64_t total_ns = 0;
  std::array<int64_t, kStages> stage_ns = {};
  int64_t index = 0;  // Of its class.
  float score = 0;
};

// As a model that takes a fraction of a millisecond has them: no two alike, so that neither caches
// nor branches know what comes.
std::vector<RecordedRequest> MakeRequests(size_t count, uint64_t seed);

// Of a classifier of ten classes.
VersionDefinition RecordedModel();

void Record(const RecordedRequest& request, VersionStats& stats);

// The same in prometheus-cpp, with labels looked up beforehand: but for the log-linear histogram,
// which it does not have.
class PrometheusStats {
 public:
  PrometheusStats();

  void Record(const RecordedRequest& request);

 private:
  prometheus::Registry registry_;
  prometheus::Gauge& in_flight_;
  prometheus::Counter& answered_;
  prometheus::Counter& rows_;
  prometheus::Histogram& duration_;
  std::array<prometheus::Histogram*, kStages> stages_ = {};
  prometheus::Counter& batches_;
  prometheus::Counter& busy_;
  prometheus::Histogram& batch_rows_;
  std::vector<prometheus::Counter*> classes_;
  prometheus::Histogram& confidence_;
};

}  // namespace weir

#endif  // WEIR_BENCH_RECORDED_REQUEST_H_
