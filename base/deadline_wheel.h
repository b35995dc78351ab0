// Which deadlines have passed. Pure: time is an argument, in nanoseconds.
//
// A wheel of slots of about a millisecond: adding and removing cost the same however many there
// are, and each deadline is sorted once, when its slot has come. One that is further away than the
// wheel goes round stays in its slot for another turn.
#ifndef WEIR_BASE_DEADLINE_WHEEL_H_
#define WEIR_BASE_DEADLINE_WHEEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/intrusive_list.h"

namespace weir {

struct DeadlineTag;

struct Deadline : ListLink<DeadlineTag> {
  int64_t deadline_ns = 0;
};

class DeadlineWheel {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  // The time at the beginning; it only goes forward.
  explicit DeadlineWheel(int64_t now_ns);

  // One whose time has come already goes with the next Advance.
  void Add(Deadline& deadline, int64_t deadline_ns);
  void Remove(Deadline& deadline) { deadline.Unlink(); }

  // After Advance, the deadlines that have passed by `now_ns` are taken one by one, in the order of
  // their slots.
  void Advance(int64_t now_ns);
  Deadline* TakeExpired();

  // When to call Advance again, so that nothing is more than a slot late; kNever if there is
  // nothing to wait for. It may be too early.
  int64_t NextWake();

 private:
  static constexpr int kTickBits = 20;
  static constexpr int64_t kSlots = 4096;
  using Slot = IntrusiveList<Deadline, DeadlineTag>;

  static int64_t TickOf(int64_t ns) { return ns >> kTickBits; }

  void AddToCurrent(Deadline& deadline);

  int64_t tick_;  // The slot of now.
  Slot current_;  // What passes in it, ascending: it is looked at each time.
  std::vector<Slot> slots_;
  // A bit for each slot that may have something in it.
  std::array<uint64_t, kSlots / 64> used_ = {};
  Slot expired_;
};

}  // namespace weir

#endif  // WEIR_BASE_DEADLINE_WHEEL_H_
