#include "base/deadline_wheel.h"

#include <algorithm>
#include <bit>

namespace weir {

DeadlineWheel::DeadlineWheel(int64_t now_ns) : tick_(TickOf(now_ns)), slots_(kSlots) {}

void DeadlineWheel::Add(Deadline& deadline, int64_t deadline_ns) {
  deadline.deadline_ns = deadline_ns;
  const int64_t tick = TickOf(deadline_ns);
  if (tick <= tick_) return AddToCurrent(deadline);
  const auto slot = static_cast<size_t>(tick % kSlots);
  slots_[slot].push_back(deadline);
  used_[slot / 64] |= uint64_t{1} << (slot % 64);
}

// Mostly the last one.
void DeadlineWheel::AddToCurrent(Deadline& deadline) {
  Deadline* before = current_.back();
  while (before != nullptr && before->deadline_ns > deadline.deadline_ns) {
    before = current_.previous(*before);
  }
  current_.insert_after(before, deadline);
}

void DeadlineWheel::Advance(int64_t now_ns) {
  const int64_t now_tick = TickOf(now_ns);
  if (now_tick > tick_) {
    while (Deadline* const deadline = current_.front()) expired_.push_back(*deadline);
    // Once round is enough, however long it has been.
    for (int64_t tick = std::max(tick_ + 1, now_tick - kSlots + 1); tick <= now_tick; ++tick) {
      const auto index = static_cast<size_t>(tick % kSlots);
      const uint64_t bit = uint64_t{1} << (index % 64);
      if ((used_[index / 64] & bit) == 0) continue;
      Slot& slot = slots_[index];
      std::vector<Deadline*> current;
      for (Deadline* deadline = slot.front(); deadline != nullptr;) {
        Deadline* const next = slot.next(*deadline);
        const int64_t tick_of_it = TickOf(deadline->deadline_ns);
        if (tick_of_it < now_tick) expired_.push_back(*deadline);
        if (tick_of_it == now_tick) current.push_back(deadline);
        deadline = next;
      }
      std::sort(current.begin(), current.end(), [](const Deadline* a, const Deadline* b) {
        return a->deadline_ns < b->deadline_ns;
      });
      for (Deadline* const deadline : current) current_.push_back(*deadline);
      if (slot.empty()) used_[index / 64] &= ~bit;
    }
    tick_ = now_tick;
  }
  while (Deadline* const first = current_.front()) {
    if (first->deadline_ns > now_ns) break;
    expired_.push_back(*first);
  }
}

Deadline* DeadlineWheel::TakeExpired() {
  Deadline* const deadline = expired_.front();
  if (deadline != nullptr) deadline->Unlink();
  return deadline;
}

int64_t DeadlineWheel::NextWake() {
  if (!expired_.empty()) return tick_ << kTickBits;
  if (!current_.empty()) return (tick_ + 1) << kTickBits;
  for (int64_t tick = tick_ + 1; tick <= tick_ + kSlots;) {
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
