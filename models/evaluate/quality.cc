#include "models/evaluate/quality.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

namespace weir {

double Accuracy(std::span<const float> probabilities, std::span<const float> truth) {
  const size_t classes = probabilities.size() / truth.size();
  size_t right = 0;
  for (size_t row = 0; row < truth.size(); ++row) {
    const auto of_row = probabilities.subspan(row * classes, classes);
    const auto best = std::max_element(of_row.begin(), of_row.end()) - of_row.begin();
    right += best == static_cast<std::ptrdiff_t>(truth[row]);
  }
  return static_cast<double>(right) / static_cast<double>(truth.size());
}

double RocAuc(std::span<const float> scores, std::span<const float> truth) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });

  double pairs_in_order = 0;  // Of a zero and a one.
  double zeros_below = 0, ones = 0;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double zeros_here = 0, ones_here = 0;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end) {
      (truth[order[end]] > 0 ? ones_here : zeros_here) += 1;
    }
    pairs_in_order += ones_here * (zeros_below + zeros_here / 2);
    zeros_below += zeros_here;
    ones += ones_here;
  }
  const double pairs = zeros_below * ones;
  return pairs > 0 ? pairs_in_order / pairs : std::numeric_limits<double>::quiet_NaN();
}

double R2(std::span<const float> values, std::span<const float> truth) {
  const double mean = std::accumulate(truth.begin(), truth.end(), 0.0) / truth.size();
  double residual = 0, total = 0;
  for (size_t row = 0; row < truth.size(); ++row) {
    residual += (values[row] - truth[row]) * (values[row] - truth[row]);
    total += (truth[row] - mean) * (truth[row] - mean);
  }
  return total > 0 ? 1 - residual / total : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace weir
