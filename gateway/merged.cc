#include "gateway/merged.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace weir {
namespace {

std::vector<std::string> LineNames(const MergedFamily& family) {
  if (family.type != MetricType::kHistogram) return {family.name};
  return {family.name, absl::StrCat(family.name, "_bucket"), absl::StrCat(family.name, "_count"),
          absl::StrCat(family.name, "_sum")};
}

bool Before(const MergedFamily* a, const MergedFamily* b) {
  if (a->catalogue_index != b->catalogue_index) return a->catalogue_index < b->catalogue_index;
  return a->name < b->name;
}

bool ByText(const MergedSeries* a, const MergedSeries* b) { return a->labels < b->labels; }

int64_t Lines(const MergedSeries& series) {
  return LinesOf(series.family->type,
                 series.histogram ? series.histogram->bounds->bounds.size() : 0,
                 series.family->without_sum);
}

bool Includes(const MergedSeries& series, double bound) {
  const std::vector<double>& bounds = series.histogram->bounds->bounds;
  return std::binary_search(bounds.begin(), bounds.end(), bound);
}

void SortUnique(std::vector<double>& bounds) {
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
}

bool SamePlace(const MergedSeries::GaugeEntry& a, const MergedSeries::GaugeEntry& b) {
  return a.index == b.index && a.boot_id == b.boot_id;
}

std::vector<MergedSeries::GaugeEntry>::iterator PlaceOf(const MergedSeries::GaugeEntry& entry,
                                                        MergedSeries::Gauge& gauge) {
  return std::lower_bound(
      gauge.entries.begin(), gauge.entries.end(), entry, [](const auto& a, const auto& b) {
        return a.boot_id != b.boot_id ? a.boot_id < b.boot_id : a.index < b.index;
      });
}

void Settle(GaugeMerge merge, MergedSeries::Gauge& gauge) {
  if (gauge.entries.empty()) return;
  const auto less = [merge](const auto& a, const auto& b) {
    return merge == GaugeMerge::kMax ? a.value < b.value : a.began < b.began;
  };
  // Of two that began at the same time that with the larger boot_id.
  auto best = gauge.entries.begin();
  for (auto entry = best + 1; entry != gauge.entries.end(); ++entry) {
    if (!less(*entry, *best)) best = entry;
  }
  gauge.value = best->value;
}

// Calls add(sum's count, the other's count) for each bucket of the other that is not empty.
template <typename Add>
void ForEachCount(absl::Span<const double> bounds, absl::Span<const uint64_t> counts,
                  absl::Span<const double> sum_bounds, std::vector<uint64_t>& sum, Add add) {
  size_t j = 0;
  for (size_t i = 0; i < bounds.size(); ++i) {
    while (sum_bounds[j] < bounds[i]) ++j;
    if (counts[i] != 0) add(sum[j], counts[i]);
  }
  add(sum.back(), counts.back());
}

}  // namespace

void AddCounts(absl::Span<const double> bounds, absl::Span<const uint64_t> counts,
               absl::Span<const double> sum_bounds, std::vector<uint64_t>& sum) {
  ForEachCount(bounds, counts, sum_bounds, sum, [](uint64_t& a, uint64_t b) { a += b; });
}

void SubtractCounts(absl::Span<const double> bounds, absl::Span<const uint64_t> counts,
                    absl::Span<const double> sum_bounds, std::vector<uint64_t>& sum) {
  ForEachCount(bounds, counts, sum_bounds, sum, [](uint64_t& a, uint64_t b) { a -= b; });
}

double MergedSeries::Value() const {
  if (gauge) return gauge->value;
  if (family->merge == GaugeMerge::kUnion) return 1;
  return value.ToDouble();
}

bool MergedSeries::exposed() const { return family->type != MetricType::kGauge || shown > 0; }

