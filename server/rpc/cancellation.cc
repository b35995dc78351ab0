#include "server/rpc/cancellation.h"

#include "base/clock.h"

namespace weir {

void Cancellation::Delay::Start(CallLoop& loop, absl::Duration duration, Event& event) {
  if (cancellation_.flag_.load(std::memory_order_relaxed)) return loop.Post(event);
  loop_ = &loop;
  event_ = &event;
  timer_.emplace(loop, MonotonicNow() + duration, event);
  cancellation_.delays_.push_back(*this);
}

void Cancellation::Cancel() {
  flag_.store(true, std::memory_order_relaxed);
  while (Delay* const delay = delays_.front()) {
    delay->Unlink();
    if (delay->timer_->over()) continue;
    delay->timer_.reset();
    delay->loop_->Post(*delay->event_);
  }
}

}  // namespace weir
