#include "gateway/exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <future>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/metrics.h"
#include "gateway/fixed_sum.h"
#include "gateway/label_text.h"
#include "gateway/window.h"

namespace weir {
namespace {

char* Copy(absl::string_view piece, char* to) {
  std::memcpy(to, piece.data(), piece.size());
  return to + piece.size();
}

template <typename Number>
char* PutDigits(Number value, char* to) {
  return std::to_chars(to, to + kMaxNumberBytes, value).ptr;
}

// Its billionths are written as they are: no rounding, and faster than from a double.
char* PutSum(FixedSum value, char* to) {
  constexpr uint64_t kUnit = 1'000'000'000;
  if (value.high() != 0 || value.low() > INT64_MAX) return WriteNumber(value.ToDouble(), to);
  to = PutDigits(value.low() / kUnit, to);
  uint64_t rest = value.low() % kUnit;
  if (rest == 0) return to;
  int digits = 9;
  for (; rest % 10 == 0; rest /= 10) --digits;
  *to++ = '.';
  for (int i = digits - 1; i >= 0; --i, rest /= 10) to[i] = static_cast<char>('0' + rest % 10);
  return to + digits;
}

absl::string_view TypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kSummary:
      return "summary";
  }
  return "untyped";
}

void AppendHeader(absl::string_view name, absl::string_view help, MetricType type, PageText& out) {
  out.Append("# HELP ");
  out.Append(name);
  out.Append(" ");
  for (const char c : help) {
    if (c == '\\') {
      out.Append("\\\\");
    } else if (c == '\n') {
      out.Append("\\n");
    } else {
      out.Append({&c, 1});
    }
  }
  out.Append("\n# TYPE ");
  out.Append(name);
  out.Append(" ");
  out.Append(TypeName(type));
  out.Append("\n");
}

void AppendHeader(const Metric& metric, PageText& out) {
  AppendHeader(metric.name, metric.help, metric.type, out);
}

void AppendLine(absl::string_view name, absl::string_view labels, double value, PageText& out) {
  out.Append(name);
  if (!labels.empty()) {
    out.Append("{");
    out.Append(labels);
    out.Append("}");
  }
  char number[kMaxNumberBytes];
  out.Append(" ");
  out.Append({number, static_cast<size_t>(WriteNumber(value, number) - number)});
  out.Append("\n");
}

size_t CommonPrefix(absl::string_view a, absl::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  size_t same = 0;
  for (; same + sizeof(uint64_t) <= size; same += sizeof(uint64_t)) {
    if (std::memcmp(a.data() + same, b.data() + same, sizeof(uint64_t)) != 0) break;
  }
  while (same < size && a[same] == b[same]) ++same;
  return same;
}

// Writes the lines of one family. Each takes from the one before it what is the same.
class FamilyWriter {
 public:
  FamilyWriter(const MergedFamily& family, PageText& out) : family_(family), out_(out) {}

  // The series from `begin` up to `end`; an earlier part of the page has those before.
  void Write(size_t begin, size_t end) {
    begun_ = std::any_of(family_.series.begin(), family_.series.begin() + begin,
                         [](const MergedSeries* series) { return series->exposed(); });
    for (size_t i = begin; i < end; ++i) {
      Prefetch(i);
      const MergedSeries& series = *family_.series[i];
      if (!series.exposed()) continue;
      if (!begun_) AppendHeader(family_.name, family_.help, family_.type, out_);
      if (family_.type != MetricType::kHistogram) {
        WriteValue(series);
      } else if (series.histogram != nullptr) {
        WriteHistogram(series, *series.histogram);
      }
      begun_ = true;
    }
  }

 private:
  // Series lie all over the memory, and what they point to as well: both would be waited for, one
  // after the other.
  void Prefetch(size_t i) const {
    constexpr size_t kAhead = 8;
    const std::vector<MergedSeries*>& series = family_.series;
    const size_t last = series.size() - 1;
    const char* const third = reinterpret_cast<const char*>(series[std::min(i + 3 * kAhead, last)]);
    __builtin_prefetch(third);
    __builtin_prefetch(third + sizeof(MergedSeries) - 1);
    const MergedSeries& second = *series[std::min(i + 2 * kAhead, last)];
    __builtin_prefetch(second.labels.data());
    __builtin_prefetch(second.histogram.get());
    const MergedSeries& first = *series[std::min(i + kAhead, last)];
    if (first.histogram == nullptr) return;
    constexpr size_t kLineBytes = 64;
    const std::vector<uint64_t>& counts = first.histogram->counts;
    for (size_t at = 0; at < counts.size(); at += kLineBytes / sizeof(counts[0])) {
      __builtin_prefetch(&counts[at]);
    }
  }

  // How long a line can be, without what stands in quotes behind `le`.
  size_t MaxLineBytes(const MergedSeries& series) const {
    constexpr size_t kMarks = sizeof("_bucket{,le=\"\"} \n");
    return family_.name.size() + series.labels.size() + kMaxNumberBytes + kMarks;
  }

