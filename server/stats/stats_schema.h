// What a block of cells means: which cell counts what, and what a push says of it.
#ifndef WEIR_SERVER_STATS_STATS_SCHEMA_H_
#define WEIR_SERVER_STATS_STATS_SCHEMA_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/metrics.h"
#include "weir/v1/stats.pb.h"
#include "weir/v1/stats_file.pb.h"

namespace weir {

// What a dictionary says of `metric`, without series.
v1::MetricFamily FamilyOf(const Metric& metric);

// `text` fit for a label: what is not UTF-8 is escaped, what is longer than 256 bytes is cut.
std::string LabelValue(absl::string_view text);

// Where the cells of a block are. Immutable, so thread-safe.
class StatsSchema {
 public:
  struct Series {
    int family = 0;      // Index into the dictionary's families.
    int index = 0;       // Among the family's series.
    size_t value = 0;    // The cell of its value or sum.
    size_t buckets = 0;  // The first of a histogram's buckets.
    int bucket_count = 0;
    size_t log_linear = 0;  // The first of kHistogramBuckets, if it has them.
    bool has_log_linear = false;
    v1::CellKind kind = v1::CELL_KIND_COUNT;
  };

  // INVALID_ARGUMENT if the block cannot be of weir.
  static absl::StatusOr<StatsSchema> Make(v1::StatsBlock block);

  // Any bytes.
  static absl::StatusOr<StatsSchema> Parse(absl::string_view bytes);

  std::string Serialize() const { return block_.SerializeAsString(); }
  const v1::Dictionary& dictionary() const { return block_.dictionary(); }
  const std::vector<Series>& series() const { return series_; }  // In the dictionary's order.
  size_t cells() const { return cells_; }

 private:
  v1::StatsBlock block_;
  std::vector<Series> series_;
  size_t cells_ = 0;
};

// Puts a block together.
class StatsSchemaBuilder {
 public:
  explicit StatsSchemaBuilder(int private_cells = 0);

  // The series of a metric stand next to each other. Returns the series' value cell, which the
  // others follow.
  size_t Add(const Metric& metric, const std::vector<absl::string_view>& label_values,
             v1::CellKind kind, const std::vector<double>& bounds = {});

  StatsSchema Build() &&;

 private:
  v1::StatsBlock block_;
  size_t cells_;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_STATS_SCHEMA_H_
