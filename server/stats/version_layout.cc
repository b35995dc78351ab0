#include "server/stats/version_layout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/metrics.h"

namespace weir {
namespace {

constexpr std::array<absl::string_view, 6> kRejectionLabels = {
    "queue_full", "unreachable_deadline", "expired", "cancelled", "invalid", "draining"};
constexpr std::array<absl::string_view, kStages> kStageLabels = {"queue", "assemble", "inference",
                                                                 "respond"};
constexpr int64_t kMaxBatchRowsBound = int64_t{1} << 20;

constexpr v1::CellKind kCount = v1::CELL_KIND_COUNT;
constexpr v1::CellKind kNanoseconds = v1::CELL_KIND_NANOSECONDS;
constexpr v1::CellKind kDouble = v1::CELL_KIND_DOUBLE;

// Powers of two, so that none lies above the last.
std::vector<double> BatchRowsBounds(int64_t max_batch_rows) {
  std::vector<double> bounds = {1};
  for (int64_t rows = 1; rows < std::min(max_batch_rows, kMaxBatchRowsBound);) {
    rows *= 2;
    bounds.push_back(static_cast<double>(rows));
  }
  return bounds;
}

// Adds series of one model and version.
class VersionSeries {
 public:
  VersionSeries(absl::string_view model, absl::string_view version)
      : model_(model), version_(version) {}

  size_t Add(const Metric& metric, v1::CellKind kind, const std::vector<double>& bounds = {}) {
    return builder_.Add(metric, {model_, version_}, kind, bounds);
  }
  size_t AddOne(const Metric& metric, absl::string_view label, v1::CellKind kind,
                const std::vector<double>& bounds = {}) {
    return builder_.Add(metric, {model_, version_, label}, kind, bounds);
  }

  // One for each label; returns the first.
  template <typename Labels>
  size_t AddEach(const Metric& metric, const Labels& labels, v1::CellKind kind) {
    size_t first = 0;
    for (const auto& label : labels) {
      const size_t cell = AddOne(metric, label, kind);
      if (first == 0) first = cell;
    }
    return first;
  }

  // What every layout begins with.
  void AddOutcomes(VersionLayout& layout) {
    std::vector<std::string> codes;
    for (size_t code = 0; code < kStatusCodes; ++code) {
      codes.push_back(absl::StatusCodeToString(static_cast<absl::StatusCode>(code)));
    }
    layout.requests = AddEach(metric::kRequests, codes, kCount);
    layout.rejections = AddEach(metric::kRejections, kRejectionLabels, kCount);
  }

  StatsSchemaBuilder& builder() { return builder_; }

 private:
  const absl::string_view model_;
  const absl::string_view version_;
  StatsSchemaBuilder builder_{1};
};

// What the floats stand for.
std::vector<double> ConfidenceBounds() {
  std::vector<double> bounds;
  for (int i = 0; i < kConfidenceBoundCount; ++i) {
    bounds.push_back(std::round(kConfidenceBounds[i] * 100.0) / 100);
  }
  return bounds;
}

std::vector<std::string> ClassLabels(const std::vector<std::string>& classes) {
  std::vector<std::string> labels;
  for (size_t i = 0; i < std::min(classes.size(), kMaxClasses); ++i) {
    labels.push_back(classes[i].empty() ? absl::StrCat(i) : classes[i]);
  }
  labels.emplace_back("other");
  return labels;
}

}  // namespace

VersionLayout VersionLayout::Of(const VersionDefinition& definition, const DurationBounds& bounds) {
  VersionLayout layout;
  const std::string version = absl::StrCat(definition.version);
  VersionSeries series(definition.model, version);
  series.AddOutcomes(layout);
  layout.rows = series.Add(metric::kRows, kCount);

  const std::vector<double> seconds = bounds.Seconds();
  const size_t duration_cells = seconds.size() + 2;
  layout.duration = series.Add(metric::kRequestDuration, kNanoseconds, seconds);
  layout.log_linear = layout.duration + duration_cells;
  for (const absl::string_view stage : kStageLabels) {
    const size_t cell = series.AddOne(metric::kStageDuration, stage, kNanoseconds, seconds);
    if (layout.stages == 0) layout.stages = cell;
  }
  layout.stage_stride = duration_cells;

  const std::vector<double> rows_bounds = BatchRowsBounds(definition.max_batch_rows);
  layout.batches = series.Add(metric::kBatches, kCount);
  layout.busy = series.Add(metric::kInstanceBusy, kNanoseconds);
  layout.batch_rows = series.Add(metric::kBatchRows, kCount, rows_bounds);
  layout.batch_rows_bounds = static_cast<int>(rows_bounds.size());

  if (!definition.classes.empty()) {
    const std::vector<std::string> labels = ClassLabels(definition.classes);
    layout.class_count = static_cast<int>(labels.size()) - 1;
    layout.classes = series.AddEach(metric::kPredictions, labels, kCount);
    layout.confidence = series.Add(metric::kPredictionConfidence, kDouble, ConfidenceBounds());
  }
  if (definition.has_values) {
    layout.values = series.Add(metric::kPredictionValue, kDouble, definition.value_bounds);
    layout.value_sums =
        series.AddEach(metric::kPredictionValueSum, std::array{"positive", "negative"}, kDouble);
  }
  layout.schema = std::move(series.builder()).Build();
  return layout;
}

VersionLayout VersionLayout::OfUnresolved(absl::string_view model, bool loads) {
  VersionLayout layout;
  VersionSeries series(model, "");
  series.AddOutcomes(layout);
  if (loads)
    layout.load_failures = series.builder().Add(metric::kModelLoadFailures, {model}, kCount);
  layout.schema = std::move(series.builder()).Build();
  return layout;
}

}  // namespace weir
