// The time that a batch of so many rows took.
#ifndef WEIR_SERVER_MODEL_BATCH_TIME_H_
#define WEIR_SERVER_MODEL_BATCH_TIME_H_

#include <cstdint>

#include "absl/time/time.h"

namespace weir {

struct BatchTime {
  int64_t rows = 0;
  absl::Duration time;
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_BATCH_TIME_H_
