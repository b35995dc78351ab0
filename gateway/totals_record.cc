#include "gateway/totals_record.h"

#include <algorithm>

#include "absl/status/status.h"
#include "base/metrics_proto.h"
#include "gateway/label_text.h"
#include "weir/v1/stats.pb.h"

namespace weir {
namespace {

void Remap(const std::vector<uint32_t>& places, v1::SeriesTotals& totals) {
  for (uint32_t& series : *totals.mutable_series()) series = places[series];
}

absl::Status Broken() { return absl::InvalidArgumentError("the record of totals is broken"); }

}  // namespace

void TotalsRecordWriter::Add(const SeriesTotal& total, v1::SeriesTotals& to) {
  const auto place = static_cast<uint32_t>(places_.size());
  const auto [found, is_new] = places_.try_emplace({total.series, total.bounds}, place);
  if (is_new) {
    bytes_ += total.series->labels.size() + total.counts.size() * sizeof(double) + 16;
  }
  to.add_series(found->second);
  to.add_values_high(total.sum.high());
  to.add_values_low(total.sum.low());
  to.mutable_counts()->Add(total.counts.begin(), total.counts.end());
  bytes_ += 16 + total.counts.size() * 4;
}

std::string TotalsRecordWriter::Finish() {
  std::vector<std::pair<Key, uint32_t>> keys(places_.begin(), places_.end());
  std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) {
    const MergedFamily* const family = a.first.first->family;
    const MergedFamily* const other = b.first.first->family;
    return family != other ? family->name < other->name : a.second < b.second;
  });
  std::vector<uint32_t> places(keys.size());
  v1::Dictionary dictionary;
  const MergedFamily* family = nullptr;
  v1::MetricFamily* to = nullptr;
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto& [series, bounds] = keys[i].first;
    places[keys[i].second] = static_cast<uint32_t>(i);
    if (series->family != family) {
      family = series->family;
      to = dictionary.add_families();
      to->set_name(family->name);
      to->set_help(family->help);
      to->set_type(ToProto(family->type));
      to->set_without_sum(family->without_sum);
      for (const std::string& label : family->label_names) to->add_label_names(label);
    }
    v1::MetricSeries& entry = *to->add_series();
    for (const std::string& label : family->label_names) {
      entry.add_label_values(LabelValue(series->labels, label).value_or(""));
    }
    if (bounds != nullptr) {
      entry.mutable_bounds()->Add(bounds->bounds.begin(), bounds->bounds.end());
    }
  }
  for (v1::BootTotals& boot : *message_.mutable_boots()) Remap(places, *boot.mutable_totals());
  if (message_.has_base()) Remap(places, *message_.mutable_base()->mutable_totals());
  message_.set_dictionary(dictionary.SerializeAsString());
  std::string bytes = message_.SerializeAsString();
  message_.Clear();
  places_.clear();
  bytes_ = 0;
  return bytes;
}

absl::StatusOr<PackedTotals> ReadSeriesTotals(const v1::SeriesTotals& from,
                                              const SeriesDictionary& dictionary,
                                              absl::Span<MergedSeries* const> links,
                                              MergedFamilies& merged) {
  PackedTotals totals;
  const auto fail = [&] {
    totals.Clear(merged);
    return Broken();
  };
  if (from.values_high_size() != from.series_size() ||
      from.values_low_size() != from.series_size()) {
    return fail();
  }
  int num_counts = 0;
  for (int i = 0; i < from.series_size(); ++i) {
    if (from.series(i) >= links.size()) return fail();
    const SeriesDictionary::Series& series = dictionary.series()[from.series(i)];
    MergedSeries* const link = links[from.series(i)];
    const MetricType type = dictionary.FamilyOf(series).type;
    if (type == MetricType::kGauge) return fail();
    SeriesTotal total = {.series = link,
                         .sum = FixedSum::FromParts(from.values_high(i), from.values_low(i))};
    if (type == MetricType::kHistogram) {
      const int size = static_cast<int>(series.bounds.size()) + 1;
      if (from.counts_size() - num_counts < size) return fail();
      total.bounds = merged.Intern(series.bounds);
      total.counts = absl::MakeConstSpan(from.counts().data() + num_counts, size);
      num_counts += size;
    }
    if (link != nullptr) totals.Add(total, merged);
    if (total.bounds != nullptr) merged.Release(*total.bounds);
  }
  if (num_counts != from.counts_size()) return fail();
  return totals;
}

}  // namespace weir
