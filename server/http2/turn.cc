#include "server/http2/turn.h"

namespace weir {

bool Turn::Take() {
  absl::MutexLock lock(&mu_);
  const auto free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return ended_ || (!taken_ && !watched_);
  };
  ++waiting_;
  mu_.Await(absl::Condition(&free));
  --waiting_;
  TakeIt();
  return !ended_;
}

bool Turn::TryTake() {
  absl::MutexLock lock(&mu_);
  if (taken_ || ended_) return false;
  TakeIt();
  return true;
}

void Turn::TakeIt() {
  taken_ = true;
  ++times_taken_;
}

void Turn::Give() {
  absl::MutexLock lock(&mu_);
  taken_ = false;
}

bool Turn::wanted() const {
  absl::MutexLock lock(&mu_);
  return waiting_ > 0;
}

bool Turn::watched() const {
  absl::MutexLock lock(&mu_);
  return watched_;
}

void Turn::GiveAndWatch() {
  absl::MutexLock lock(&mu_);
  taken_ = false;
  watched_ = true;
  times_before_ = times_taken_;
}

bool Turn::TakeBack() {
  absl::MutexLock lock(&mu_);
  const auto free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return ended_ || !taken_; };
  ++waiting_;
  mu_.Await(absl::Condition(&free));
  --waiting_;
  watched_ = false;
  TakeIt();
  return !ended_;
}

void Turn::End() {
  absl::MutexLock lock(&mu_);
  taken_ = false;
  ended_ = true;
}

bool Turn::was_undisturbed() const {
  absl::MutexLock lock(&mu_);
  return times_taken_ == times_before_ + 1;
}

}  // namespace weir
