#include "server/stats/thread_slot.h"

#include <algorithm>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace weir {
namespace {

class Slots {
 public:
  int Take() {
    absl::MutexLock lock(&mu_);
    const auto free = std::find(taken_.begin(), taken_.end(), false);
    const auto slot = static_cast<int>(free - taken_.begin());
    if (free == taken_.end()) {
      taken_.push_back(true);
    } else {
      *free = true;
    }
    return slot;
  }

  void GiveBack(int slot) {
    absl::MutexLock lock(&mu_);
    taken_[slot] = false;
  }

  int End() {
    absl::MutexLock lock(&mu_);
    return static_cast<int>(taken_.size());
  }

 private:
  absl::Mutex mu_;
  std::vector<bool> taken_ ABSL_GUARDED_BY(mu_);
};

// Never destroyed: threads may end after main.
Slots& AllSlots() {
  static Slots& slots = *new Slots;
  return slots;
}

// Gives the slot back when its thread ends.
class Holder {
 public:
  Holder() { thread_slot_internal::slot = AllSlots().Take(); }
  ~Holder() {
    const int slot = thread_slot_internal::slot;
    thread_slot_internal::slot = kNoThreadSlot;
    AllSlots().GiveBack(slot);
  }
};

}  // namespace

namespace thread_slot_internal {

constinit thread_local int slot = kNotAskedYet;

int Take() {
  thread_local const Holder holder;
  return slot;
}

}  // namespace thread_slot_internal

int ThreadSlotsEnd() { return AllSlots().End(); }

}  // namespace weir