  // name{labels} value
  void WriteValue(const MergedSeries& series) {
    const size_t max_bytes = MaxLineBytes(series);
    if (max_bytes > PageText::kMaxStepBytes) {
      AppendLine(family_.name, series.labels, series.Value(), out_);
      labels_ = nullptr;
      return;
    }
    size_t keep = 0;
    char* to;
    if (labels_ != nullptr && !labels_->empty() && !series.labels.empty()) {
      const size_t same = CommonPrefix(*labels_, series.labels);
      keep = family_.name.size() + 1 + same;
      to = out_.BeginStep(keep, max_bytes);
      to = Copy(absl::string_view(series.labels).substr(same), to);
      to = Copy("} ", to);
    } else {
      to = out_.BeginStep(keep, max_bytes);
      to = PutLabels(series.labels, Copy(family_.name, to));
    }
    to = family_.type == MetricType::kCounter ? PutSum(series.value, to)
                                              : WriteNumber(series.Value(), to);
    *to++ = '\n';
    out_.EndStep(to);
    labels_ = &series.labels;
  }

  static char* PutLabels(absl::string_view labels, char* to) {
    if (labels.empty()) return Copy(" ", to);
    return Copy("} ", Copy(labels, Copy("{", to)));
  }

  // name_bucket{labels,le="..."} count, and so on. le is the last label, so that the lines of a
  // series differ in their ends only.
  void WriteHistogram(const MergedSeries& series, const MergedSeries::Histogram& histogram) {
    const MergedBounds& bounds = *histogram.bounds;
    if (&bounds != bounds_) {
      bounds_ = &bounds;
      max_le_bytes_ = 0;
      for (const std::string& le : bounds.le) max_le_bytes_ = std::max(max_le_bytes_, le.size());
    }
    if (MaxLineBytes(series) + max_le_bytes_ > PageText::kMaxStepBytes) {
      return AppendHistogram(series, histogram);
    }
    // What all lines of the family begin with.
    const size_t name_bytes = family_.name.size() + 1;
    const size_t max_bytes = MaxLineBytes(series) + max_le_bytes_;
    char* to;
    if (begun_ && labels_ != nullptr) {
      to = Copy("bucket{", out_.BeginStep(name_bytes, max_bytes));
    } else {
      to = Copy("_bucket{", Copy(family_.name, out_.BeginStep(0, max_bytes)));
    }
    to = Copy(series.labels, to);
    to = Copy(series.labels.empty() ? "le=\"" : ",le=\"", to);
    const size_t same = name_bytes + sizeof("bucket{le=\"") - 1 + series.labels.size() +
                        (series.labels.empty() ? 0 : 1);
    uint64_t count = 0;
    for (size_t i = 0; i < histogram.counts.size(); ++i) {
      if (i > 0) to = out_.BeginStep(same, max_bytes);
      to = PutLe(bounds.le[i], to);
      count += histogram.counts[i];
      to = PutDigits(count, to);
      *to++ = '\n';
      out_.EndStep(to);
    }
    if (!family_.without_sum) {
      to = PutLabels(series.labels, Copy("sum", out_.BeginStep(name_bytes, max_bytes)));
      to = PutSum(series.value, to);
      *to++ = '\n';
      out_.EndStep(to);
    }
    to = PutLabels(series.labels, Copy("count", out_.BeginStep(name_bytes, max_bytes)));
    to = PutDigits(count, to);
    *to++ = '\n';
    out_.EndStep(to);
    labels_ = &series.labels;
  }

  static char* PutLe(const std::string& le, char* to) {
    // A string has room for 15 characters and its end, if it is shorter too.
    if (le.size() < kCopyBlock) {
      std::memcpy(to, le.data(), kCopyBlock);
      to += le.size();
    } else {
      to = Copy(le, to);
    }
    return Copy("\"} ", to);
  }

  // The same, for lines that are too long for steps.
  void AppendHistogram(const MergedSeries& series, const MergedSeries::Histogram& histogram) {
    uint64_t count = 0;
    for (size_t i = 0; i < histogram.counts.size(); ++i) {
      count += histogram.counts[i];
      AppendLine(absl::StrCat(family_.name, "_bucket"),
                 absl::StrCat(series.labels, series.labels.empty() ? "" : ",", "le=\"",
                              histogram.bounds->le[i], "\""),
                 static_cast<double>(count), out_);
    }
    if (!family_.without_sum) {
      AppendLine(absl::StrCat(family_.name, "_sum"), series.labels, series.Value(), out_);
    }
    AppendLine(absl::StrCat(family_.name, "_count"), series.labels, static_cast<double>(count),
               out_);
    labels_ = nullptr;
  }

  const MergedFamily& family_;
  PageText& out_;
  bool begun_ = false;
  const std::string* labels_ = nullptr;  // Of the line before, if it is one of the family's.
  const MergedBounds* bounds_ = nullptr;
  size_t max_le_bytes_ = 0;  // Of bounds_.
};

