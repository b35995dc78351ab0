#include "gateway/totals.h"

#include <bit>
#include <cstring>
#include <utility>

namespace weir {
namespace {

void AppendNumber(uint64_t number, std::string& bytes) {
  while (number >= 0x80) {
    bytes.push_back(static_cast<char>(number | 0x80));
    number >>= 7;
  }
  bytes.push_back(static_cast<char>(number));
}

uint64_t ReadNumber(const char*& at) {
  uint64_t number = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<uint8_t>(*at++);
    number |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return number;
  }
}

template <typename T>
void AppendPointer(const T* pointer, std::string& bytes) {
  const auto word = std::bit_cast<uintptr_t>(pointer);
  bytes.append(reinterpret_cast<const char*>(&word), sizeof(word));
}

template <typename T>
T* ReadPointer(const char*& at) {
  uintptr_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  at += sizeof(word);
  return std::bit_cast<T*>(word);
}

SeriesTotal TotalOf(const Push& push, size_t index, MergedSeries* link) {
  const SeriesDictionary::Series& series = push.dictionary->series()[index];
  SeriesTotal total = {.series = link, .sum = FixedSum::Of(push.values[index])};
  if (link->histogram) {
    total.counts = absl::MakeConstSpan(push.bucket_counts)
                       .subspan(series.first_count, series.bounds.size() + 1);
  }
  return total;
}

}  // namespace

void Contribute(const SeriesTotal& total, Sign sign) {
  MergedSeries& series = *total.series;
  const bool plus = sign == Sign::kPlus;
  series.value = plus ? series.value + total.sum : series.value - total.sum;
  if (series.histogram == nullptr) return;
  (plus ? AddCounts : SubtractCounts)(total.bounds->bounds, total.counts,
                                      series.histogram->bounds->bounds, series.histogram->counts);
}

void Contribute(const Push& push, absl::Span<MergedSeries* const> links, Sign sign) {
  const bool plus = sign == Sign::kPlus;
  for (size_t i = 0; i < links.size(); ++i) {
    if (links[i] == nullptr || links[i]->family->type == MetricType::kGauge) continue;
    MergedSeries& series = *links[i];
    const SeriesTotal total = TotalOf(push, i, links[i]);
    series.value = plus ? series.value + total.sum : series.value - total.sum;
    if (series.histogram == nullptr) continue;
    (plus ? AddCounts : SubtractCounts)(push.dictionary->series()[i].bounds, total.counts,
                                        series.histogram->bounds->bounds, series.histogram->counts);
  }
}

void PackedTotals::Add(const SeriesTotal& total, MergedFamilies& merged) {
  merged.Own(*total.series);
  AppendPointer(total.series, bytes_);
  AppendNumber(static_cast<uint64_t>(total.sum.high()), bytes_);
  AppendNumber(total.sum.low(), bytes_);
  if (total.series->histogram == nullptr) return;
  MergedFamilies::Retain(*total.bounds);
  AppendPointer(total.bounds, bytes_);
  for (const uint64_t count : total.counts) AppendNumber(count, bytes_);
}

void PackedTotals::AddAll(const Push& push, absl::Span<MergedSeries* const> links,
                          MergedFamilies& merged) {
  for (size_t i = 0; i < links.size(); ++i) {
    if (links[i] == nullptr || links[i]->family->type == MetricType::kGauge) continue;
    SeriesTotal total = TotalOf(push, i, links[i]);
    if (links[i]->histogram) total.bounds = merged.Intern(push.dictionary->series()[i].bounds);
    Add(total, merged);
    if (total.bounds != nullptr) merged.Release(*total.bounds);
  }
  bytes_.shrink_to_fit();
}

void PackedTotals::Clear(MergedFamilies& merged) {
  ForEach([&](const SeriesTotal& total) {
    merged.Disown(*total.series);
    if (total.bounds != nullptr) merged.Release(*total.bounds);
  });
  bytes_ = std::string();
}

void PackedTotals::ForEach(absl::FunctionRef<void(const SeriesTotal&)> fn) const {
  std::vector<uint64_t> counts;
  const char* at = bytes_.data();
  while (at != bytes_.data() + bytes_.size()) {
    SeriesTotal total;
    total.series = ReadPointer<MergedSeries>(at);
    const auto high = static_cast<int64_t>(ReadNumber(at));
    const uint64_t low = ReadNumber(at);
    total.sum = FixedSum::FromParts(high, low);
    if (total.series->histogram) {
      total.bounds = ReadPointer<const MergedBounds>(at);
      counts.resize(total.bounds->bounds.size() + 1);
      for (uint64_t& count : counts) count = ReadNumber(at);
      total.counts = counts;
    }
    fn(total);
  }
}

void TotalsSum::Add(const SeriesTotal& total, Sign sign, MergedFamilies& merged) {
  const auto [place, is_new] = entries_.try_emplace(total.series);
  Entry& entry = place->second;
  if (is_new) merged.Own(*total.series);
  if (sign == Sign::kPlus) {
    entry.sum += total.sum;
  } else {
    entry.sum -= total.sum;
  }
  if (total.series->histogram == nullptr) return;
  // Those of the series may have become more.
  const MergedBounds* const bounds = total.series->histogram->bounds;
  if (entry.bounds != bounds) {
    std::vector<uint64_t> counts(bounds->bounds.size() + 1);
    if (entry.bounds != nullptr) {
      AddCounts(entry.bounds->bounds, entry.counts, bounds->bounds, counts);
      merged.Release(*entry.bounds);
    }
    MergedFamilies::Retain(*bounds);
    entry.bounds = bounds;
    entry.counts = std::move(counts);
  }
  if (sign == Sign::kPlus) {
    AddCounts(total.bounds->bounds, total.counts, bounds->bounds, entry.counts);
  } else {
    SubtractCounts(total.bounds->bounds, total.counts, bounds->bounds, entry.counts);
  }
}

void TotalsSum::Remove(MergedSeries* series, MergedFamilies& merged) {
  const auto found = entries_.find(series);
  if (found == entries_.end()) return;
  if (found->second.bounds != nullptr) merged.Release(*found->second.bounds);
  merged.Disown(*series);
  entries_.erase(found);
}

void TotalsSum::Clear(MergedFamilies& merged) {
  for (const auto& [series, entry] : entries_) {
    if (entry.bounds != nullptr) merged.Release(*entry.bounds);
    merged.Disown(*series);
  }
  entries_.clear();
}

void TotalsSum::ForEach(absl::FunctionRef<void(const SeriesTotal&)> fn) const {
  for (const auto& [series, entry] : entries_) {
    fn({.series = series, .sum = entry.sum, .bounds = entry.bounds, .counts = entry.counts});
  }
}

}  // namespace weir
