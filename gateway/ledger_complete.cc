// Ledger::Completed: what a boot had, and its recovered push lacks.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "gateway/label_text.h"
#include "gateway/ledger.h"
#include "gateway/series_dictionary.h"
#include "weir/v1/stats.pb.h"

namespace weir {
namespace {

// A counter or histogram that is to be added.
struct Lacking {
  const MergedSeries* series;
  double value;
  std::vector<double> bounds;
  std::vector<uint64_t> counts;
};

// By the names of the families.
using LackingSeries = std::map<absl::string_view, std::vector<Lacking>>;

// Builds a push, series by series.
class PushWriter {
 public:
  // Begins with what stands outside of the lists of numbers.
  explicit PushWriter(const Push& header)
      : push_(std::make_shared<Push>(Push{.replica = header.replica,
                                          .boot_id = header.boot_id,
                                          .seq = header.seq,
                                          .acknowledged_seq = header.acknowledged_seq,
                                          .began = header.began,
                                          .interval = header.interval,
                                          .last = header.last,
                                          .recovered = header.recovered})) {}

  // Of a SeriesDictionary::Family or a MergedFamily, neither of gauges.
  void BeginFamily(const auto& family, bool log_linear) {
    family_ = dictionary_.add_families();
    family_->set_name(family.name);
    family_->set_help(family.help);
    family_->set_type(family.type == MetricType::kHistogram ? v1::METRIC_TYPE_HISTOGRAM
                                                            : v1::METRIC_TYPE_COUNTER);
    for (const std::string& label : family.label_names) family_->add_label_names(label);
    family_->set_log_linear(log_linear);
    family_->set_without_sum(family.without_sum);
  }

  void Add(absl::string_view labels, double value, absl::Span<const double> bounds,
           absl::Span<const uint64_t> counts, absl::Span<const Push::LogLinearEntry> log_linear) {
    v1::MetricSeries& series = *family_->add_series();
    for (const std::string& label : family_->label_names()) {
      series.add_label_values(LabelValue(labels, label).value_or(""));
    }
    series.mutable_bounds()->Add(bounds.begin(), bounds.end());
    push_->values.push_back(value);
    push_->bucket_counts.insert(push_->bucket_counts.end(), counts.begin(), counts.end());
    if (!family_->log_linear()) return;
    MarkLogLinear();
    push_->log_linear.insert(push_->log_linear.end(), log_linear.begin(), log_linear.end());
  }

  // Null where the families contradict each other.
  std::shared_ptr<const Push> Finish() {
    MarkLogLinear();
    auto dictionary =
        SeriesDictionary::Parse(dictionary_.SerializeAsString(), DictionaryLimits::None());
    if (!dictionary.ok()) return nullptr;
    push_->dictionary = *std::move(dictionary);
    return std::move(push_);
  }

 private:
  void MarkLogLinear() {
    push_->log_linear_begin.push_back(static_cast<uint32_t>(push_->log_linear.size()));
  }

  std::shared_ptr<Push> push_;
  v1::Dictionary dictionary_;
  v1::MetricFamily* family_ = nullptr;
};

void Add(absl::Span<const Lacking> lacking, PushWriter& writer) {
  for (const Lacking& added : lacking) {
    writer.Add(added.series->labels, added.value, added.bounds, added.counts, {});
  }
}

std::shared_ptr<const Push> Together(const Push& push, LackingSeries lacking) {
  const SeriesDictionary& dictionary = *push.dictionary;
  PushWriter writer(push);
  for (const SeriesDictionary::Family& family : dictionary.families()) {
    if (family.type == MetricType::kGauge) continue;
    const bool is_histogram = family.type == MetricType::kHistogram;
    const bool log_linear = is_histogram && family.log_linear;
    writer.BeginFamily(family, log_linear);
    for (uint32_t i = family.first_series; i < family.first_series + family.num_series; ++i) {
      const SeriesDictionary::Series& series = dictionary.series()[i];
      absl::Span<const uint64_t> counts;
      if (is_histogram) {
        counts =
            absl::MakeConstSpan(&push.bucket_counts[series.first_count], series.bounds.size() + 1);
      }
      absl::Span<const Push::LogLinearEntry> entries;
      if (log_linear) {
        const uint32_t begin = push.log_linear_begin[series.log_linear];
        const uint32_t end = push.log_linear_begin[series.log_linear + 1];
        entries = absl::MakeConstSpan(push.log_linear).subspan(begin, end - begin);
      }
      writer.Add(series.labels, push.values[i], series.bounds, counts, entries);
    }
    const auto found = lacking.find(family.name);
    if (found == lacking.end()) continue;
    Add(found->second, writer);
    lacking.erase(found);
  }
  for (const auto& [name, added] : lacking) {
    writer.BeginFamily(*added.front().series->family, /*log_linear=*/false);
    Add(added, writer);
  }
  return writer.Finish();
}

}  // namespace

std::shared_ptr<const Push> Ledger::Completed(std::shared_ptr<const Push> push) const {
  if (!push->recovered) return push;
  const Boot* const boot = Find(push->boot_id);
  if (boot == nullptr || push->seq <= SeqOf(push->boot_id)) return push;

  absl::flat_hash_set<const MergedSeries*> has;
  for (const SeriesDictionary::Family& family : push->dictionary->families()) {
    if (!merged_.Fits(family).ok()) return push;  // Check says why.
    const MergedFamily* const known = merged_.Find(family.name);
    if (known == nullptr) continue;
    for (uint32_t i = 0; i < family.num_series; ++i) {
      has.insert(
          merged_.FindSeries(*known, push->dictionary->series()[family.first_series + i].labels));
    }
  }

  LackingSeries lacking;
  const auto add = [&](const SeriesTotal& total) {
    if (has.contains(total.series)) return;
    Lacking& added = lacking[total.series->family->name].emplace_back();
    added.series = total.series;
    added.value = total.sum.ToDouble();
    if (total.bounds != nullptr) added.bounds = total.bounds->bounds;
    added.counts.assign(total.counts.begin(), total.counts.end());
  };
  switch (boot->state) {
    case Boot::State::kActive: {
      const SeriesDictionary& dictionary = *boot->push->dictionary;
      for (size_t i = 0; i < boot->links.size(); ++i) {
        const MergedSeries* const series = boot->links[i];
        if (series == nullptr || series->family->type == MetricType::kGauge) continue;
        if (has.contains(series)) continue;
        Lacking& added = lacking[series->family->name].emplace_back();
        added.series = series;
        added.value = boot->push->values[i];
        if (series->histogram == nullptr) continue;
        const SeriesDictionary::Series& source = dictionary.series()[i];
        added.bounds.assign(source.bounds.begin(), source.bounds.end());
        const uint64_t* const counts = &boot->push->bucket_counts[source.first_count];
        added.counts.assign(counts, counts + source.bounds.size() + 1);
      }
      break;
    }
    case Boot::State::kRetired:
      boot->totals.ForEach(add);
      break;
    case Boot::State::kEmpty:
      // Else less than nothing would count.
      boot->baseline.ForEach(add);
      break;
  }
  if (lacking.empty()) return push;
  std::shared_ptr<const Push> completed = Together(*push, std::move(lacking));
  return completed != nullptr ? completed : push;
}

}  // namespace weir
