#include "server/batching/batch_room.h"

#include <algorithm>

namespace weir {

BatchRoom::BatchRoom(const BatchCost& cost, int64_t full_rows)
    : cost_(cost),
      full_rows_(full_rows),
      most_rows_(full_rows),
      most_time_(cost.Estimate(full_rows)) {}

bool BatchRoom::IsEfficient(int64_t rows) const {
  if (rows >= full_rows_) return true;
  return static_cast<double>(rows) * cost_.Estimate(full_rows_) >=
         (1 - kPredictionMargin) * static_cast<double>(full_rows_) * cost_.Estimate(rows);
}

BatchRoom::Fit BatchRoom::Take(int64_t rows, absl::Duration left, bool crowded) {
  if (rows_ > 0 && rows_ + rows > most_rows_) return Fit::kNextBatch;
  if (crowded) left = WithoutMargin(left);
  if (rows > most_rows_ || most_time_ > left) {
    if (cost_.Estimate(rows) > left) return Fit::kTooLate;
    const int64_t allowed = std::max(rows, cost_.RowsWithin(left, most_rows_));
    const bool joins = rows_ + rows <= allowed;
    if (crowded && !IsEfficient(joins ? allowed : rows_)) return Fit::kTooLate;
    if (!joins) return Fit::kNextBatch;
    most_rows_ = std::min(most_rows_, allowed);
    most_time_ = cost_.Estimate(most_rows_);
  }
  rows_ += rows;
  return Fit::kTaken;
}

}  // namespace weir
