// What /metrics shows of all servers together: families of series.
#ifndef WEIR_GATEWAY_MERGED_H_
#define WEIR_GATEWAY_MERGED_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/metrics.h"
#include "gateway/fixed_sum.h"

namespace weir {

// Bounds of histograms, shared by all series that have the same. Lives as long as the
// MergedFamilies.
struct MergedBounds {
  std::vector<double> bounds;   // Ascending, finite.
  std::vector<std::string> le;  // The same as text; one more, "+Inf".
};

struct MergedFamily;

// One gauge of one source; those of a source that is not fresh are gone.
struct GaugeEntry {
  uint64_t boot;   // The source's place among the ledger's, never used again.
  uint32_t index;  // Of the series in the source's dictionary.
  int64_t began_unix_ns;
  double value;
};

// Its address stays for as long as it lives.
struct MergedSeries {
  struct Histogram {
    const MergedBounds* bounds = nullptr;
    std::vector<uint64_t> counts;  // Each bucket alone; one more than there are bounds.
  };

  MergedFamily* family = nullptr;
  std::string labels;  // As in LabelText: model="a",version="1".
  FixedSum value;      // Of a counter; the sum of a histogram; of a gauge that adds up.
  std::unique_ptr<Histogram> histogram;
  std::unique_ptr<std::vector<GaugeEntry>> gauge;  // Of a gauge that is the largest or the last.
  uint32_t owners = 0;  // What of the ledger has it; without any, it is taken away.
  uint32_t fresh = 0;   // Of a gauge: how many show a value. Without any, it is not exposed.

  // Of a counter or gauge, or the sum of a histogram.
  double Value() const;
  // False for gauges that nobody shows; the renderer leaves them out.
  bool exposed() const;
};

struct MergedFamily {
  std::string name;
  std::string help;
  MetricType type = MetricType::kCounter;
  GaugeMerge merge = GaugeMerge::kNone;
  std::vector<std::string> label_names;
  bool without_sum = false;
  size_t catalogue_index = 0;  // Those that the catalogue lacks come last.

  // By their labels, as text. Some may not be exposed.
  std::vector<MergedSeries*> series;

  struct ByLabels {
    using is_transparent = void;
    static absl::string_view Key(absl::string_view labels) { return labels; }
    static absl::string_view Key(const std::unique_ptr<MergedSeries>& s) { return s->labels; }
    size_t operator()(const auto& s) const { return absl::HashOf(Key(s)); }
    bool operator()(const auto& a, const auto& b) const { return Key(a) == Key(b); }
  };
  absl::flat_hash_set<std::unique_ptr<MergedSeries>, ByLabels, ByLabels> by_labels;
};

// Reading is thread-safe while nobody writes; only the ledger writes.
class MergedFamilies {
 public:
  MergedFamilies() = default;
  MergedFamilies(const MergedFamilies&) = delete;
  MergedFamilies& operator=(const MergedFamilies&) = delete;

  // In the order of the catalogue, then by name. Families without series are among them.
  absl::Span<MergedFamily* const> families() const { return order_; }
  const MergedFamily* Find(absl::string_view name) const;

  // What is exposed: a histogram has a line for each bucket, _count, and _sum unless without_sum.
  int64_t num_lines() const { return num_lines_; }

 private:
  std::vector<MergedFamily*> order_;
  absl::flat_hash_map<absl::string_view, std::unique_ptr<MergedFamily>> by_name_;
  int64_t num_lines_ = 0;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_MERGED_H_
