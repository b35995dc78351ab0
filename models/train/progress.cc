#include "models/train/progress.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace weir {
namespace {

constexpr int kBarWidth = 20;
constexpr absl::Duration kRedrawInterval = absl::Milliseconds(200);

}  // namespace

Progress::Progress(const Options& options, std::ostream& out) : options_(options), out_(out) {}

void Progress::Start(int step, int steps, int steps_per_epoch, absl::Time now) {
  first_step_ = step_ = step;
  steps_ = steps;
  steps_per_epoch_ = steps_per_epoch;
  start_ = now;
}

void Progress::Step(double loss, double quality, absl::Time now) {
  ++step_;
  ++epoch_steps_;
  loss_sum_ += loss;
  quality_sum_ += quality;
  if (!options_.is_terminal || now - last_drawn_ < kRedrawInterval) return;
  last_drawn_ = now;
  out_ << "\r" << Line("", now) << "\x1b[K" << std::flush;
}

void Progress::EpochDone(double validation, bool is_best, absl::Time now) {
  const std::string tail =
      absl::StrFormat(", validation %.4f%s", validation, is_best ? " (best)" : "");
  out_ << (options_.is_terminal ? "\r" : "") << Line(tail, now)
       << (options_.is_terminal ? "\x1b[K" : "\n") << std::flush;
  if (options_.is_terminal && step_ == steps_) out_ << "\n" << std::flush;
  epoch_steps_ = 0;
  loss_sum_ = 0;
  quality_sum_ = 0;
}

std::string Progress::Line(const std::string& tail, absl::Time now) const {
  const int taken = std::max(1, step_ - first_step_);
  const absl::Duration left = (now - start_) / taken * (steps_ - step_);
  const int seconds = static_cast<int>(absl::ToInt64Seconds(left));
  const int filled = kBarWidth * step_ / std::max(1, steps_);
  const int steps = std::max(1, epoch_steps_);
  return absl::StrFormat(
      "%s [%s%s] epoch %d/%d, loss %.4f, %s %.4f%s, %d:%02d left", options_.model,
      std::string(filled, '#'), std::string(kBarWidth - filled, '.'),
      (std::max(1, step_) - 1) / steps_per_epoch_ + 1, steps_ / steps_per_epoch_, loss_sum_ / steps,
      options_.quality, quality_sum_ / steps, tail, seconds / 60, seconds % 60);
}

}  // namespace weir
