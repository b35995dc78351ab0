// Why a task does not run.
#ifndef WEIR_SERVER_MODEL_REFUSAL_H_
#define WEIR_SERVER_MODEL_REFUSAL_H_

#include "absl/status/status.h"

namespace weir {

enum class Refusal { kQueueFull, kUnreachableDeadline, kExpired, kCancelled };

// What its caller is told.
absl::Status ToStatus(Refusal refusal);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_REFUSAL_H_
