#include "gateway/self_metrics.h"

#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/metrics.h"

namespace weir {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

prometheus::MetricType TypeOf(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return prometheus::MetricType::Counter;
    case MetricType::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricType::kHistogram:
      return prometheus::MetricType::Histogram;
    case MetricType::kSummary:
      return prometheus::MetricType::Summary;
  }
  return prometheus::MetricType::Untyped;
}

MetricFamily FamilyOf(const Metric& metric) {
  MetricFamily family;
  family.name = std::string(metric.name);
  family.help = std::string(metric.help);
  family.type = TypeOf(metric.type);
  return family;
}

MetricFamily CounterOf(const Metric& metric, int64_t value) {
  MetricFamily family = FamilyOf(metric);
  family.metric.emplace_back().counter.value = static_cast<double>(value);
  return family;
}

MetricFamily GaugeOf(const Metric& metric, double value) {
  MetricFamily family = FamilyOf(metric);
  family.metric.emplace_back().gauge.value = value;
  return family;
}

MetricFamily PushesOf(const Committer::Counters& counters) {
  MetricFamily family = FamilyOf(metric::kGatewayPushes);
  const std::string label(metric::kGatewayPushes.labels[0]);
  for (const auto& [result, count] : {std::pair("applied", counters.applied),
                                      {"duplicate", counters.duplicate},
                                      {"rejected", counters.rejected}}) {
    ClientMetric& series = family.metric.emplace_back();
    series.label = {{label, result}};
    series.counter.value = static_cast<double>(count);
  }
  return family;
}

MetricFamily JournalSyncOf(const Committer::Counters& counters) {
  MetricFamily family = FamilyOf(metric::kGatewayJournalSync);
  ClientMetric::Histogram& histogram = family.metric.emplace_back().histogram;
  uint64_t count = 0;
  for (size_t i = 0; i < counters.sync_counts.size(); ++i) {
    count += counters.sync_counts[i];
    histogram.bucket.push_back({count, i < Committer::Counters::kSyncBounds.size()
                                           ? Committer::Counters::kSyncBounds[i]
                                           : std::numeric_limits<double>::infinity()});
  }
  histogram.sample_count = count;
  histogram.sample_sum = counters.sync_sum_seconds;
  return family;
}

}  // namespace

struct SelfMetrics::Metrics {
  prometheus::Registry registry;
  prometheus::Histogram& scrape_duration =
      prometheus::BuildHistogram()
          .Name(std::string(metric::kGatewayScrapeDuration.name))
          .Help(std::string(metric::kGatewayScrapeDuration.help))
          .Register(registry)
          .Add({}, prometheus::Histogram::BucketBoundaries{0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                                           0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                           1});
};

SelfMetrics::SelfMetrics() : metrics_(std::make_unique<Metrics>()) {}

SelfMetrics::~SelfMetrics() = default;

void SelfMetrics::ObserveScrape(absl::Duration duration) {
  metrics_->scrape_duration.Observe(absl::ToDoubleSeconds(duration));
}

void SelfMetrics::Render(const Committer::Counters& counters, PageText& out) const {
  std::vector<MetricFamily> families = {
      PushesOf(counters),
      CounterOf(metric::kGatewaySeriesDropped, counters.dropped_series),
      GaugeOf(metric::kGatewayJournalBytes, static_cast<double>(counters.journal_bytes)),
      GaugeOf(metric::kGatewayJournalWritable, counters.journal_writable ? 1 : 0),
      JournalSyncOf(counters),
  };
  for (MetricFamily& family : metrics_->registry.Collect()) families.push_back(std::move(family));
  out.Append(prometheus::TextSerializer().Serialize(families));
}

}  // namespace weir
