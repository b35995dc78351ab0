// The learning rate over a run.
#ifndef WEIR_MODELS_TRAIN_SCHEDULE_H_
#define WEIR_MODELS_TRAIN_SCHEDULE_H_

namespace weir {

// Rises in a straight line to `peak` over the first `warm_up` share of the steps, then falls to
// zero along half a cosine.
struct Schedule {
  double peak = 0.1;
  double warm_up = 0.15;  // In [0, 1).

  // Requires 0 <= step < steps.
  double RateAt(int step, int steps) const;
};

}  // namespace weir

#endif  // WEIR_MODELS_TRAIN_SCHEDULE_H_
