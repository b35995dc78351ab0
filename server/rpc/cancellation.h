// Whether the caller of a call went away.
#ifndef WEIR_SERVER_RPC_CANCELLATION_H_
#define WEIR_SERVER_RPC_CANCELLATION_H_

#include <atomic>
#include <optional>

#include "absl/time/time.h"
#include "base/intrusive_list.h"
#include "server/http2/call_loop.h"
#include "server/http2/event.h"

namespace weir {

// For whoever has the loop's turn, but for the flag.
class Cancellation {
 public:
  // Lets an event happen later: after some time, or as soon as the call is cancelled.
  class Delay : public ListLink<Delay> {
   public:
    // `cancellation` has to outlive the delay.
    explicit Delay(Cancellation& cancellation) : cancellation_(cancellation) {}
    ~Delay() { Unlink(); }  // After the event has happened, or without a Start.

    // Once.
    void Start(CallLoop& loop, absl::Duration duration, Event& event);

   private:
    friend class Cancellation;

    Cancellation& cancellation_;
    CallLoop* loop_ = nullptr;
    Event* event_ = nullptr;
    std::optional<CallLoop::Timer> timer_;
  };

  void Cancel();

  // Set by Cancel. Relaxed: it guards nothing, and to see it late costs a little work.
  const std::atomic<bool>& flag() const { return flag_; }

 private:
  std::atomic<bool> flag_ = false;
  IntrusiveList<Delay, Delay> delays_;  // That may not be over yet.
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_CANCELLATION_H_
