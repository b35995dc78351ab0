#include "bench/recorded_request.h"

#include <cmath>
#include <random>

#include "server/stats/duration_bounds.h"

namespace weir {
namespace {

constexpr int kClasses = 10;

prometheus::Counter& AddCounter(prometheus::Registry& registry, const std::string& name,
                                const prometheus::Labels& labels) {
  return prometheus::BuildCounter().Name(name).Register(registry).Add(labels);
}

prometheus::Histogram& AddHistogram(prometheus::Registry& registry, const std::string& name,
                                    const prometheus::Labels& labels,
                                    const std::vector<double>& bounds) {
  return prometheus::BuildHistogram().Name(name).Register(registry).Add(labels, bounds);
}

const prometheus::Labels& ModelLabels() {
  static const auto& labels = *new prometheus::Labels{{"model", "m"}, {"version", "1"}};
  return labels;
}

std::vector<double> DurationSeconds() {
  return DurationBounds(RecordedModel().slo_latency).Seconds();
}

}  // namespace

std::vector<RecordedRequest> MakeRequests(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> duration(std::log(100'000), 1);
  std::uniform_real_distribution<float> score(0.3F, 1.0F);
  std::vector<RecordedRequest> requests(count);
  for (RecordedRequest& request : requests) {
    for (int64_t& ns : request.stage_ns) {
      ns = static_cast<int64_t>(duration(random));
      request.total_ns += ns;
    }
    request.index = static_cast<int64_t>(random() % kClasses);
    request.score = score(random);
  }
  return requests;
}

VersionDefinition RecordedModel() {
  return {.model = "m",
          .version = 1,
          .slo_latency = absl::Milliseconds(20),
          .max_batch_rows = 64,
          .classes = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}};
}

void Record(const RecordedRequest& request, VersionStats& stats) {
  stats.RecordStart();
  stats.RecordBatch(1, absl::Nanoseconds(request.stage_ns[2]));
  stats.RecordClass(request.index, request.score);
  stats.RecordAnswer({.rows = 1, .total_ns = request.total_ns, .stage_ns = request.stage_ns});
}

PrometheusStats::PrometheusStats()
    : in_flight_(prometheus::BuildGauge()
                     .Name("weir_requests_in_flight")
                     .Register(registry_)
                     .Add(ModelLabels())),
      answered_(AddCounter(registry_, "weir_requests_total",
                           {{"model", "m"}, {"version", "1"}, {"code", "OK"}})),
      rows_(AddCounter(registry_, "weir_rows_total", ModelLabels())),
      duration_(AddHistogram(registry_, "weir_request_duration_seconds", ModelLabels(),
                             DurationSeconds())),
      batches_(AddCounter(registry_, "weir_batches_total", ModelLabels())),
      busy_(AddCounter(registry_, "weir_instance_busy_seconds_total", ModelLabels())),
      batch_rows_(
          AddHistogram(registry_, "weir_batch_rows", ModelLabels(), {1, 2, 4, 8, 16, 32, 64})),
      confidence_(AddHistogram(registry_, "weir_prediction_confidence_ratio", ModelLabels(),
                               {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99})) {
  for (int stage = 0; stage < kStages; ++stage) {
    prometheus::Labels labels = ModelLabels();
    labels["stage"] = std::to_string(stage);
    stages_[stage] =
        &AddHistogram(registry_, "weir_stage_duration_seconds", labels, DurationSeconds());
  }
  for (int index = 0; index < kClasses; ++index) {
    prometheus::Labels labels = ModelLabels();
    labels["class"] = std::to_string(index);
    classes_.push_back(&AddCounter(registry_, "weir_predictions_total", labels));
  }
}

void PrometheusStats::Record(const RecordedRequest& request) {
  in_flight_.Increment();
  batches_.Increment();
  busy_.Increment(static_cast<double>(request.stage_ns[2]) / 1e9);
  batch_rows_.Observe(1);
  classes_[request.index]->Increment();
  confidence_.Observe(request.score);
  answered_.Increment();
  rows_.Increment();
  duration_.Observe(static_cast<double>(request.total_ns) / 1e9);
  for (int stage = 0; stage < kStages; ++stage) {
    stages_[stage]->Observe(static_cast<double>(request.stage_ns[stage]) / 1e9);
  }
  in_flight_.Decrement();
}

}  // namespace weir
