// Whether the caller of a call went away.
#ifndef WEIR_SERVER_RPC_CANCELLATION_H_
#define WEIR_SERVER_RPC_CANCELLATION_H_

#include <atomic>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "server/rpc/call_queue.h"

namespace weir {

// Thread-safe.
class Cancellation {
 public:
  // Lets an event happen later: after some time, or as soon as the call is cancelled.
  class Delay {
   public:
    // `cancellation` has to outlive the delay.
    explicit Delay(Cancellation& cancellation) : cancellation_(cancellation) {}
    ~Delay();  // After the event has happened, or without a Start.

    // Once. `event` may happen, and end the delay, before this returns.
    void Start(CallQueue& queue, absl::Duration duration, Event& event);

   private:
    friend class Cancellation;

    Cancellation& cancellation_;
    grpc::Alarm alarm_;
  };

  void Cancel() ABSL_LOCKS_EXCLUDED(mu_);

  // Set by Cancel. Relaxed: it guards nothing, and to see it late costs a little work.
  const std::atomic<bool>& flag() const { return flag_; }

 private:
  std::atomic<bool> flag_ = false;
  absl::Mutex mu_;
  std::set<Delay*> delays_ ABSL_GUARDED_BY(mu_);  // That may not be over yet.
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_CANCELLATION_H_
