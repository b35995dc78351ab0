// When the requests of an open loop are due. Pure: offsets from the beginning, no clock.
#ifndef WEIR_LOADGEN_LOAD_PACER_H_
#define WEIR_LOADGEN_LOAD_PACER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"

namespace weir {

// Ascending offsets, one after the other; InfiniteDuration from when there are no more.
class Pacer {
 public:
  virtual ~Pacer() = default;
  virtual absl::Duration Next() = 0;
};

// A rate that goes straight from `from` to `to` (per second) within `length`. A curve is pieces one
// after the other; steps and spikes are pieces whose `from` is their `to`, and one of those may be
// infinitely long.
struct RatePiece {
  double from = 0;
  double to = 0;
  absl::Duration length;
};

// Evenly spaced by the rate at each time: the n-th request, from 1, is due when the area under the
// curve, which is how many should have been sent, has grown to n - 1/2.
std::unique_ptr<Pacer> PaceEvenly(std::vector<RatePiece> curve);

// As from many callers who know nothing of each other: the area from one request to the next is an
// exponential random number of mean 1. The same seed and phase give the same times.
std::unique_ptr<Pacer> PacePoisson(std::vector<RatePiece> curve, uint64_t seed, int phase = 0);

// Given times, ascending.
std::unique_ptr<Pacer> Replay(std::vector<absl::Duration> times);

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_PACER_H_
