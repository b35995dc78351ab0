// When the requests of an open loop are due. Pure: offsets from the beginning, no clock.
#ifndef WEIR_LOADGEN_LOAD_PACER_H_
#define WEIR_LOADGEN_LOAD_PACER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"

namespace weir {

// Ascending offsets, one after the other; InfiniteDuration when there are no more.
class Pacer {
 public:
  virtual ~Pacer() = default;
  virtual absl::Duration Next() = 0;
};

// A rate that goes straight from `from` to `to` (per second) within `length`. A curve is pieces one
// after the other; steps and spikes are pieces whose `from` is their `to`.
struct RatePiece {
  double from = 0;
  double to = 0;
  absl::Duration length;
};

// Evenly spaced by the rate at each time: the n-th request is due when the area under the curve is n
// - 1/2... or, with Poisson, when it is the sum of n exponential numbers. The same seed gives the
// same times.
std::unique_ptr<Pacer> PaceEvenly(std::vector<RatePiece> curve);
std::unique_ptr<Pacer> PacePoisson(std::vector<RatePiece> curve, uint64_t seed);

// Given times, ascending.
std::unique_ptr<Pacer> Replay(std::vector<absl::Duration> times);

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_PACER_H_
