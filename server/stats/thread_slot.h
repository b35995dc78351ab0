// Small numbers for threads, so that each can have a place of its own in arrays.
#ifndef WEIR_SERVER_STATS_THREAD_SLOT_H_
#define WEIR_SERVER_STATS_THREAD_SLOT_H_

namespace weir {

inline constexpr int kNoThreadSlot = -1;

namespace thread_slot_internal {

inline constexpr int kNotAskedYet = -2;

extern constinit thread_local int slot;  // One word a thread, without a constructor.

int Take();

}  // namespace thread_slot_internal

// The slot of this thread: the smallest number from 0 on that no other living thread had when this
// one asked first. It goes to another thread only after this one has ended, and that thread sees
// all that this one has written. kNoThreadSlot while the thread's own variables are destroyed.
inline int ThreadSlot() {
  const int slot = thread_slot_internal::slot;
  return slot == thread_slot_internal::kNotAskedYet ? thread_slot_internal::Take() : slot;
}

// All slots that were ever given are below it. Sees those of threads that this one has heard from.
int ThreadSlotsEnd();

}  // namespace weir

#endif  // WEIR_SERVER_STATS_THREAD_SLOT_H_
