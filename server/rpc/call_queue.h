// A completion queue of gRPC and the threads that poll it. They carry requests from the wire to the
// executor and run the batches of inline models themselves: run to completion.
#ifndef WEIR_SERVER_RPC_CALL_QUEUE_H_
#define WEIR_SERVER_RPC_CALL_QUEUE_H_

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
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
  explicit CallQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue)
      : queue_(std::move(queue)) {}
  ~CallQueue();

  grpc::ServerCompletionQueue& queue() { return *queue_; }

  // Polls with so many threads. A thread takes all events that have come, and then calls
  // `run_submitted` if any of them submitted a request.
  void Start(int threads, const std::function<void()>& run_submitted);

  // Calls `post`, which asks gRPC for a call, unless StopAccepting was called before. From any
  // thread.
  void Accept(absl::FunctionRef<void()> post) ABSL_LOCKS_EXCLUDED(mu_);

  // Before gRPC's server is shut down.
  void StopAccepting() ABSL_LOCKS_EXCLUDED(mu_);

  // After gRPC's server was shut down and the last call has ended: joins the threads.
  void Shutdown();

 private:
  void Poll(const std::function<void()>& run_submitted);

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  absl::Mutex mu_;
  bool accepting_ ABSL_GUARDED_BY(mu_) = true;
  std::vector<std::thread> threads_;
  bool shut_down_ = false;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_CALL_QUEUE_H_