// A place between the series of families that follow each other.
struct Cut {
  size_t family;
  size_t series;  // Of the family; the first behind the cut.
};

using Families = absl::Span<const MergedFamily* const>;

// About, as not all histograms of a family need have the same bounds.
size_t LinesPerSeries(const MergedFamily& family) {
  if (family.series.empty() || !family.series[0]->histogram) return 1;
  return family.series[0]->histogram->counts.size() + 2;
}

// Behind the series with which there are `lines` lines, about.
Cut CutBehind(size_t lines, Families families) {
  for (size_t i = 0; i < families.size(); ++i) {
    const size_t each = LinesPerSeries(*families[i]);
    if (lines < families[i]->series.size() * each) return {.family = i, .series = lines / each};
    lines -= families[i]->series.size() * each;
  }
  return {.family = families.size(), .series = 0};
}

void RenderBetween(Cut begin, Cut end, Families families, PageText& out) {
  for (size_t i = begin.family; i < families.size() && i <= end.family; ++i) {
    FamilyWriter(*families[i], out)
        .Write(i == begin.family ? begin.series : 0,
               i == end.family ? end.series : families[i]->series.size());
  }
}

}  // namespace

char* WriteNumber(double value, char* to) {
  if (std::isnan(value)) return Copy("NaN", to);
  if (std::isinf(value)) return Copy(value > 0 ? "+Inf" : "-Inf", to);
  // Whole numbers of this size are exact, and 100000 reads better than 1e+05.
  if (std::abs(value) < 1e15 && value == std::trunc(value)) {
    return PutDigits(static_cast<int64_t>(value), to);
  }
  return PutDigits(value, to);
}

void RenderFamilies(Families families, PageText& out) {
  const Cut begin = {.family = 0, .series = 0};
  const Cut end = {.family = families.size(), .series = 0};
  size_t lines = 0;
  for (const MergedFamily* const family : families) {
    lines += family->series.size() * LinesPerSeries(*family);
  }
  if (lines < kMinLinesForTwoThreads) return RenderBetween(begin, end, families, out);
  // Most of the time is spent waiting for the memory, which two wait for at once.
  const Cut middle = CutBehind(lines / 2, families);
  // On this thread, later, if there is no other to be had.
  std::future<PageText> rest = std::async([&] {
    PageText page;
    RenderBetween(middle, end, families, page);
    return page;
  });
  RenderBetween(begin, middle, families, out);
  out.Append(rest.get());
}

void RenderQuantiles(absl::Span<const Ledger::Model> models, PageText& out) {
  const Metric& metric = metric::kRequestDurationQuantile;
  if (!models.empty()) AppendHeader(metric, out);
  std::string labels;
  for (const Ledger::Model& model : models) {
    labels.clear();
    AppendLabel(metric.labels[0], model.name, 0, labels);
    const size_t model_end = labels.size();
    for (const WindowQuantile& quantile : kWindowQuantiles) {
      for (size_t window = 0; window < kWindows.size(); ++window) {
        labels.resize(model_end);
        AppendLabel(metric.labels[1], quantile.name, 0, labels);
        AppendLabel(metric.labels[2], kWindows[window].name, 0, labels);
        AppendLine(metric.name, labels,
                   model.windows->Quantile(static_cast<int>(window), quantile.q), out);
      }
    }
  }
}

void RenderSources(const Ledger& ledger, PageText& out) {
  const std::vector<LedgerSource> sources = ledger.Sources();
  int64_t up = 0;
  const auto render = [&](const Metric& metric, auto value) {
    bool begun = false;
    std::string labels;
    for (const LedgerSource& source : sources) {
      // One that has said that it ends is missed by nobody.
      if (source.state == LedgerSource::State::kEnded) continue;
      if (!begun) AppendHeader(metric, out);
      begun = true;
      labels.clear();
      AppendLabel(metric.labels[0], source.replica, 0, labels);
      AppendLine(metric.name, labels, value(source), out);
    }
  };
  render(metric::kGatewaySourceUp, [&](const LedgerSource& source) {
    const bool is_up = source.state == LedgerSource::State::kUp;
    up += is_up;
    return is_up ? 1.0 : 0.0;
  });
  render(metric::kGatewaySourceLastPush, [](const LedgerSource& source) {
    return static_cast<double>(absl::ToUnixMillis(source.last_push)) / 1e3;
  });
  AppendHeader(metric::kGatewaySources, out);
  AppendLine(metric::kGatewaySources.name, "", static_cast<double>(up), out);
  AppendHeader(metric::kGatewaySeries, out);
  AppendLine(metric::kGatewaySeries.name, "", static_cast<double>(ledger.num_lines()), out);
}

void RenderLedger(const Ledger& ledger, PageText& out) {
  RenderFamilies(ledger.merged().families(), out);
  RenderQuantiles(ledger.Models(), out);
  RenderSources(ledger, out);
}

}  // namespace weir
