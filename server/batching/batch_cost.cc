#include "server/batching/batch_cost.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace weir {
namespace {

// The weight of one batch: the correction follows the last 16 to 50 of them. At the thousands of
// batches a second of a busy model that is far below a second.
constexpr double kWeight = 1.0 / 16;

// A batch counts as at most this many times slower than expected: a thread that lost its core for a
// while moves the correction by 6 %, however long it was away, while a machine that stays ten times
// slower is believed after some 50 batches.
constexpr double kSlowest = 2;

// A batch this many times faster than expected is no noise: work cannot be done faster than it can
// be. So the way down from an estimate that is far too high is short.
constexpr double kFaster = 0.5;
constexpr double kWeightOfFaster = 1.0 / 4;

// Warm-up may have been disturbed, or the machine be shared by many since, but not beyond this.
constexpr double kLeastCorrection = 1.0 / 16;
constexpr double kMostCorrection = 16;

}  // namespace

int64_t WorthwhileRows(const std::vector<BatchTime>& measured, int64_t max_rows) {
  constexpr double kTolerance = 1.02;
  const auto per_row = [](const BatchTime& batch) {
    return absl::ToDoubleNanoseconds(batch.time) / static_cast<double>(batch.rows);
  };
  double best = std::numeric_limits<double>::infinity();
  for (const BatchTime& batch : measured) best = std::min(best, per_row(batch));
  for (const BatchTime& batch : measured) {
    if (per_row(batch) <= kTolerance * best) return std::min(batch.rows, max_rows);
  }
  return max_rows;
}

BatchCost::BatchCost(std::vector<BatchTime> measured) {
  // More rows take no less time. Where they seem to, the smaller batch was disturbed: nothing makes
  // a batch faster than it is.
  std::reverse(measured.begin(), measured.end());
  for (const BatchTime& batch : measured) {
    if (batch.rows < 1 || batch.time <= absl::ZeroDuration()) continue;
    Point point{batch.rows, absl::ToDoubleNanoseconds(batch.time)};
    if (!points_.empty()) {
      if (point.rows >= points_.back().rows) continue;
      point.nanoseconds = std::min(point.nanoseconds, points_.back().nanoseconds);
    }
    points_.push_back(point);
  }
  std::reverse(points_.begin(), points_.end());
  measured_ = !points_.empty();
}

double BatchCost::Uncorrected(int64_t rows) const {
  if (points_.empty()) return 0;
  const Point& last = points_.back();
  if (rows >= last.rows) {
    return last.nanoseconds * static_cast<double>(rows) / static_cast<double>(last.rows);
  }
  const auto above =
      std::lower_bound(points_.begin(), points_.end(), rows,
                       [](const Point& point, int64_t rows) { return point.rows < rows; });
  if (above->rows == rows || above == points_.begin()) return above->nanoseconds;
  const Point& below = *std::prev(above);
  const double part =
      static_cast<double>(rows - below.rows) / static_cast<double>(above->rows - below.rows);
  return below.nanoseconds + part * (above->nanoseconds - below.nanoseconds);
}

absl::Duration BatchCost::Estimate(int64_t rows) const {
  return absl::Nanoseconds(std::llround(EstimateNs(rows)));
}

double BatchCost::AtBestNs(int64_t rows) const {
  return measured_ ? Uncorrected(rows) * std::min(correction_, 1.0) : 0;
}

void BatchCost::Observe(int64_t rows, absl::Duration time) {
  const double nanoseconds = absl::ToDoubleNanoseconds(time);
  if (rows < 1 || !(nanoseconds > 0)) return;
  if (points_.empty()) {
    points_.push_back({1, nanoseconds / static_cast<double>(rows)});
    return;
  }
  const double seen = nanoseconds / Uncorrected(rows);
  const double weight = seen < kFaster * correction_ ? kWeightOfFaster : kWeight;
  correction_ += weight * (std::min(seen, kSlowest * correction_) - correction_);
  correction_ = std::clamp(correction_, kLeastCorrection, kMostCorrection);
}

int64_t BatchCost::RowsWithin(absl::Duration at_most, int64_t max_rows) const {
  int64_t fits = 1;
  int64_t beyond = std::max<int64_t>(max_rows, 1) + 1;
  while (beyond - fits > 1) {
    const int64_t middle = fits + (beyond - fits) / 2;
    (Estimate(middle) <= at_most ? fits : beyond) = middle;
  }
  return fits;
}

}  // namespace weir
