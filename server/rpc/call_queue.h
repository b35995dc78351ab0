// A completion queue of gRPC and the threads that poll it. They carry requests from the wire to the
// executor and run the batches of inline models themselves: run to completion.
#ifndef WEIR_SERVER_RPC_CALL_QUEUE_H_
#define WEIR_SERVER_RPC_CALL_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "grpcpp/completion_queue.h"

namespace weir {

// What a completion queue gives back: an operation has ended. The tag of the operation is a pointer
// to it.
class Event {
 public:
  virtual ~Event() = default;

  // Returns whether a request was submitted, which the queue's `run_submitted` shall run. May
  // delete the event.
  virtual bool Happened(bool ok) = 0;
};

// An event that is a method of its owner, so that one object can await several.
template <typename Owner, bool (Owner::*kMethod)(bool ok)>
class MethodEvent : public Event {
 public:
  explicit MethodEvent(Owner& owner) : owner_(owner) {}
  bool Happened(bool ok) override { return (owner_.*kMethod)(ok); }

 private:
  Owner& owner_;
};

class CallQueue {
 public:
  // Held by each call, from before it asks gRPC for a request until after its last event. gRPC
  // aborts the process if anything is asked of a queue that was shut down: this keeps it open.
  class Ticket {
   public:
    explicit Ticket(CallQueue& queue) : queue_(queue) {
      queue_.tickets_.fetch_add(1, std::memory_order_relaxed);
    }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() { queue_.GiveBackTicket(); }

   private:
    CallQueue& queue_;
  };

  explicit CallQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue)
      : queue_(std::move(queue)) {}
  ~CallQueue();

  grpc::ServerCompletionQueue& queue() { return *queue_; }

  // Runs what was submitted; calls `before_long_work` before it begins something that takes long.
  using RunSubmitted = std::function<void(absl::FunctionRef<void()> before_long_work)>;

  // Starts so many threads, of which one at a time polls: two that wait on one queue wake each
  // other for every event. A thread takes all events that have come, and then calls `run_submitted`
  // if any of them submitted a request; while that does long work another thread polls.
  void Start(int threads, const RunSubmitted& run_submitted);

  // After gRPC's server was shut down: waits for the last call to end. Whoever calls other servers
  // by way of the queue may go on with that.
  void AwaitCalls();

  // Joins the threads, after AwaitCalls and the end of whatever else used the queue.
  void Shutdown();

 private:
  void GiveBackTicket();
  void Poll(const RunSubmitted& run_submitted);
  void TakeTurn() ABSL_LOCKS_EXCLUDED(turn_mu_);  // Waits until no thread polls.
  void GiveTurn() ABSL_LOCKS_EXCLUDED(turn_mu_);

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  // Those of the calls, and one of the queue itself until AwaitCalls. Who gives back the last one
  // has to see all that the others did before.
  std::atomic<int64_t> tickets_ = 1;
  absl::Notification all_calls_ended_;
  absl::Mutex turn_mu_;
  bool polled_ ABSL_GUARDED_BY(turn_mu_) = false;  // By one of the threads.
  std::vector<std::thread> threads_;
  bool awaited_ = false;
  bool shut_down_ = false;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_CALL_QUEUE_H_
