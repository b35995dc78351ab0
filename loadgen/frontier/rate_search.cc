#include "loadgen/frontier/rate_search.h"

namespace weir {
namespace {

constexpr double kPrecision = 0.03;
constexpr double kFirst = 0.9;       // Of the most: models that batch come close to it.
constexpr double kStepDown = 0.975;  // From a rate that was not confirmed.
constexpr double kLeast = 0.01;      // Of the most.
constexpr double kFirstRaise = 1.03;
constexpr double kFarthest = 10;  // Of the most.

}  // namespace

RateSearch::RateSearch(double most) : most_(most), failed_at_(most), raise_(kFirstRaise) {
  if (most > 0) {
    BeginRate(kFirst * most);
  } else {
    stage_ = Stage::kDone;
  }
}

std::optional<double> RateSearch::Next() const {
  if (stage_ == Stage::kDone) return std::nullopt;
  return rate_;
}

std::optional<double> RateSearch::FailedAt() const {
  if (!has_failed_) return std::nullopt;
  return failed_at_;
}

void RateSearch::Add(bool held) {
  ++(held ? held_ : failed_);
  if (failed_ == 2) {
    failed_at_ = rate_;
    has_failed_ = true;
  }
  if (stage_ == Stage::kBisecting) {
    if (held_ == 2 || (held_ == 1 && failed_ == 0)) {
      held_at_ = rate_;
      held_before_ = held_;
      failed_before_ = failed_;
    } else if (failed_ < 2) {
      return;  // Another trial decides.
    }
    Bisect();
  } else if (held_ == 2) {
    held_at_ = rate_;
    stage_ = Stage::kDone;
  } else if (failed_ == 2) {
    held_at_ = 0;
    Confirm(kStepDown * rate_);
  }
}

void RateSearch::BeginRate(double rate) {
  rate_ = rate;
  held_ = 0;
  failed_ = 0;
}

// The next rate between what held and what failed, or the end of bisecting.
void RateSearch::Bisect() {
  while (!has_failed_ && failed_at_ - held_at_ <= kPrecision * failed_at_ &&
         failed_at_ < kFarthest * most_) {
    failed_at_ *= raise_;
    raise_ *= raise_;
  }
  if (failed_at_ - held_at_ > kPrecision * failed_at_) {
    BeginRate((held_at_ + failed_at_) / 2);
    if (rate_ < kLeast * most_) stage_ = Stage::kDone;
  } else if (held_before_ == 2) {
    stage_ = Stage::kDone;
  } else {
    Confirm(held_at_);
    held_ = held_before_;
    failed_ = failed_before_;
  }
}

void RateSearch::Confirm(double rate) {
  BeginRate(rate);
  stage_ = rate < kLeast * most_ ? Stage::kDone : Stage::kConfirming;
}

}  // namespace weir
