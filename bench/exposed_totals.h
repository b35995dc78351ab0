// What an exposition says has been counted, to compare with what should have been.
#ifndef WEIR_BENCH_EXPOSED_TOTALS_H_
#define WEIR_BENCH_EXPOSED_TOTALS_H_

#include <cstdint>
#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir {

// By series, as it stands before the value of a line, but with `le` written in one way only.
using ExposedTotals = std::unordered_map<std::string, double>;

// Adds the lines of counters and histograms of Prometheus' text format to `totals`, as # TYPE says.
// Labels stand in the order of the catalogue, `le` last.
void AddTotals(absl::string_view exposition, ExposedTotals& totals);

// An error that names the first series found that `exposed` lacks, or that it has with another
// value (sums: by more than rounding). It may have more.
absl::Status CompareTotals(const ExposedTotals& expected, const ExposedTotals& exposed);

// How many lines of `exposition` are no comments.
int64_t CountLines(absl::string_view exposition);

}  // namespace weir

#endif  // WEIR_BENCH_EXPOSED_TOTALS_H_
