// What a boot has counted, by the merged series that it counts towards.
#ifndef WEIR_GATEWAY_TOTALS_H_
#define WEIR_GATEWAY_TOTALS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "gateway/fixed_sum.h"
#include "gateway/merged.h"
#include "gateway/push.h"

namespace weir {

// The total of one series, counter or histogram.
struct SeriesTotal {
  MergedSeries* series = nullptr;
  FixedSum sum;
  const MergedBounds* bounds = nullptr;  // Of a histogram; all are among the series' own.
  absl::Span<const uint64_t> counts;     // Of a histogram.
};

enum class Sign { kPlus, kMinus };

// Adds the total to its merged series, or takes it away.
void Contribute(const SeriesTotal& total, Sign sign);

// The same of all counters and histograms of a push. `links` are its series, null for those that
// are left out.
void Contribute(const Push& push, absl::Span<MergedSeries* const> links, Sign sign);

// Totals in little memory. Owns its series and their bounds: has to be cleared before it is
// destroyed, unless the families end with it. Not thread-safe.
class PackedTotals {
 public:
  PackedTotals() = default;
  PackedTotals(PackedTotals&&) = default;
  PackedTotals& operator=(PackedTotals&&) = default;

  void Add(const SeriesTotal& total, MergedFamilies& merged);
  void AddAll(const Push& push, absl::Span<MergedSeries* const> links, MergedFamilies& merged);
  void Clear(MergedFamilies& merged);

  // In the order of Add. The same series may come several times; the totals add up.
  void ForEach(absl::FunctionRef<void(const SeriesTotal&)> fn) const;

 private:
  std::string bytes_;
};

// Totals that others are added to. Owns its series.
class TotalsSum {
 public:
  struct Entry {
    FixedSum sum;
    const MergedBounds* bounds = nullptr;
    std::vector<uint64_t> counts;
  };

  void Add(const SeriesTotal& total, Sign sign, MergedFamilies& merged);
  void Remove(MergedSeries* series, MergedFamilies& merged);
  void Clear(MergedFamilies& merged);
  void ForEach(absl::FunctionRef<void(const SeriesTotal&)> fn) const;

 private:
  absl::flat_hash_map<MergedSeries*, Entry> entries_;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_TOTALS_H_
