#include "bench/arrivals.h"

#include <random>

namespace weir {

std::vector<absl::Duration> ConstantArrivals(double per_second, absl::Duration from,
                                             absl::Duration to) {
  std::vector<absl::Duration> arrivals;
  absl::Duration due = from;
  while (due < to) {
    arrivals.push_back(due);
    due = from + absl::Seconds(static_cast<double>(arrivals.size()) / per_second);
  }
  return arrivals;
}

std::vector<absl::Duration> PoissonArrivals(double per_second, absl::Duration from,
                                            absl::Duration to, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> gap_seconds(per_second);
  std::vector<absl::Duration> arrivals;
  for (absl::Duration due = from; (due += absl::Seconds(gap_seconds(random))) < to;) {
    arrivals.push_back(due);
  }
  return arrivals;
}

}  // namespace weir
