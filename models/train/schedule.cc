#include "models/train/schedule.h"

#include <cmath>
#include <numbers>

namespace weir {

double Schedule::RateAt(int step, int steps) const {
  const double done = (step + 0.5) / steps;  // Of the middle of the step, so never quite zero.
  if (done < warm_up) return peak * done / warm_up;
  return peak * 0.5 * (1 + std::cos(std::numbers::pi * (done - warm_up) / (1 - warm_up)));
}

}  // namespace weir
