#include "server/rpc/cancellation.h"

#include "absl/time/clock.h"

namespace weir {

Cancellation::Delay::~Delay() {
  // Waits for Start and Cancel to let go of the alarm.
  absl::MutexLock lock(&cancellation_.mu_);
  cancellation_.delays_.erase(this);
}

void Cancellation::Delay::Start(CallQueue& queue, absl::Duration duration, Event& event) {
  absl::MutexLock lock(&cancellation_.mu_);
  if (cancellation_.flag_.load(std::memory_order_relaxed)) duration = absl::ZeroDuration();
  cancellation_.delays_.insert(this);
  alarm_.Set(&queue.queue(), absl::ToChronoTime(absl::Now() + duration), &event);
}

void Cancellation::Cancel() {
  absl::MutexLock lock(&mu_);
  flag_.store(true, std::memory_order_relaxed);
  for (Delay* delay : delays_) delay->alarm_.Cancel();
}

}  // namespace weir
