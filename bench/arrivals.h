// When the requests of an open loop are due: offsets from its beginning, ascending.
#ifndef WEIR_BENCH_ARRIVALS_H_
#define WEIR_BENCH_ARRIVALS_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace weir {

// Evenly spaced, the first at `from`, all before `to`.
std::vector<absl::Duration> ConstantArrivals(double per_second, absl::Duration from,
                                             absl::Duration to);

// As from many callers who know nothing of each other. The same seed gives the same arrivals.
std::vector<absl::Duration> PoissonArrivals(double per_second, absl::Duration from,
                                            absl::Duration to, uint64_t seed);

}  // namespace weir

#endif  // WEIR_BENCH_ARRIVALS_H_
