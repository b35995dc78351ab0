#include "server/stats/stats_snapshot.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/histogram.h"
#include "base/names.h"

namespace weir {
namespace {

double ValueOf(v1::CellKind kind, uint64_t cell) {
  switch (kind) {
    case v1::CELL_KIND_NANOSECONDS:
      return static_cast<double>(cell) / 1e9;
    case v1::CELL_KIND_DOUBLE:
      return std::bit_cast<double>(cell);
    default:
      return static_cast<double>(cell);
  }
}

void FillLogLinear(const uint64_t* counts, v1::LogLinear& log_linear) {
  int last = 0;
  for (int bucket = 0; bucket < kHistogramBuckets; ++bucket) {
    if (counts[bucket] == 0) continue;
    log_linear.add_buckets(bucket - last);
    log_linear.add_counts(counts[bucket]);
    last = bucket;
  }
}

// A family of several blocks on its way into the dictionary.
struct MergedFamily {
  v1::MetricFamily family;
  std::string definition;                         // Of the family without its series.
  std::vector<std::pair<size_t, size_t>> series;  // Block and index into the schema's series.
};

}  // namespace

void AddShard(const StatsSchema& schema, absl::Span<const uint64_t> shard, CellTotals& totals) {
  // The cells of doubles are put right below; so few are they that it costs less than a look at
  // each.
  std::vector<std::pair<size_t, double>> doubles;
  for (const StatsSchema::Series& series : schema.series()) {
    if (series.kind != v1::CELL_KIND_DOUBLE) continue;
    const double sum =
        std::bit_cast<double>(totals[series.value]) + std::bit_cast<double>(shard[series.value]);
    doubles.emplace_back(series.value, std::min(sum, std::numeric_limits<double>::max()));
  }
  for (size_t cell = 0; cell < totals.size(); ++cell) totals[cell] += shard[cell];
  for (const auto& [cell, sum] : doubles) totals[cell] = std::bit_cast<uint64_t>(sum);
}

absl::Status CheckTotals(const StatsSchema& schema, const CellTotals& totals) {
  for (const StatsSchema::Series& series : schema.series()) {
    if (series.kind != v1::CELL_KIND_DOUBLE) continue;
    const double value = std::bit_cast<double>(totals[series.value]);
    if (std::isfinite(value) && value >= 0) continue;
    const std::string& name = schema.dictionary().families(series.family).name();
    return absl::DataLossError(absl::StrCat(Printable(name), " is ", value));
  }
  return absl::OkStatus();
}

absl::StatusOr<SnapshotPlan> SnapshotPlan::Make(absl::Span<const StatsSchema* const> schemas) {
  std::vector<MergedFamily> families;  // In the order in which they come up.
  std::map<std::string, size_t> by_name;
  for (size_t block = 0; block < schemas.size(); ++block) {
    const StatsSchema& schema = *schemas[block];
    std::vector<size_t> merged_index;
    for (const v1::MetricFamily& family : schema.dictionary().families()) {
      v1::MetricFamily without_series = family;
      without_series.clear_series();
      const auto [place, is_new] = by_name.emplace(family.name(), families.size());
      merged_index.push_back(place->second);
      std::string definition = without_series.SerializeAsString();
      if (is_new) {
        families.push_back({std::move(without_series), std::move(definition), {}});
      } else if (families[place->second].definition != definition) {
        return absl::InvalidArgumentError(
            absl::StrCat("two families are called ", Printable(family.name())));
      }
    }
    for (size_t i = 0; i < schema.series().size(); ++i) {
      families[merged_index[schema.series()[i].family]].series.emplace_back(block, i);
    }
  }
  SnapshotPlan plan;
  v1::Dictionary dictionary;
  for (MergedFamily& merged : families) {
    for (const auto& [block, index] : merged.series) {
      const StatsSchema::Series& series = schemas[block]->series()[index];
      *merged.family.add_series() =
          schemas[block]->dictionary().families(series.family).series(series.index);
      plan.places_.push_back({block, series});
    }
    *dictionary.add_families() = std::move(merged.family);
  }
  plan.dictionary_ = dictionary.SerializeAsString();
  return plan;
}

void SnapshotPlan::Fill(absl::Span<const CellTotals> totals, v1::PushRequest& push) const {
  push.set_dictionary(dictionary_);
  push.clear_values();
  push.clear_bucket_counts();
  push.clear_log_linear();
  for (const auto& [block, series] : places_) {
    const CellTotals& cells = totals[block];
    push.add_values(ValueOf(series.kind, cells[series.value]));
    const uint64_t* const buckets = cells.data() + series.buckets;
    push.mutable_bucket_counts()->Add(buckets, buckets + series.bucket_count);
    if (series.has_log_linear) {
      FillLogLinear(cells.data() + series.log_linear, *push.add_log_linear());
    }
  }
}

}  // namespace weir
