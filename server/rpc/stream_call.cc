#include "server/rpc/stream_call.h"

namespace weir {

void StreamCall::PostStep() {
  if (!posted_.exchange(true, std::memory_order_acq_rel)) loop_.Post(on_step_);
}

bool StreamCall::OnStep() {
  posted_.store(false, std::memory_order_release);
  const bool submitted = Step();
  EndIfOver();
  return submitted;
}

void StreamCall::OnClosed() {
  closed_ = true;
  OnOver();
  EndIfOver();
}

void StreamCall::EndIfOver() {
  if (closed_ && !awaits_something() && !posted_.load(std::memory_order_acquire)) delete this;
}

}  // namespace weir
