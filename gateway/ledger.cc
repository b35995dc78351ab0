#include "gateway/ledger.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace weir {
namespace {

// A first push that holds more than this is history, not what has just happened; nor is what came
// after a longer silence.
constexpr absl::Duration kNews = absl::Minutes(5);

MergedSeries::GaugeEntry GaugeOf(const Boot& boot, const Push& push, size_t index) {
  return {.boot_id = boot.id,
          .index = static_cast<uint32_t>(index),
          .began = push.began,
          .value = push.values[index]};
}

bool IsGauge(const MergedSeries* series) {
  return series != nullptr && series->family->type == MetricType::kGauge;
}

}  // namespace

Ledger::Ledger(const Options& options) : options_(options) {}

Ledger::~Ledger() = default;

Boot* Ledger::Find(const BootId& boot_id) const {
  const auto found = boots_.find(boot_id);
  return found == boots_.end() ? nullptr : found->second.get();
}

Boot& Ledger::FindOrAdd(const BootId& boot_id) {
  std::unique_ptr<Boot>& place = boots_[boot_id];
  if (place == nullptr) {
    place = std::make_unique<Boot>();
    place->id = boot_id;
  }
  return *place;
}

std::shared_ptr<const SeriesDictionary> Ledger::DictionaryOf(const BootId& boot_id) const {
  const Boot* const boot = Find(boot_id);
  return boot == nullptr || boot->push == nullptr ? nullptr : boot->push->dictionary;
}

uint64_t Ledger::SeqOf(const BootId& boot_id) const {
  const Boot* const boot = Find(boot_id);
  return boot == nullptr ? forgotten_.SeqOf(boot_id) : boot->seq;
}

void Ledger::Apply(const LedgerRecord& record) { Take(record, /*live=*/true); }

void Ledger::Take(const LedgerRecord& record, bool live) {
  const Push& push = *record.push;
  if (push.seq <= forgotten_.SeqOf(push.boot_id)) return;
  if (record.kind == LedgerRecord::Kind::kBaseline) TakeBaseline(record);
  Boot& boot = FindOrAdd(push.boot_id);
  if (push.seq <= boot.seq) return;
  const bool same_series =
      boot.push != nullptr && (boot.push->dictionary == push.dictionary ||
                               boot.push->dictionary->bytes() == push.dictionary->bytes());
  if (same_series && !HasPlaceForLeftOut(boot)) {
    TakeSameSeries(boot, record, live);
  } else {
    TakeOtherSeries(boot, record, live);
  }
  boot.replica = push.replica;
  boot.began = push.began;
  boot.seq = push.seq;
  boot.arrival = record.arrival;
  boot.push = record.push;
  if (push.last) {
    HideGauges(boot);
  } else {
    ShowGauges(boot);
  }
  next_event_ = std::min(next_event_, boot.FallsSilent());
}

void Ledger::TakeSameSeries(Boot& boot, const LedgerRecord& record, bool live) {
  const Push& before = *boot.push;
  const Push& after = *record.push;
  const SeriesDictionary& dictionary = *after.dictionary;
  for (const SeriesDictionary::Family& family : dictionary.families()) {
    const size_t end = family.first_series + family.num_series;
    for (size_t i = family.first_series; i < end; ++i) {
      const double old = before.values[i];
      const double value = after.values[i];
      if (value == old || boot.links[i] == nullptr) continue;
      MergedSeries& series = *boot.links[i];
      if (family.type != MetricType::kGauge) {
        series.value += FixedSum::Of(value) - FixedSum::Of(old);
      } else if (boot.shows_gauges) {
        merged_.ChangeGauge(old, GaugeOf(boot, after, i), series);
      }
    }
    if (family.type != MetricType::kHistogram) continue;
    for (size_t i = family.first_series; i < end; ++i) {
      const SeriesDictionary::Series& source = dictionary.series()[i];
      const size_t num_counts = source.bounds.size() + 1;
      const auto old = absl::MakeConstSpan(&before.bucket_counts[source.first_count], num_counts);
      const auto counts = absl::MakeConstSpan(&after.bucket_counts[source.first_count], num_counts);
      if (counts == old || boot.links[i] == nullptr) continue;
      MergedSeries::Histogram& merged = *boot.links[i]->histogram;
      AddCounts(source.bounds, counts, merged.bounds->bounds, merged.counts);
      SubtractCounts(source.bounds, old, merged.bounds->bounds, merged.counts);
    }
  }
  if (!live || after.recovered || record.arrival - boot.arrival > kNews) return;
  models_.AddDifference(record.arrival, boot.feed, before, after);
}

void Ledger::TakeOtherSeries(Boot& boot, const LedgerRecord& record, bool live) {
  const Push& push = *record.push;
  std::vector<MergedSeries*> links = merged_.FindOrAdd(*push.dictionary);
  ModelFeed feed = models_.Connect(*push.dictionary);
  Contribute(push, links, Sign::kPlus);

  const bool is_news = boot.state == Boot::State::kEmpty
                           ? boot.baseline_seq == 0 && record.arrival - push.began < kNews
                           : boot.push != nullptr && record.arrival - boot.arrival < kNews;
  if (live && !push.recovered && is_news) {
    models_.AddDifference(record.arrival, boot.feed, boot.push.get(), feed, push);
  }
  if (boot.state == Boot::State::kEmpty) {
    boot.baseline.ForEach([](const SeriesTotal& total) { Contribute(total, Sign::kMinus); });
  }
  // One that is silent may end by this.
  if (boot.state != Boot::State::kActive) next_event_ = absl::InfinitePast();
  TakeOut(boot);
  boot.state = Boot::State::kActive;
  ++num_active_;
  boot.links = std::move(links);
  boot.leaves_out = std::find(boot.links.begin(), boot.links.end(), nullptr) != boot.links.end();
  boot.feed = std::move(feed);
  merged_.Sweep();
}

