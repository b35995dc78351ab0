#include "server/rpc/request_gate.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/clock.h"

namespace weir {

absl::Status RequestGate::Enter(int64_t bytes) {
  absl::MutexLock lock(&mu_);
  if (closed_) {
    ++refused_;
    return absl::UnavailableError("the server is draining");
  }
  if (bytes > 0 && bytes_ + bytes > max_bytes_) {
    return absl::ResourceExhaustedError(absl::StrCat("the requests in flight hold ", bytes_,
                                                     " bytes and this one ", bytes, "; at most ",
                                                     max_bytes_, " are allowed"));
  }
  ++inside_;
  bytes_ += bytes;
  return absl::OkStatus();
}

void RequestGate::Grow(int64_t bytes) {
  absl::MutexLock lock(&mu_);
  bytes_ += bytes;
}

void RequestGate::Leave(int64_t bytes) {
  absl::MutexLock lock(&mu_);
  --inside_;
  bytes_ -= bytes;
}

void RequestGate::Close() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
}

bool RequestGate::AwaitEmpty(absl::Duration timeout) const {
  absl::MutexLock lock(&mu_);
  const auto empty = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return inside_ == 0; };
  return mu_.AwaitWithTimeout(absl::Condition(&empty), timeout);
}

void RequestGate::AwaitSilence(absl::Duration silence, absl::Duration at_most) const {
  const absl::Time end = MonotonicNow() + at_most;
  const auto left = [end] { return end - MonotonicNow(); };
  absl::MutexLock lock(&mu_);
  int64_t heard = refused_;
  const auto another = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return refused_ != heard; };
  while (left() > absl::ZeroDuration() &&
         mu_.AwaitWithTimeout(absl::Condition(&another), std::min(silence, left()))) {
    heard = refused_;
  }
}

}  // namespace weir
