#include "server/model/refusal.h"

namespace weir {

absl::Status ToStatus(Refusal refusal) {
  switch (refusal) {
    case Refusal::kQueueFull:
      return absl::ResourceExhaustedError("the model's queue is full");
    case Refusal::kUnreachableDeadline:
      return absl::ResourceExhaustedError(
          "the deadline cannot be met: the model would need longer, with what waits before it");
    case Refusal::kExpired:
      return absl::DeadlineExceededError("the time was up before the model could run");
    case Refusal::kCancelled:
      return absl::CancelledError("the request was cancelled before the model could run");
  }
  return absl::InternalError("the request was refused");
}

}  // namespace weir
