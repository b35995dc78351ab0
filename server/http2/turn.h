// Which of a loop's threads may use what they share.
#ifndef WEIR_SERVER_HTTP2_TURN_H_
#define WEIR_SERVER_HTTP2_TURN_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace weir {

// One thread at a time has the *turn*. One of the others may *watch*: it sleeps until something
// happens outside, and takes the turn then, so that the rest need not be woken for nothing.
// Thread-safe.
class Turn {
 public:
  // Waits until nobody has the turn and nobody watches. False: it has ended.
  bool Take() ABSL_LOCKS_EXCLUDED(mu_);

  // False if another thread has it, or if it has ended.
  bool TryTake() ABSL_LOCKS_EXCLUDED(mu_);

  // Whether a thread waits to have it, and whether one watches.
  bool wanted() const ABSL_LOCKS_EXCLUDED(mu_);
  bool watched() const ABSL_LOCKS_EXCLUDED(mu_);

  // For the thread that has it.
  void Give() ABSL_LOCKS_EXCLUDED(mu_);

  // Gives it, and watches, which nobody else does, until TakeBack.
  void GiveAndWatch() ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until nobody has the turn. False: it has ended.
  bool TakeBack() ABSL_LOCKS_EXCLUDED(mu_);

  // After TakeBack: whether nobody else had it meanwhile.
  bool was_undisturbed() const ABSL_LOCKS_EXCLUDED(mu_);

  // Nobody has it any more. The watcher has to be woken.
  void End() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void TakeIt() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  int waiting_ ABSL_GUARDED_BY(mu_) = 0;
  bool taken_ ABSL_GUARDED_BY(mu_) = false;
  bool watched_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  int64_t times_taken_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t times_before_ ABSL_GUARDED_BY(mu_) = 0;  // The watcher gave it.
};

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_TURN_H_
