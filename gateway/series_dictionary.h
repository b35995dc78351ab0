// The series of a push: v1.Dictionary, read and checked.
#ifndef WEIR_GATEWAY_SERIES_DICTIONARY_H_
#define WEIR_GATEWAY_SERIES_DICTIONARY_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/metrics.h"

namespace weir {

struct DictionaryLimits {
  int64_t max_series = 20'000;  // Lines of /metrics; a histogram has many.
  int max_bounds = 1000;        // Of a histogram.
  int max_labels = 32;          // Of a series.
  int max_label_bytes = 1024;   // Of a name or value.
  int max_help_bytes = 4096;
  bool own_names = true;  // Names that are weir's own have to mean the same as there.

  // For what was taken once: what is sound still has to be readable when weir's own names change.
  static DictionaryLimits None() {
    constexpr int kMost = std::numeric_limits<int>::max();
    return {.max_series = kMost,
            .max_bounds = kMost,
            .max_labels = kMost,
            .max_label_bytes = kMost,
            .max_help_bytes = kMost,
            .own_names = false};
  }
};

// Immutable.
class SeriesDictionary {
 public:
  struct Family {
    std::string name;
    std::string help;
    MetricType type;
    GaugeMerge merge;
    std::vector<std::string> label_names;
    bool log_linear;
    bool without_sum;
    uint32_t first_series;
    uint32_t num_series;
  };

  struct Series {
    uint32_t family;
    // Of a histogram: where its counts begin, one more than it has bounds.
    uint32_t first_count;
    // Of one with log_linear: which it is among those.
    uint32_t log_linear;
    absl::string_view labels;         // As LabelText writes them.
    absl::Span<const double> bounds;  // Of a histogram.
  };

  // INVALID_ARGUMENT that names what is wrong, RESOURCE_EXHAUSTED if it is over a limit.
  static absl::StatusOr<std::shared_ptr<const SeriesDictionary>> Parse(
      absl::string_view bytes, const DictionaryLimits& limits);

  SeriesDictionary(const SeriesDictionary&) = delete;
  SeriesDictionary& operator=(const SeriesDictionary&) = delete;

  absl::string_view bytes() const { return bytes_; }  // That it was parsed from.
  absl::Span<const Family> families() const { return families_; }
  absl::Span<const Series> series() const { return series_; }
  const Family& FamilyOf(const Series& series) const { return families_[series.family]; }

  uint32_t num_counts() const { return num_counts_; }
  uint32_t num_log_linear() const { return num_log_linear_; }
  int64_t num_lines() const { return num_lines_; }  // Of /metrics.

  size_t memory_bytes() const;  // What it holds, about.

  // For messages.
  std::string NameOf(const Series& series) const;

 private:
  struct Parser;
  SeriesDictionary() = default;

  std::string bytes_;
  std::string text_;            // What labels point into.
  std::vector<double> bounds_;  // What bounds point into.
  std::vector<Family> families_;
  std::vector<Series> series_;
  uint32_t num_counts_ = 0;
  uint32_t num_log_linear_ = 0;
  int64_t num_lines_ = 0;
};

// name{labels}, fit for a message: cut where it is too long, without control characters.
std::string SeriesName(absl::string_view family, absl::string_view labels);

// How many series were refused because there would be too many, if that is what `status` says; else
// 0. Of what DecodePush and Ledger::Check return.
int64_t RefusedSeries(const absl::Status& status);
absl::Status TooManySeries(absl::string_view message, int64_t refused_series);

// How many lines of /metrics a series has: 1, or those of a histogram with so many bounds.
int64_t LinesOf(MetricType type, size_t num_bounds, bool without_sum);

}  // namespace weir

#endif  // WEIR_GATEWAY_SERIES_DICTIONARY_H_
