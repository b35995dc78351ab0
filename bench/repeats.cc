#include "bench/repeats.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_format.h"

namespace weir {
namespace {

// Four digits that mean something, and no fewer before the point than there are.
std::string Number(double value) {
  const double size = std::abs(value);
  const int decimals = size >= 1000 || size == 0 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
  return absl::StrFormat("%.*f", decimals, value);
}

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

void Repeats::Add(absl::string_view name, double value) {
  for (Quantity& quantity : quantities_) {
    if (quantity.name == name) {
      quantity.values.push_back(value);
      return;
    }
  }
  quantities_.push_back({std::string(name), {value}});
}

double Repeats::MedianOf(absl::string_view name) const {
  for (const Quantity& quantity : quantities_) {
    if (quantity.name == name) return Median(quantity.values);
  }
  return Median({});
}

std::string Repeats::Table(absl::string_view title) const {
  size_t width = title.size();
  for (const Quantity& quantity : quantities_) width = std::max(width, quantity.name.size() + 2);
  std::string table =
      absl::StrFormat("%-*s %10s %10s %10s\n", width, title, "min", "median", "max");
  for (const Quantity& quantity : quantities_) {
    const auto [min, max] = std::minmax_element(quantity.values.begin(), quantity.values.end());
    absl::StrAppendFormat(&table, "  %-*s %10s %10s %10s\n", width - 2, quantity.name, Number(*min),
                          Number(Median(quantity.values)), Number(*max));
  }
  return table;
}

}  // namespace weir
