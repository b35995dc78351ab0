#include "bench/push_source.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/metrics_proto.h"

namespace weir {
namespace {

constexpr int kSamplesPerServe = 8;     // Of each histogram.
constexpr int kMaxTimesPerSample = 25;  // So up to 200 requests a model.

absl::string_view TypeName(const Metric& metric) {
  if (metric.type == MetricType::kHistogram) return "histogram";
  return metric.type == MetricType::kCounter ? "counter" : "gauge";
}

template <typename Number>
void AppendNumber(Number number, std::string& text) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  text.append(digits, end - digits);
}

}  // namespace

PushSource::PushSource(const Options& options)
    : options_(options),
      random_(options.seed),
      series_(SeriesOfServer(options.replica, options.first_model, options.models)) {
  for (size_t i = 0; i < series_.size(); ++i) {
    const ServedSeries& series = series_[i];
    snapshot_.add_values(series.gauge);
    if (series.per_request > 0) growing_counters_.push_back(static_cast<int>(i));
    if (series.distribution != nullptr) AddHistogram(static_cast<int>(i));
  }
  MakeFixedPart();
  Serve();
}

void PushSource::AddHistogram(int index) {
  const Distribution& distribution = *series_[index].distribution;
  histograms_.push_back({.series = index, .first_bucket = snapshot_.bucket_counts_size()});
  for (size_t i = 0; i <= distribution.bounds.size(); ++i) snapshot_.add_bucket_counts(0);
  if (series_[index].metric->log_linear) {
    histograms_.back().log_linear = snapshot_.log_linear_size();
    v1::LogLinear& log_linear = *snapshot_.add_log_linear();
    int before = 0;
    for (const int bucket : distribution.log_linear_buckets) {
      log_linear.add_buckets(bucket - std::exchange(before, bucket));
      log_linear.add_counts(0);
    }
  }
  // Each sample once, so that no bucket is left out.
  Observe(histograms_.back(), static_cast<int>(distribution.samples.size()), 1);
}

void PushSource::Observe(const HistogramCells& histogram, int samples, int64_t times) {
  const ServedSeries& series = series_[histogram.series];
  const Distribution& distribution = *series.distribution;
  uint64_t* const buckets =
      snapshot_.mutable_bucket_counts()->mutable_data() + histogram.first_bucket;
  uint64_t* const log_linear =
      histogram.log_linear < 0
          ? nullptr
          : snapshot_.mutable_log_linear(histogram.log_linear)->mutable_counts()->mutable_data();
  double sum = 0;
  size_t next = random_();
  for (int i = 0; i < samples; ++i) {
    const Distribution::Sample& sample = distribution.samples[next++ % distribution.samples.size()];
    buckets[sample.bucket] += times;
    sum += sample.value;
    if (log_linear != nullptr) log_linear[sample.log_linear_index] += times;
  }
  if (series.metric->without_sum) return;
  *snapshot_.mutable_values()->Mutable(histogram.series) += sum * static_cast<double>(times);
}

void PushSource::Serve() {
  std::vector<int64_t> times(options_.models);
  for (int64_t& of_model : times) of_model = 1 + static_cast<int>(random_() % kMaxTimesPerSample);
  double* const values = snapshot_.mutable_values()->mutable_data();
  for (const int index : growing_counters_) {
    const ServedSeries& series = series_[index];
    values[index] +=
        series.per_request * kSamplesPerServe * static_cast<double>(times[series.model]);
  }
  for (const HistogramCells& histogram : histograms_) {
    Observe(histogram, kSamplesPerServe, times[series_[histogram.series].model]);
  }
}

std::string PushSource::TakeSnapshot() {
  snapshot_.set_seq(snapshot_.seq() + 1);
  return snapshot_.SerializeAsString();
}

