// The series of a server that does not exist: those of the catalogue that a weir-server has, with
// the labels and bounds that one has, and how they grow.
//
// All status codes, stages and reasons; 10 classes for each classifier (two of three models; the
// third is a regression); durations around 2 ms.
#ifndef WEIR_BENCH_SERVED_SERIES_H_
#define WEIR_BENCH_SERVED_SERIES_H_

#include <string>
#include <vector>

#include "base/metrics.h"

namespace weir {

// Values that a histogram has, with their buckets.
struct Distribution {
  struct Sample {
    double value = 0;
    int bucket = 0;
    int log_linear_index = 0;  // In log_linear_buckets.
  };
  std::vector<double> bounds;
  std::vector<Sample> samples;  // 4096.
  std::vector<int>
      log_linear_buckets;  // Of base/histogram.h, those that samples are in, ascending.
};

struct ServedSeries {
  const Metric* metric = nullptr;
  std::vector<std::string> labels;  // As the metric's.
  int model = 0;                    // 0 for the first one of the server; 0 for the process.

  double gauge = 0;                            // The value of a gauge.
  double per_request = 0;                      // How much a counter grows.
  const Distribution* distribution = nullptr;  // Of a histogram; lives for ever.
};

// In the order of the catalogue. The models are "model-<first_model>" and those that follow.
std::vector<ServedSeries> SeriesOfServer(const std::string& replica, int first_model, int models);

}  // namespace weir

#endif  // WEIR_BENCH_SERVED_SERIES_H_
