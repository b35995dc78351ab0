#include "server/stats/stats_schema.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/escaping.h"
#include "base/histogram.h"
#include "base/metrics_proto.h"
#include "base/names.h"

namespace weir {
namespace {

constexpr size_t kMaxLabelBytes = 256;

// Far more than a model has. No sum of so many overflows.
constexpr size_t kMaxCells = size_t{1} << 24;

size_t CellsOf(const v1::MetricFamily& family, size_t bounds) {
  size_t cells = 1;
  if (family.type() == v1::METRIC_TYPE_HISTOGRAM) cells += bounds + 1;
  if (family.log_linear()) cells += kHistogramBuckets;
  return cells;
}

}  // namespace

v1::MetricFamily FamilyOf(const Metric& metric) {
  v1::MetricFamily family;
  family.set_name(std::string(metric.name));
  family.set_help(std::string(metric.help));
  family.set_type(ToProto(metric.type));
  family.set_merge(ToProto(metric.merge));
  for (const absl::string_view label : metric.labels) family.add_label_names(std::string(label));
  family.set_log_linear(metric.log_linear);
  family.set_without_sum(metric.without_sum);
  return family;
}

std::string LabelValue(absl::string_view text) {
  std::string value = IsUtf8(text) ? std::string(text) : absl::CHexEscape(text);
  if (value.size() <= kMaxLabelBytes) return value;
  size_t end = kMaxLabelBytes;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
  value.resize(end);
  return value;
}

absl::StatusOr<StatsSchema> StatsSchema::Make(v1::StatsBlock block) {
  StatsSchema schema;
  schema.block_ = std::move(block);
  const v1::StatsBlock& of = schema.block_;
  size_t cells = of.private_cells();
  for (int f = 0; f < of.dictionary().families_size(); ++f) {
    const v1::MetricFamily& family = of.dictionary().families(f);
    const bool histogram = family.type() == v1::METRIC_TYPE_HISTOGRAM;
    if (!histogram && (family.type() != v1::METRIC_TYPE_COUNTER || family.log_linear())) {
      return absl::InvalidArgumentError("a family of a type that is not counted");
    }
    for (int s = 0; s < family.series_size(); ++s) {
      const size_t number = schema.series_.size();
      if (number >= static_cast<size_t>(of.value_kinds_size())) {
        return absl::InvalidArgumentError("fewer kinds than series");
      }
      const v1::CellKind kind = of.value_kinds(static_cast<int>(number));
      if (kind < v1::CELL_KIND_COUNT || kind > v1::CELL_KIND_DOUBLE) {
        return absl::InvalidArgumentError("a series of an unknown kind");
      }
      const int bounds = family.series(s).bounds_size();
      if (!histogram && bounds > 0) return absl::InvalidArgumentError("a counter with bounds");
      schema.series_.push_back({.family = f,
                                .index = s,
                                .value = cells,
                                .buckets = cells + 1,
                                .bucket_count = histogram ? bounds + 1 : 0,
                                .log_linear = cells + bounds + 2,
                                .has_log_linear = family.log_linear(),
                                .kind = kind});
      cells += CellsOf(family, bounds);
      if (cells > kMaxCells) return absl::InvalidArgumentError("too many cells");
    }
  }
  if (schema.series_.size() != static_cast<size_t>(of.value_kinds_size())) {
    return absl::InvalidArgumentError("more kinds than series");
  }
  if (cells == 0 || cells > kMaxCells) return absl::InvalidArgumentError("no cells, or too many");
  schema.cells_ = cells;
  return schema;
}

absl::StatusOr<StatsSchema> StatsSchema::Parse(absl::string_view bytes) {
  v1::StatsBlock block;
  if (!block.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("not a StatsBlock");
  }
  return Make(std::move(block));
}

StatsSchemaBuilder::StatsSchemaBuilder(int private_cells) : cells_(private_cells) {
  block_.set_private_cells(private_cells);
}

size_t StatsSchemaBuilder::Add(const Metric& metric,
                               const std::vector<absl::string_view>& label_values,
                               v1::CellKind kind, const std::vector<double>& bounds) {
  v1::Dictionary& dictionary = *block_.mutable_dictionary();
  const int families = dictionary.families_size();
  if (families == 0 || dictionary.families(families - 1).name() != metric.name) {
    *dictionary.add_families() = FamilyOf(metric);
  }
  v1::MetricFamily& family = *dictionary.mutable_families(dictionary.families_size() - 1);
  v1::MetricSeries& series = *family.add_series();
  for (const absl::string_view value : label_values) series.add_label_values(LabelValue(value));
  series.mutable_bounds()->Add(bounds.begin(), bounds.end());
  block_.add_value_kinds(kind);
  const size_t first = cells_;
  cells_ += CellsOf(family, bounds.size());
  return first;
}

StatsSchema StatsSchemaBuilder::Build() && {
  absl::StatusOr<StatsSchema> schema = StatsSchema::Make(std::move(block_));
  if (!schema.ok() || schema->cells() != cells_) abort();  // A mistake of the caller's.
  return *std::move(schema);
}

}  // namespace weir
