// From blocks of cells to a push.
#ifndef WEIR_SERVER_STATS_STATS_SNAPSHOT_H_
#define WEIR_SERVER_STATS_STATS_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "server/stats/stats_schema.h"
#include "weir/v1/stats.pb.h"

namespace weir {

// The cells of a block, summed over its shards.
using CellTotals = std::vector<uint64_t>;

// Adds one shard of a block; `shard` and `totals` are schema.cells() long.
void AddShard(const StatsSchema& schema, absl::Span<const uint64_t> shard, CellTotals& totals);

// DATA_LOSS if a cell holds what no server counts.
absl::Status CheckTotals(const StatsSchema& schema, const CellTotals& totals);

// Knows in which order a push holds the series of several blocks: a family stands in a dictionary
// once, and in blocks many times. Immutable, so thread-safe.
class SnapshotPlan {
 public:
  // INVALID_ARGUMENT if blocks have different families of one name. `schemas` outlive the plan.
  static absl::StatusOr<SnapshotPlan> Make(absl::Span<const StatsSchema* const> schemas);

  // Of each block in the order of Make. Sets dictionary, values, bucket_counts and log_linear.
  void Fill(absl::Span<const CellTotals> totals, v1::PushRequest& push) const;

 private:
  struct Place {
    size_t block = 0;
    StatsSchema::Series series;
  };

  std::string dictionary_;     // Serialised.
  std::vector<Place> places_;  // Of each series, in the dictionary's order.
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_STATS_SNAPSHOT_H_
