#include "bench/exposed_totals.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace weir {
namespace {

constexpr absl::string_view kLe = "le=\"";
constexpr double kRounding = 1e-6;

// `series` with its bound as a number of one form.
std::string Normalised(absl::string_view series) {
  const size_t le = series.rfind(kLe);
  if (le == absl::string_view::npos) return std::string(series);
  const absl::string_view before = series.substr(0, le + kLe.size());
  double bound = 0;
  if (!absl::SimpleAtod(series.substr(before.size(), series.size() - before.size() - 2), &bound)) {
    return std::string(series);
  }
  return absl::StrFormat("%s%.17g\"}", before, bound);
}

}  // namespace

void AddTotals(absl::string_view exposition, ExposedTotals& totals) {
  bool counted = false;  // Whether the family is one of counters or histograms.
  for (const absl::string_view line : absl::StrSplit(exposition, '\n', absl::SkipEmpty())) {
    if (absl::StartsWith(line, "# TYPE ")) counted = !absl::EndsWith(line, " gauge");
    if (line[0] == '#' || !counted) continue;
    const size_t space = line.rfind(' ');
    double value = 0;
    if (space == absl::string_view::npos || !absl::SimpleAtod(line.substr(space + 1), &value)) {
      continue;
    }
    totals[Normalised(line.substr(0, space))] += value;
  }
}

absl::Status CompareTotals(const ExposedTotals& expected, const ExposedTotals& exposed) {
  for (const auto& [series, value] : expected) {
    const auto found = exposed.find(series);
    if (found == exposed.end()) return absl::NotFoundError(absl::StrCat("not exposed: ", series));
    // Whole numbers are exact.
    const double rounding = value == std::floor(value) ? 0 : kRounding * value;
    if (std::abs(found->second - value) <= rounding) continue;
    return absl::DataLossError(
        absl::StrFormat("%s is exposed as %.17g and not %.17g", series, found->second, value));
  }
  return absl::OkStatus();
}

int64_t CountLines(absl::string_view exposition) {
  int64_t lines = 0;
  while (!exposition.empty()) {
    if (exposition[0] != '#' && exposition[0] != '\n') ++lines;
    const size_t end = exposition.find('\n');
    if (end == absl::string_view::npos) break;
    exposition.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace weir
