#include "gateway/exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include "absl/time/time.h"
#include "base/metrics.h"
#include "gateway/fixed_sum.h"
#include "gateway/label_text.h"
#include "gateway/window.h"

namespace weir {
namespace {

// More than any number takes.
constexpr size_t kNumberBytes = 40;

// What a line has besides its pieces and its number: braces, quotes, a space, the end.
constexpr size_t kMarksBytes = 16;

// Pieces that are copied again and again go by whole blocks, which is faster than their exact
// length: up to a block more is read and written.
constexpr size_t kBlock = 16;

char* CopyBlocks(const char* from, size_t size, char* to) {
  for (size_t i = 0; i < size; i += kBlock) std::memcpy(to + i, from + i, kBlock);
  return to + size;
}

char* Copy(absl::string_view piece, char* to) {
  std::memcpy(to, piece.data(), piece.size());
  return to + piece.size();
}

template <typename Number>
char* PutDigits(Number value, char* to) {
  return std::to_chars(to, to + kNumberBytes, value).ptr;
}

char* PutNumber(double value, char* to) {
  if (std::isnan(value)) return Copy("NaN", to);
  if (std::isinf(value)) return Copy(value > 0 ? "+Inf" : "-Inf", to);
  // Whole numbers of this size are exact, and 100000 reads better than 1e+05.
  if (std::abs(value) < 1e15 && value == std::trunc(value)) {
    return PutDigits(static_cast<int64_t>(value), to);
  }
  return PutDigits(value, to);
}

// Its billionths are written as they are: no rounding, and faster than from a double.
char* PutSum(FixedSum value, char* to) {
  constexpr uint64_t kUnit = 1'000'000'000;
  if (value.high() != 0 || value.low() > INT64_MAX) return PutNumber(value.ToDouble(), to);
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
  }
  return "untyped";
}

void AppendHeader(absl::string_view name, absl::string_view help, MetricType type,
                  TextBuffer& out) {
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

void AppendHeader(const Metric& metric, TextBuffer& out) {
  AppendHeader(metric.name, metric.help, metric.type, out);
}

void AppendLine(absl::string_view name, absl::string_view labels, double value, TextBuffer& out) {
  out.Append(name);
  if (!labels.empty()) {
    out.Append("{");
    out.Append(labels);
    out.Append("}");
  }
  out.Append(" ");
  AppendNumber(value, out);
  out.Append("\n");
}

// Writes the lines of one family.
class FamilyWriter {
 public:
  FamilyWriter(const MergedFamily& family, TextBuffer& out)
      : family_(family), out_(out), begin_(family.name + std::string(kBlock, ' ')) {}

  void Write() {
    bool begun = false;
    for (size_t i = 0; i < family_.series.size(); ++i) {
      Prefetch(i);
      const MergedSeries& series = *family_.series[i];
      if (!series.exposed()) continue;
      if (!begun) AppendHeader(family_.name, family_.help, family_.type, out_);
      begun = true;
      if (family_.type == MetricType::kHistogram) {
        if (series.histogram != nullptr) WriteHistogram(series, *series.histogram);
      } else {
        WriteValue(series);
      }
    }
  }

 private:
  // Series lie all over the memory: their caches would be waited for.
  void Prefetch(size_t i) const {
    constexpr size_t kAhead = 12;
    if (i + 2 * kAhead < family_.series.size()) {
      __builtin_prefetch(family_.series[i + 2 * kAhead]);
      __builtin_prefetch(family_.series[i + kAhead]->labels.data());
    }
  }

  char* Room(size_t lines, size_t labels_bytes, size_t more_bytes) {
    return out_.Room(lines * (family_.name.size() + labels_bytes + more_bytes + kNumberBytes +
                              kMarksBytes + 2 * kBlock));
  }

  char* PutName(char* to) const { return CopyBlocks(begin_.data(), family_.name.size(), to); }

  static char* PutLabels(absl::string_view labels, char* to) {
    if (!labels.empty()) {
      *to++ = '{';
      to = Copy(labels, to);
      *to++ = '}';
    }
    *to++ = ' ';
    return to;
  }

  void WriteValue(const MergedSeries& series) {
    char* to = PutLabels(series.labels, PutName(Room(1, series.labels.size(), 0)));
    to = family_.type == MetricType::kCounter ? PutSum(series.value, to)
                                              : PutNumber(series.Value(), to);
    *to++ = '\n';
    out_.SetEnd(to);
  }

  void WriteHistogram(const MergedSeries& series, const MergedSeries::Histogram& histogram) {
    const MergedBounds& bounds = *histogram.bounds;
    if (&bounds != bounds_) {
      bounds_ = &bounds;
      longest_le_ = 0;
      for (const std::string& le : bounds.le) longest_le_ = std::max(longest_le_, le.size());
    }
    const size_t lines = histogram.counts.size();
    char* to = Room(lines + 2, series.labels.size(), longest_le_);

    // The first line as far as all are the same; the others take it from there.
    const char* const first = to;
    to = Copy("_bucket{", PutName(to));
    to = Copy(series.labels, to);
    if (!series.labels.empty()) *to++ = ',';
    to = Copy("le=\"", to);
    const size_t same = to - first;
    uint64_t count = 0;
    const char* digits = nullptr;
    size_t digits_size = 0;
    for (size_t i = 0; i < lines; ++i) {
      if (i > 0) to = CopyBlocks(first, same, to);
      to = PutLe(bounds.le[i], to);
      count += histogram.counts[i];
      if (i > 0 && histogram.counts[i] == 0) {
        to = CopyBlocks(digits, digits_size, to);
      } else {
        digits = to;
        to = PutDigits(count, to);
        digits_size = to - digits;
      }
      *to++ = '\n';
    }
    if (!family_.without_sum) {
      to = PutLabels(series.labels, Copy("_sum", PutName(to)));
      to = PutSum(series.value, to);
      *to++ = '\n';
    }
    to = PutLabels(series.labels, Copy("_count", PutName(to)));
    to = PutDigits(count, to);
    *to++ = '\n';
    out_.SetEnd(to);
  }

  static char* PutLe(const std::string& le, char* to) {
    // A string has room for 15 characters and its end, if it is shorter too.
    if (le.size() < kBlock) {
      std::memcpy(to, le.data(), kBlock);
      to += le.size();
    } else {
      to = Copy(le, to);
    }
    return Copy("\"} ", to);
  }

  const MergedFamily& family_;
  TextBuffer& out_;
  const std::string begin_;  // The name, with a block behind it.
  const MergedBounds* bounds_ = nullptr;
  size_t longest_le_ = 0;  // Of bounds_.
};

}  // namespace

void AppendNumber(double value, TextBuffer& out) {
  out.SetEnd(PutNumber(value, out.Room(kNumberBytes)));
}

void RenderFamilies(absl::Span<const MergedFamily* const> families, TextBuffer& out) {
  for (const MergedFamily* const family : families) FamilyWriter(*family, out).Write();
}

void RenderQuantiles(absl::Span<const Ledger::Model> models, TextBuffer& out) {
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

void RenderSources(const Ledger& ledger, TextBuffer& out) {
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
  AppendLine(metric::kGatewaySeries.name, "", static_cast<double>(ledger.merged().num_lines()),
             out);
}

void RenderLedger(const Ledger& ledger, TextBuffer& out) {
  RenderFamilies(ledger.merged().families(), out);
  RenderQuantiles(ledger.Models(), out);
  RenderSources(ledger, out);
}

}  // namespace weir
