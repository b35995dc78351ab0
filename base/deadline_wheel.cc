#include "base/deadline_wheel.h"

#include <algorithm>
#include <bit>

namespace weir {

DeadlineWheel::DeadlineWheel(int64_t now_ns) : tick_(TickOf(now_ns)), slots_(kSlots) {}

void DeadlineWheel::Add(Deadline& deadline, int64_t deadline_ns) {
  deadline.deadline_ns = deadline_ns;
  const auto slot = static_cast<size_t>(std::max(TickOf(deadline_ns), tick_) % kSlots);
  slots_[slot].push_back(deadline);
  used_[slot / 64] |= uint64_t{1} << (slot % 64);
}

void DeadlineWheel::Advance(int64_t now_ns) {
  const int64_t now_tick = TickOf(now_ns);
  // Once round is enough, however long it has been.
  for (int64_t tick = std::max(tick_, now_tick - kSlots + 1); tick <= now_tick; ++tick) {
    const auto index = static_cast<size_t>(tick % kSlots);
    const uint64_t bit = uint64_t{1} << (index % 64);
    if ((used_[index / 64] & bit) == 0) continue;
    Slot& slot = slots_[index];
    for (Deadline* deadline = slot.front(); deadline != nullptr;) {
      Deadline* const next = slot.next(*deadline);
      if (deadline->deadline_ns <= now_ns) expired_.push_back(*deadline);
      deadline = next;
    }
    if (slot.empty()) used_[index / 64] &= ~bit;
  }
  tick_ = std::max(tick_, now_tick);
}

Deadline* DeadlineWheel::TakeExpired() {
  Deadline* const deadline = expired_.front();
  if (deadline != nullptr) deadline->Unlink();
  return deadline;
}

int64_t DeadlineWheel::NextWake() {
  if (!expired_.empty()) return tick_ << kTickBits;
  for (int64_t tick = tick_; tick < tick_ + kSlots;) {
    const auto index = static_cast<size_t>(tick % kSlots);
    const uint64_t word = used_[index / 64] >> (index % 64);
    if (word == 0) {
      tick += 64 - static_cast<int64_t>(index % 64);
      continue;
    }
    tick += std::countr_zero(word);
    const auto used = static_cast<size_t>(tick % kSlots);
    if (!slots_[used].empty()) return (tick + 1) << kTickBits;
    used_[used / 64] &= ~(uint64_t{1} << (used % 64));
  }
  return kNever;
}

}  // namespace weir
