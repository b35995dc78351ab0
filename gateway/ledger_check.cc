// Ledger::Check: what a push may not contradict.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "gateway/ledger.h"

namespace weir {
namespace {

absl::Status Fell(absl::string_view name, absl::string_view what, const auto& from,
                  const auto& to) {
  return absl::FailedPreconditionError(
      absl::StrCat(name, " fell", what, " from ", from, " to ", to, " within a boot"));
}

}  // namespace

absl::StatusOr<Ledger::Verdict> Ledger::Check(const Push& push) const {
  const Boot* const boot = Find(push.boot_id);
  if (boot != nullptr && boot->state != Boot::State::kEmpty && boot->replica != push.replica) {
    return absl::FailedPreconditionError(absl::StrCat("the boot_id ", push.boot_id.Short(),
                                                      "... is that of ", Printable(boot->replica)));
  }
  if (push.seq <= SeqOf(push.boot_id)) return Verdict::kDuplicate;
  if (boot != nullptr && boot->push != nullptr && boot->push->dictionary == push.dictionary) {
    WEIR_RETURN_IF_ERROR(CheckSameSeries(*boot->push, push));
    if (boot->leaves_out) WEIR_RETURN_IF_ERROR(CheckFits(*push.dictionary));
    return Verdict::kNew;
  }
  WEIR_RETURN_IF_ERROR(CheckLimits(push, boot));
  WEIR_RETURN_IF_ERROR(CheckFits(*push.dictionary));
  WEIR_RETURN_IF_ERROR(merged_.CheckBounds(*push.dictionary));
  if (boot != nullptr && boot->state != Boot::State::kEmpty) {
    WEIR_RETURN_IF_ERROR(CheckOtherSeries(*boot, push));
  }
  if (boot != nullptr) return Verdict::kNew;
  // What a forgotten boot counted is known no more, but it has counted.
  const bool was_counted = push.acknowledged_seq > 0 || forgotten_.SeqOf(push.boot_id) > 0;
  return was_counted ? Verdict::kBaseline : Verdict::kNew;
}

bool Ledger::BringsFamily(const SeriesDictionary& dictionary) const {
  const auto families = dictionary.families();
  return std::any_of(families.begin(), families.end(), [&](const auto& family) {
    return family.num_series > 0 && merged_.Find(family.name) == nullptr;
  });
}

absl::Status Ledger::CheckFits(const SeriesDictionary& dictionary) const {
  for (const SeriesDictionary::Family& family : dictionary.families()) {
    WEIR_RETURN_IF_ERROR(merged_.Fits(family));
  }
  return absl::OkStatus();
}

absl::Status Ledger::CheckLimits(const Push& push, const Boot* boot) const {
  const int64_t lines = push.dictionary->num_lines();
  if (lines > options_.max_series_per_source) {
    return TooManySeries(absl::StrCat("the server has ", lines, " series, of ",
                                      options_.max_series_per_source, " that it may have"),
                         lines);
  }
  const bool is_active = boot != nullptr && boot->state == Boot::State::kActive;
  if (!is_active && num_active_ >= options_.max_sources) {
    return TooManySeries(absl::StrCat("there are ", num_active_, " servers, of ",
                                      options_.max_sources, " that there may be"),
                         lines);
  }
  const int64_t added = merged_.NewLines(*push.dictionary) + models_.NewLines(*push.dictionary);
  if (added > 0 && num_lines() + added > options_.max_series) {
    return TooManySeries(
        absl::StrCat("the server would bring ", added, " new series to the ", num_lines(),
                     " that there are, of ", options_.max_series, " that there may be"),
        lines);
  }
  return absl::OkStatus();
}

absl::Status Ledger::CheckSameSeries(const Push& before, const Push& after) const {
  const SeriesDictionary& dictionary = *after.dictionary;
  for (const SeriesDictionary::Family& family : dictionary.families()) {
    if (family.type == MetricType::kGauge) continue;
    const size_t end = family.first_series + family.num_series;
    for (size_t i = family.first_series; i < end; ++i) {
      if (after.values[i] >= before.values[i]) continue;
      return Fell(dictionary.NameOf(dictionary.series()[i]), "", before.values[i], after.values[i]);
    }
  }
  const size_t num_counts = after.bucket_counts.size();
  bool fell = false;
  for (size_t i = 0; i < num_counts; ++i) fell |= after.bucket_counts[i] < before.bucket_counts[i];
  if (fell) {
    for (const SeriesDictionary::Series& series : dictionary.series()) {
      if (dictionary.FamilyOf(series).type != MetricType::kHistogram) continue;
      for (size_t i = series.first_count; i <= series.first_count + series.bounds.size(); ++i) {
        if (after.bucket_counts[i] >= before.bucket_counts[i]) continue;
        return Fell(dictionary.NameOf(series), " in a bucket", before.bucket_counts[i],
                    after.bucket_counts[i]);
      }
    }
  }
  return absl::OkStatus();
}

Ledger::Aggregate Ledger::AggregateOf(const Push& push) const {
  Aggregate aggregate;
  const SeriesDictionary& dictionary = *push.dictionary;
  for (const SeriesDictionary::Family& pushed : dictionary.families()) {
    const MergedFamily* const family = merged_.Find(pushed.name);
    // Those of another type are left out.
    if (family == nullptr || family->type != pushed.type || pushed.type == MetricType::kGauge) {
      continue;
    }
    for (uint32_t i = 0; i < pushed.num_series; ++i) {
      const size_t index = pushed.first_series + i;
      const SeriesDictionary::Series& source = dictionary.series()[index];
      const MergedSeries* const series = merged_.FindSeries(*family, source.labels);
      if (series == nullptr) continue;
      if (series->histogram == nullptr) {
        aggregate[series].value += FixedSum::Of(push.values[index]);
        continue;
      }
      const std::vector<double>& bounds = series->histogram->bounds->bounds;
      // One with bounds that are new here is not one that the boot had.
      if (!std::includes(bounds.begin(), bounds.end(), source.bounds.begin(),
                         source.bounds.end())) {
        continue;
      }
      SeriesAggregate& sum = aggregate[series];
      sum.value += FixedSum::Of(push.values[index]);
      sum.counts.resize(bounds.size() + 1);
      sum.bounds.push_back(source.bounds);
      AddCounts(
          source.bounds,
          absl::MakeConstSpan(&push.bucket_counts[source.first_count], source.bounds.size() + 1),
          bounds, sum.counts);
    }
  }
  return aggregate;
}

absl::Status Ledger::CheckOtherSeries(const Boot& boot, const Push& push) const {
  Aggregate before;
  if (boot.push != nullptr) {
    before = AggregateOf(*boot.push);
  } else {
    boot.totals.ForEach([&](const SeriesTotal& total) {
      SeriesAggregate& sum = before[total.series];
      sum.value += total.sum;
      if (total.series->histogram == nullptr) return;
      const std::vector<double>& bounds = total.series->histogram->bounds->bounds;
      sum.counts.resize(bounds.size() + 1);
      sum.bounds.push_back(total.bounds->bounds);
      AddCounts(total.bounds->bounds, total.counts, bounds, sum.counts);
    });
  }
  Aggregate after = AggregateOf(push);
  for (const auto& [series, old] : before) {
    const std::string name = SeriesName(series->family->name, series->labels);
    const auto found = after.find(series);
    if (found == after.end()) {
      return absl::FailedPreconditionError(
          absl::StrCat(name, " is gone, or has other bounds than before in this boot"));
    }
    const SeriesAggregate& sum = found->second;
    for (const absl::Span<const double> bounds : old.bounds) {
      if (std::find(sum.bounds.begin(), sum.bounds.end(), bounds) != sum.bounds.end()) continue;
      return absl::FailedPreconditionError(
          absl::StrCat(name, " has other bounds than before in this boot"));
    }
    if (sum.value < old.value) {
      return Fell(name, "", old.value.ToDouble(), sum.value.ToDouble());
    }
    for (size_t i = 0; i < old.counts.size(); ++i) {
      if (sum.counts[i] < old.counts[i]) {
        return Fell(name, " in a bucket", old.counts[i], sum.counts[i]);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace weir
