// How long a batch takes: what warm-up measured, corrected by what is seen since.
#ifndef WEIR_SERVER_BATCHING_BATCH_COST_H_
#define WEIR_SERVER_BATCHING_BATCH_COST_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "server/model/batch_time.h"

namespace weir {

// The least rows, at most `max_rows`, of a batch that wastes hardly anything: whose rows take at
// most 2 % longer than those of the most efficient batch that was measured. A larger batch would
// make its requests wait for next to nothing. `measured` ascends by rows; empty, it is `max_rows`.
int64_t WorthwhileRows(const std::vector<BatchTime>& measured, int64_t max_rows);

// Not thread-safe. Between the measured sizes it interpolates, beyond them it goes on in
// proportion. What is observed corrects all sizes by one factor, which follows the last dozens of
// batches, so that a machine that got slower is noticed soon; one batch that was held up hardly
// moves it.
class BatchCost {
 public:
  // `measured` ascends by rows. Empty: nothing is known, and every estimate is zero until the first
  // observation, from which it then goes in proportion to the rows.
  explicit BatchCost(std::vector<BatchTime> measured);

  // Never decreases with the rows.
  absl::Duration Estimate(int64_t rows) const;
  double EstimateNs(int64_t rows) const { return Uncorrected(rows) * correction_; }
  void Observe(int64_t rows, absl::Duration time);

  // The estimate if the machine were as fast as it was when it was measured, or as it is now,
  // whichever is faster; zero where nothing was measured.
  double AtBestNs(int64_t rows) const;

  // The most rows whose batch is estimated to take no longer than `at_most`, but at least 1 and at
  // most `max_rows`.
  int64_t RowsWithin(absl::Duration at_most, int64_t max_rows) const;

 private:
  struct Point {
    int64_t rows = 0;
    double nanoseconds = 0;
  };

  double Uncorrected(int64_t rows) const;

  std::vector<Point> points_;  // Ascending by rows and by time.
  double correction_ = 1;
  bool measured_ = false;  // Whether points_ are what was measured.
};

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_BATCH_COST_H_
