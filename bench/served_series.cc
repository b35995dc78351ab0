#include "bench/served_series.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/histogram.h"

namespace weir {
namespace {

constexpr int kSamples = 4096;

const std::vector<double>& DurationBounds() {
  static const auto& bounds =
      *new std::vector<double>{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.03,
                               0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
  return bounds;
}

std::vector<std::string> LabelValues(absl::string_view label) {
  static const auto& values = *new std::map<absl::string_view, std::vector<std::string>>{
      {"version", {"1"}},
      {"code",
       {"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
        "UNAUTHENTICATED"}},
      {"stage", {"queue", "assemble", "inference", "respond"}},
      {"reason",
       {"queue_full", "unreachable_deadline", "expired", "cancelled", "invalid", "draining"}},
      {"class",
       {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot"}},
      {"sign", {"positive", "negative"}},
      {"family", {"bench"}},
      {"variant", {"fast"}},
      {"device", {"cpu"}},
      {"digest", {"sha256:0123456789abcdef"}},
      {"slo", {"latency", "availability"}},
      {"metric", {"accuracy"}},
      {"limit", {"500"}},
  };
  return values.at(label);
}

// All label values of `metric` of one model, without the model itself.
std::vector<std::vector<std::string>> LabelSets(const Metric& metric) {
  std::vector<std::vector<std::string>> sets = {{}};
  for (const absl::string_view label : metric.labels.subspan(1)) {
    std::vector<std::string> values = LabelValues(label);
    // What did not get as far as a version.
    if (label == "version" && (&metric == &metric::kRequests || &metric == &metric::kRejections)) {
      values.push_back("");
    }
    std::vector<std::vector<std::string>> longer;
    for (const auto& set : sets) {
      for (const std::string& value : values) {
        longer.push_back(set);
        longer.back().push_back(value);
      }
    }
    sets = std::move(longer);
  }
  return sets;
}

bool IsFromServers(const Metric& metric) {
  return !absl::StartsWith(metric.name, "weir_gateway_") &&
         &metric != &metric::kRequestDurationQuantile;
}

bool IsOfProcess(const Metric& metric) { return metric.labels[0] == "replica"; }

bool HasMetric(int model, const Metric& metric) {
  const bool regression = model % 3 == 2;
  if (&metric == &metric::kPredictions || &metric == &metric::kPredictionConfidence) {
    return !regression;
  }
  if (&metric == &metric::kPredictionValue || &metric == &metric::kPredictionValueSum ||
      &metric == &metric::kModelValueLimit) {
    return regression;
  }
  return true;
}

// How much a counter grows with a request.
double PerRequest(const Metric& metric, const std::vector<std::string>& labels) {
  if (&metric == &metric::kRequests) return labels[1] == "1" && labels[2] == "OK" ? 1 : 0;
  if (&metric == &metric::kRows) return 1;
  if (&metric == &metric::kBatches) return 0.25;
  if (&metric == &metric::kInstanceBusy) return 0.001;
  if (&metric == &metric::kPredictions) return 0.1;
  if (&metric == &metric::kPredictionValueSum) return labels[2] == "positive" ? 250 : 0;
  if (&metric == &metric::kProcessCpu) return 0.002;
  return 0;
}

double GaugeValue(const Metric& metric) {
  if (&metric == &metric::kQueueCapacityRows) return 1024;
  if (&metric == &metric::kModelLoadTimestamp || &metric == &metric::kProcessStartTime)
    return 1.7e9;
  if (&metric == &metric::kModelLoadDuration) return 0.731;
  if (&metric == &metric::kModelSloLatency) return 0.03;
  if (&metric == &metric::kModelSloObjective) return 0.999;
  if (&metric == &metric::kModelQuality) return 0.9123;
  if (&metric == &metric::kModelValueLimit) return 0.1;
  if (&metric == &metric::kProcessResidentMemory) return 312'000'512;
  if (&metric == &metric::kProcessMemoryLimit) return 2'147'483'648;
  if (&metric == &metric::kQueueRows) return 3;
  return 1;
}

template <typename RandomValue>
const Distribution* MakeDistribution(std::vector<double> bounds, RandomValue random_value) {
  auto* made = new Distribution{.bounds = std::move(bounds)};
  std::minstd_rand random(1);
  std::map<int, int> index_of_bucket;
  std::vector<int> buckets;
  for (int i = 0; i < kSamples; ++i) {
    const double value = random_value(random);
    const auto bound = std::lower_bound(made->bounds.begin(), made->bounds.end(), value);
    made->samples.push_back({value, static_cast<int>(bound - made->bounds.begin())});
    buckets.push_back(HistogramBucketOf(static_cast<uint64_t>(value * 1e9)));
    index_of_bucket[buckets.back()] = 0;
  }
  for (auto& [bucket, index] : index_of_bucket) {
    index = static_cast<int>(made->log_linear_buckets.size());
    made->log_linear_buckets.push_back(bucket);
  }
  for (int i = 0; i < kSamples; ++i) {
    made->samples[i].log_linear_index = index_of_bucket[buckets[i]];
  }
  return made;
}

const Distribution* DistributionOf(const Metric& metric) {
  static const auto* const durations =
      MakeDistribution(DurationBounds(), std::lognormal_distribution<double>(std::log(0.002), 0.8));
  static const auto* const rows = MakeDistribution(
      {1, 2, 4, 8, 16, 32, 64}, [values = std::uniform_int_distribution<int>(1, 64)](
                                    auto& random) mutable { return values(random); });
  static const auto* const confidences =
      MakeDistribution({0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99},
                       std::uniform_real_distribution<double>(0, 1));
  static const auto* const values =
      MakeDistribution({50, 100, 150, 200, 250, 300, 400, 500, 750, 1000},
                       std::lognormal_distribution<double>(std::log(250), 0.5));
  if (&metric == &metric::kBatchRows) return rows;
  if (&metric == &metric::kPredictionConfidence) return confidences;
  return &metric == &metric::kPredictionValue ? values : durations;
}

ServedSeries MakeSeries(const Metric& metric, std::vector<std::string> labels, int model) {
  ServedSeries series = {.metric = &metric, .labels = std::move(labels), .model = model};
  switch (metric.type) {
    case MetricType::kCounter:
      series.per_request = PerRequest(metric, series.labels);
      break;
    case MetricType::kGauge:
      series.gauge = GaugeValue(metric);
      break;
    case MetricType::kHistogram:
      series.distribution = DistributionOf(metric);
      break;
    case MetricType::kSummary:
      break;  // Not pushed.
  }
  return series;
}

}  // namespace

std::vector<ServedSeries> SeriesOfServer(const std::string& replica, int first_model, int models) {
  std::vector<ServedSeries> all;
  for (const Metric* metric : MetricCatalogue()) {
    if (!IsFromServers(*metric)) continue;
    if (IsOfProcess(*metric)) {
      all.push_back(MakeSeries(*metric, {replica}, 0));
      continue;
    }
    for (int model = 0; model < models; ++model) {
      if (!HasMetric(first_model + model, *metric)) continue;
      for (const std::vector<std::string>& more_labels : LabelSets(*metric)) {
        std::vector<std::string> labels = {absl::StrCat("model-", first_model + model)};
        labels.insert(labels.end(), more_labels.begin(), more_labels.end());
        all.push_back(MakeSeries(*metric, std::move(labels), model));
      }
    }
  }
  return all;
}

}  // namespace weir
