// The time by which weir measures and waits: it only goes forward, whatever is done to the date.
#ifndef WEIR_BASE_CLOCK_H_
#define WEIR_BASE_CLOCK_H_

#include <chrono>

#include "absl/time/time.h"

namespace weir {

// Comparable with other values of this function only; InfinitePast and InfiniteFuture keep their
// meaning.
inline absl::Time MonotonicNow() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace weir

#endif  // WEIR_BASE_CLOCK_H_