void PushSource::MakeFixedPart() {
  v1::Dictionary dictionary;
  for (const ServedSeries& series : series_) {
    const Metric& metric = *series.metric;
    if (dictionary.families().empty() || dictionary.families().rbegin()->name() != metric.name) {
      v1::MetricFamily& family = *dictionary.add_families();
      family.set_name(std::string(metric.name));
      family.set_help(std::string(metric.help));
      family.set_type(ToProto(metric.type));
      family.set_merge(ToProto(metric.merge));
      for (const absl::string_view label : metric.labels) {
        family.add_label_names(std::string(label));
      }
      family.set_log_linear(metric.log_linear);
      family.set_without_sum(metric.without_sum);
    }
    v1::MetricSeries& added = *dictionary.mutable_families()->rbegin()->add_series();
    for (const std::string& label : series.labels) added.add_label_values(label);
    if (series.distribution == nullptr) continue;
    for (const double bound : series.distribution->bounds) added.add_bounds(bound);
  }
  v1::PushRequest fixed;
  fixed.set_replica(options_.replica);
  std::string boot_id;
  std::seed_seq seed(options_.replica.begin(), options_.replica.end());
  std::mt19937_64 random(seed);
  for (int i = 0; i < 16; ++i) boot_id.push_back(static_cast<char>(random()));
  fixed.set_boot_id(boot_id);
  fixed.set_boot_unix_ns(1'700'000'000'000'000'000);
  fixed.set_interval_ms(600'000);  // No gauge shall expire while others are measured.
  fixed.set_dictionary(dictionary.SerializeAsString());
  fixed_part_ = fixed.SerializeAsString();
}

void PushSource::MakeTextLines() {
  const Metric* metric = nullptr;
  auto histogram = histograms_.begin();
  for (size_t i = 0; i < series_.size(); ++i) {
    const ServedSeries& series = series_[i];
    const absl::string_view name = series.metric->name;
    if (series.metric != metric) {
      metric = series.metric;
      text_lines_.push_back({absl::StrCat("# HELP ", name, " ", metric->help, "\n# TYPE ", name,
                                          " ", TypeName(*metric), "\n")});
    }
    std::string labels;
    for (size_t j = 0; j < series.labels.size(); ++j) {
      absl::StrAppend(&labels, j == 0 ? "" : ",", metric->labels[j], "=\"", series.labels[j], "\"");
    }
    const auto add = [&](absl::string_view suffix, absl::string_view more_labels,
                         TextLine::Kind kind, int index) {
      text_lines_.push_back(
          {absl::StrCat(name, suffix, "{", labels, more_labels, "} "), kind, index});
    };
    const int value = static_cast<int>(i);
    if (series.distribution == nullptr) {
      add("", "", TextLine::kValue, value);
      continue;
    }
    int bucket = (histogram++)->first_bucket;
    TextLine::Kind kind = TextLine::kFirstBucket;
    for (const double bound : series.distribution->bounds) {
      add("_bucket", absl::StrCat(",le=\"", bound, "\""), kind, bucket++);
      kind = TextLine::kBucket;
    }
    add("_bucket", ",le=\"+Inf\"", TextLine::kBucket, bucket);
    if (!metric->without_sum) add("_sum", "", TextLine::kValue, value);
    add("_count", "", TextLine::kCount, 0);
  }
}

std::string PushSource::Text() {
  if (text_lines_.empty()) MakeTextLines();
  std::string text;
  text.reserve(text_lines_.size() * 100);
  uint64_t count = 0;  // Of the values in this bucket and the smaller ones.
  for (const TextLine& line : text_lines_) {
    text += line.prefix;
    switch (line.kind) {
      case TextLine::kComment:
        continue;
      case TextLine::kValue:
        AppendNumber(snapshot_.values(line.index), text);
        break;
      case TextLine::kFirstBucket:
        count = 0;
        [[fallthrough]];
      case TextLine::kBucket:
        count += snapshot_.bucket_counts(line.index);
        [[fallthrough]];
      case TextLine::kCount:
        AppendNumber(count, text);
        break;
    }
    text += '\n';
  }
  return text;
}

int PushSource::TextLines() {
  if (text_lines_.empty()) MakeTextLines();
  return static_cast<int>(
      std::count_if(text_lines_.begin(), text_lines_.end(),
                    [](const TextLine& line) { return line.kind != TextLine::kComment; }));
}

}  // namespace weir
