// What /metrics shows of all servers together: families of series.
#ifndef WEIR_GATEWAY_MERGED_H_
#define WEIR_GATEWAY_MERGED_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/metrics.h"
#include "gateway/boot_id.h"
#include "gateway/fixed_sum.h"
#include "gateway/series_dictionary.h"

namespace weir {

// Bounds of histograms, shared by all that have the same.
struct MergedBounds {
  std::vector<double> bounds;   // Ascending, finite.
  std::vector<std::string> le;  // The same as text; one more, "+Inf".
  mutable uint32_t owners = 0;
};

// Adds a histogram's counts to another's, or takes them away. All of its bounds are among the
// other's.
void AddCounts(absl::Span<const double> bounds, absl::Span<const uint64_t> counts,
               absl::Span<const double> sum_bounds, std::vector<uint64_t>& sum);
void SubtractCounts(absl::Span<const double> bounds, absl::Span<const uint64_t> counts,
                    absl::Span<const double> sum_bounds, std::vector<uint64_t>& sum);

struct MergedFamily;

// Its address stays for as long as it lives.
struct MergedSeries {
  struct Histogram {
    const MergedBounds* bounds = nullptr;
    std::vector<uint64_t> counts;  // Each bucket alone; one more than there are bounds.
  };

  // One gauge of one source.
  struct GaugeEntry {
    BootId boot_id;
    uint32_t index;  // Of the series in the source's dictionary.
    absl::Time began;
    double value;
  };

  // Of a gauge that is the largest or the last of its entries.
  struct Gauge {
    std::vector<GaugeEntry> entries;  // By boot, then by index.
    double value = 0;
  };

  MergedFamily* family = nullptr;
  std::string labels;  // As in LabelText: model="a",version="1".
  FixedSum value;      // Of a counter, of a histogram's values, of a gauge that adds up.
  std::unique_ptr<Histogram> histogram;
  std::unique_ptr<Gauge> gauge;
  uint32_t owners = 0;  // What of the ledger speaks of it; without any, it is taken away.
  uint32_t shown = 0;   // How many sources show the gauge. Without any, it is not exposed.

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

  // The rest is for the ledger.

  MergedSeries* FindSeries(const MergedFamily& family, absl::string_view labels) const;

  // Why series of `family` cannot be among these, if they cannot.
  absl::Status Fits(const SeriesDictionary::Family& family) const;

  // Over a limit if a histogram would have more bounds than kMaxBounds with those of `dictionary`.
  static constexpr size_t kMaxBounds = 4096;
  absl::Status CheckBounds(const SeriesDictionary& dictionary) const;

  // How many lines FindOrAdd would add.
  int64_t NewLines(const SeriesDictionary& dictionary) const;

  // By the dictionary's series. Null for those that do not fit. The caller owns each of them.
  std::vector<MergedSeries*> FindOrAdd(const SeriesDictionary& dictionary);

  void Own(MergedSeries& series) { ++series.owners; }
  void Disown(MergedSeries& series);

  // Takes away what nobody owns. Counters have to be back at 0 then.
  void Sweep();

  // Those with these bounds, owned by the caller until it releases them.
  const MergedBounds* Intern(absl::Span<const double> bounds);
  static void Retain(const MergedBounds& bounds) { ++bounds.owners; }
  void Release(const MergedBounds& bounds);

  // A source's gauge comes, changes and goes.
  void ShowGauge(const MergedSeries::GaugeEntry& entry, MergedSeries& series);
  void ChangeGauge(double before, const MergedSeries::GaugeEntry& entry, MergedSeries& series);
  void HideGauge(const MergedSeries::GaugeEntry& entry, MergedSeries& series);

 private:
  MergedFamily* FindOrAddFamily(const SeriesDictionary::Family& family);
  void Widen(absl::Span<const double> bounds, MergedSeries& series);

  std::vector<MergedFamily*> order_;
  absl::flat_hash_map<std::string, std::unique_ptr<MergedFamily>> by_name_;
  absl::flat_hash_set<std::string> line_names_;  // That lines begin with.
  std::map<std::vector<double>, MergedBounds> bounds_;
  std::vector<MergedSeries*> disowned_;  // Perhaps owned again since.
  int64_t num_lines_ = 0;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_MERGED_H_