void Ledger::TakeBaseline(const LedgerRecord& record) {
  const std::vector<MergedSeries*> links = merged_.FindOrAdd(*record.push->dictionary);
  PackedTotals totals;
  totals.AddAll(*record.push, links, merged_);
  for (MergedSeries* const series : links) {
    if (series != nullptr) merged_.Disown(*series);
  }
  SetBaseline(FindOrAdd(record.push->boot_id), record.push->seq, std::move(totals));
  merged_.Sweep();
}

void Ledger::SetBaseline(Boot& boot, uint64_t seq, PackedTotals totals) {
  if (seq <= boot.baseline_seq) {
    totals.Clear(merged_);
    return;
  }
  if (boot.state != Boot::State::kEmpty) {
    totals.ForEach([](const SeriesTotal& total) { Contribute(total, Sign::kMinus); });
    boot.baseline.ForEach([](const SeriesTotal& total) { Contribute(total, Sign::kPlus); });
  }
  boot.baseline.Clear(merged_);
  boot.baseline = std::move(totals);
  boot.baseline_seq = seq;
}

void Ledger::TakeOut(Boot& boot) {
  switch (boot.state) {
    case Boot::State::kEmpty:
      return;
    case Boot::State::kActive:
      HideGauges(boot);
      Contribute(*boot.push, boot.links, Sign::kMinus);
      for (MergedSeries* const series : boot.links) {
        if (series != nullptr) merged_.Disown(*series);
      }
      boot.links = {};
      boot.leaves_out = false;
      boot.push = nullptr;
      models_.Disconnect(boot.feed);
      --num_active_;
      break;
    case Boot::State::kRetired:
      boot.totals.ForEach([](const SeriesTotal& total) { Contribute(total, Sign::kMinus); });
      boot.totals.Clear(merged_);
      --num_retired_;
      break;
  }
  boot.state = Boot::State::kEmpty;
}

void Ledger::ShowGauges(Boot& boot) {
  if (std::exchange(boot.shows_gauges, true)) return;
  for (size_t i = 0; i < boot.links.size(); ++i) {
    if (IsGauge(boot.links[i])) merged_.ShowGauge(GaugeOf(boot, *boot.push, i), *boot.links[i]);
  }
}

void Ledger::HideGauges(Boot& boot) {
  if (!std::exchange(boot.shows_gauges, false)) return;
  for (size_t i = 0; i < boot.links.size(); ++i) {
    if (IsGauge(boot.links[i])) merged_.HideGauge(GaugeOf(boot, *boot.push, i), *boot.links[i]);
  }
}

bool Ledger::HasPlaceForLeftOut(const Boot& boot) const {
  if (!boot.leaves_out) return false;
  const auto families = boot.push->dictionary->families();
  return std::any_of(families.begin(), families.end(), [&](const auto& family) {
    return family.num_series > 0 && boot.links[family.first_series] == nullptr &&
           merged_.Fits(family).ok();
  });
}

void Ledger::LinkLeftOut(Boot& boot) {
  const bool shows_gauges = boot.shows_gauges;
  HideGauges(boot);
  Contribute(*boot.push, boot.links, Sign::kMinus);
  const std::vector<MergedSeries*> before =
      std::exchange(boot.links, merged_.FindOrAdd(*boot.push->dictionary));
  boot.leaves_out = std::find(boot.links.begin(), boot.links.end(), nullptr) != boot.links.end();
  Contribute(*boot.push, boot.links, Sign::kPlus);
  if (shows_gauges) ShowGauges(boot);
  for (MergedSeries* const series : before) {
    if (series != nullptr) merged_.Disown(*series);
  }
}

std::vector<Ledger::Model> Ledger::Models() const {
  std::vector<Model> models;
  models.reserve(models_.models().size());
  for (const auto& [name, entry] : models_.models()) {
    models.push_back({.name = name, .windows = &entry.windows});
  }
  return models;
}

std::vector<LedgerSource> Ledger::Sources() const {
  std::map<absl::string_view, const Boot*> newest;
  for (const auto& [id, boot] : boots_) {
    if (boot->state != Boot::State::kActive) continue;
    const Boot*& place = newest[boot->replica];
    if (place == nullptr || std::pair(place->began, place->id) < std::pair(boot->began, id)) {
      place = boot.get();
    }
  }
  std::vector<LedgerSource> sources;
  sources.reserve(newest.size());
  for (const auto& [replica, boot] : newest) {
    sources.push_back({.replica = boot->replica,
                       .boot_id = boot->id,
                       .state = boot->push->last     ? LedgerSource::State::kEnded
                                : boot->shows_gauges ? LedgerSource::State::kUp
                                                     : LedgerSource::State::kSilent,
                       .seq = boot->seq,
                       .began = boot->began,
                       .last_push = boot->arrival,
                       .interval = boot->push->interval});
  }
  return sources;
}

}  // namespace weir