const MergedFamily* MergedFamilies::Find(absl::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

MergedSeries* MergedFamilies::FindSeries(const MergedFamily& family,
                                         absl::string_view labels) const {
  const auto found = family.by_labels.find(labels);
  return found == family.by_labels.end() ? nullptr : found->get();
}

absl::Status MergedFamilies::Fits(const SeriesDictionary::Family& family) const {
  const MergedFamily* const known = Find(family.name);
  if (known != nullptr) {
    if (known->type == family.type && known->merge == family.merge &&
        known->without_sum == family.without_sum && known->label_names == family.label_names) {
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(absl::StrCat(
        family.name, " has another type, merge rule or other labels at other servers"));
  }
  MergedFamily added;
  added.name = family.name;
  added.type = family.type;
  for (const std::string& name : LineNames(added)) {
    if (!line_names_.contains(name)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(family.name, " would have lines called ", name, ", as other servers have"));
  }
  return absl::OkStatus();
}

absl::Status MergedFamilies::CheckBounds(const SeriesDictionary& dictionary) const {
  struct Widened {
    const MergedSeries* known = nullptr;
    std::vector<double> added;
  };
  for (const SeriesDictionary::Family& pushed : dictionary.families()) {
    if (pushed.type != MetricType::kHistogram) continue;
    const MergedFamily* const family = Find(pushed.name);
    absl::flat_hash_map<absl::string_view, Widened> by_labels;
    for (uint32_t i = 0; i < pushed.num_series; ++i) {
      const SeriesDictionary::Series& series = dictionary.series()[pushed.first_series + i];
      const auto [place, is_new] = by_labels.try_emplace(series.labels);
      Widened& widened = place->second;
      if (is_new && family != nullptr) widened.known = FindSeries(*family, series.labels);
      for (const double bound : series.bounds) {
        if (widened.known == nullptr || !Includes(*widened.known, bound)) {
          widened.added.push_back(bound);
        }
      }
    }
    for (auto& [labels, widened] : by_labels) {
      if (widened.added.empty()) continue;
      SortUnique(widened.added);
      size_t bounds = widened.added.size();
      if (widened.known != nullptr) bounds += widened.known->histogram->bounds->bounds.size();
      if (bounds <= kMaxBounds) continue;
      return TooManySeries(
          absl::StrCat(SeriesName(pushed.name, labels), " would have ", bounds,
                       " bounds over all servers, of ", kMaxBounds, " that it may have"),
          dictionary.num_lines());
    }
  }
  return absl::OkStatus();
}

int64_t MergedFamilies::NewLines(const SeriesDictionary& dictionary) const {
  int64_t lines = 0;
  const MergedFamily* family = nullptr;
  uint32_t family_index = ~uint32_t{0};
  for (const SeriesDictionary::Series& series : dictionary.series()) {
    const SeriesDictionary::Family& pushed = dictionary.FamilyOf(series);
    if (series.family != family_index) {
      family = Find(pushed.name);
      family_index = series.family;
    }
    const MergedSeries* const known =
        family == nullptr ? nullptr : FindSeries(*family, series.labels);
    if (known == nullptr) {
      lines += LinesOf(pushed.type, series.bounds.size(), pushed.without_sum);
    } else if (known->histogram) {
      for (const double bound : series.bounds) lines += Includes(*known, bound) ? 0 : 1;
    }
  }
  return lines;
}

MergedFamily* MergedFamilies::FindOrAddFamily(const SeriesDictionary::Family& family) {
  if (!Fits(family).ok()) return nullptr;
  std::unique_ptr<MergedFamily>& place = by_name_[family.name];
  if (place == nullptr) {
    const auto catalogue = MetricCatalogue();
    const auto* const known =
        std::find_if(catalogue.begin(), catalogue.end(),
                     [&](const Metric* metric) { return metric->name == family.name; });
    place = std::make_unique<MergedFamily>();
    place->name = family.name;
    place->help = known != catalogue.end() ? std::string((*known)->help) : family.help;
    place->type = family.type;
    place->merge = family.merge;
    place->label_names = family.label_names;
    place->without_sum = family.without_sum;
    place->catalogue_index = known - catalogue.begin();
    for (std::string& name : LineNames(*place)) line_names_.insert(std::move(name));
    order_.insert(std::upper_bound(order_.begin(), order_.end(), place.get(), Before), place.get());
  } else if (place->catalogue_index == MetricCatalogue().size()) {
    // Servers may differ; whichever comes first, it is the same in the end.
    place->help = std::max(place->help, family.help);
  }
  return place.get();
}

std::vector<MergedSeries*> MergedFamilies::FindOrAdd(const SeriesDictionary& dictionary) {
  std::vector<MergedSeries*> found;
  found.reserve(dictionary.series().size());
  for (const SeriesDictionary::Family& pushed : dictionary.families()) {
    if (pushed.num_series == 0) continue;
    MergedFamily* const family = FindOrAddFamily(pushed);
    if (family == nullptr) {
      found.resize(found.size() + pushed.num_series);
      continue;
    }
    const size_t before = family->series.size();
    // Once for each series, however many of the dictionary it merges.
    absl::flat_hash_map<MergedSeries*, std::vector<double>> widened;
    for (uint32_t i = 0; i < pushed.num_series; ++i) {
      const SeriesDictionary::Series& source = dictionary.series()[pushed.first_series + i];
      MergedSeries* series = FindSeries(*family, source.labels);
      if (series == nullptr) {
        auto added = std::make_unique<MergedSeries>();
        series = added.get();
        series->family = family;
        series->labels = std::string(source.labels);
        if (family->type == MetricType::kHistogram) {
          series->histogram = std::make_unique<MergedSeries::Histogram>();
          series->histogram->bounds = Intern(source.bounds);
          series->histogram->counts.resize(source.bounds.size() + 1);
        } else if (family->merge == GaugeMerge::kMax || family->merge == GaugeMerge::kLast) {
          series->gauge = std::make_unique<MergedSeries::Gauge>();
        }
        if (family->type != MetricType::kGauge) num_lines_ += Lines(*series);
        family->by_labels.insert(std::move(added));
        family->series.push_back(series);
      } else if (series->histogram) {
        for (const double bound : source.bounds) {
          if (!Includes(*series, bound)) widened[series].push_back(bound);
        }
      }
      Own(*series);
      found.push_back(series);
    }
    for (auto& [series, bounds] : widened) {
      SortUnique(bounds);
      Widen(bounds, *series);
    }
    const auto middle = family->series.begin() + static_cast<ptrdiff_t>(before);
    std::sort(middle, family->series.end(), ByText);
    std::inplace_merge(family->series.begin(), middle, family->series.end(), ByText);
  }
  return found;
}

const MergedBounds* MergedFamilies::Intern(absl::Span<const double> bounds) {
  const auto [place, is_new] =
      bounds_.try_emplace(std::vector<double>(bounds.begin(), bounds.end()));
  MergedBounds& merged = place->second;
  if (is_new) {
    merged.bounds = place->first;
    for (const double bound : bounds) merged.le.push_back(BoundText(bound));
    merged.le.emplace_back("+Inf");
  }
  Retain(merged);
  return &merged;
}

void MergedFamilies::Release(const MergedBounds& bounds) {
  if (--bounds.owners == 0) bounds_.erase(std::vector<double>(bounds.bounds));
}

void MergedFamilies::Widen(absl::Span<const double> bounds, MergedSeries& series) {
  MergedSeries::Histogram& histogram = *series.histogram;
  const MergedBounds& before = *histogram.bounds;
  num_lines_ -= Lines(series);
  std::vector<double> all;
  std::set_union(before.bounds.begin(), before.bounds.end(), bounds.begin(), bounds.end(),
                 std::back_inserter(all));
  const std::vector<uint64_t> counts = std::move(histogram.counts);
  histogram.counts.assign(all.size() + 1, 0);
  histogram.bounds = Intern(all);
  AddCounts(before.bounds, counts, all, histogram.counts);
  Release(before);
  num_lines_ += Lines(series);
}

void MergedFamilies::Disown(MergedSeries& series) {
  if (--series.owners == 0) disowned_.push_back(&series);
}

void MergedFamilies::Sweep() {
  if (disowned_.empty()) return;
  const std::vector<MergedSeries*> disowned = std::exchange(disowned_, {});
  absl::flat_hash_set<MergedSeries*> gone;
  absl::flat_hash_set<MergedFamily*> families;
  for (MergedSeries* const series : disowned) {
    if (series->owners != 0) continue;
    gone.insert(series);
    families.insert(series->family);
  }
  for (MergedFamily* const family : families) {
    std::erase_if(family->series, [&](MergedSeries* series) { return gone.contains(series); });
  }
  for (MergedSeries* const series : gone) {
    if (series->exposed()) num_lines_ -= Lines(*series);
    if (series->histogram) Release(*series->histogram->bounds);
    auto& by_labels = series->family->by_labels;
    by_labels.erase(by_labels.find(absl::string_view(series->labels)));
  }
  for (MergedFamily* const family : families) {
    if (!family->series.empty()) continue;
    for (const std::string& name : LineNames(*family)) line_names_.erase(name);
    order_.erase(std::find(order_.begin(), order_.end(), family));
    by_name_.erase(std::string(family->name));
  }
}

void MergedFamilies::ShowGauge(const MergedSeries::GaugeEntry& entry, MergedSeries& series) {
  if (series.shown++ == 0) ++num_lines_;
  if (series.family->merge == GaugeMerge::kSum) series.value += FixedSum::Of(entry.value);
  if (!series.gauge) return;
  series.gauge->entries.insert(PlaceOf(entry, *series.gauge), entry);
  Settle(series.family->merge, *series.gauge);
}

void MergedFamilies::ChangeGauge(double before, const MergedSeries::GaugeEntry& entry,
                                 MergedSeries& series) {
  if (series.family->merge == GaugeMerge::kSum) {
    series.value += FixedSum::Of(entry.value) - FixedSum::Of(before);
  }
  if (!series.gauge) return;
  const auto place = PlaceOf(entry, *series.gauge);
  if (place == series.gauge->entries.end() || !SamePlace(*place, entry)) return;
  *place = entry;
  Settle(series.family->merge, *series.gauge);
}

void MergedFamilies::HideGauge(const MergedSeries::GaugeEntry& entry, MergedSeries& series) {
  if (--series.shown == 0) --num_lines_;
  if (series.family->merge == GaugeMerge::kSum) series.value -= FixedSum::Of(entry.value);
  if (!series.gauge) return;
  const auto place = PlaceOf(entry, *series.gauge);
  if (place == series.gauge->entries.end() || !SamePlace(*place, entry)) return;
  series.gauge->entries.erase(place);
  Settle(series.family->merge, *series.gauge);
}

}  // namespace weir
