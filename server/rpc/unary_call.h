// One call with one request and one answer on a completion queue, from the moment the server is
// ready for it until its answer is out.
#ifndef WEIR_SERVER_RPC_UNARY_CALL_H_
#define WEIR_SERVER_RPC_UNARY_CALL_H_

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/cancellation.h"
#include "server/rpc/request_gate.h"

namespace weir {

// When the call's own deadline is, by base/clock.h.
absl::Time CallDeadline(const grpc::ServerContext& context, absl::Time now);

// Tells a client of gRPC that retries when to try again. Another server may answer at once.
void AddRetryHint(grpc::ServerContext& context);

// Lives on the heap and ends itself. A derived class says which method it serves, and what it does
// with the request. Messages stay bytes here: the derived class parses them, on an arena of its
// own.
class UnaryCall {
 public:
  UnaryCall(const UnaryCall&) = delete;
  UnaryCall& operator=(const UnaryCall&) = delete;

 protected:
  UnaryCall(CallQueue& queue, RequestGate& gate) : ticket_(queue), queue_(queue), gate_(gate) {}
  virtual ~UnaryCall() = default;

  // Makes the call ready for a request. If the server shuts down before one comes, the call ends.
  void Await();

  // Asks gRPC for a call of the derived class's method, with `tag`.
  virtual void Request(void* tag) = 0;

  // Makes another call like this one ready: this one has got its request.
  virtual void AwaitAnother() = 0;

  // The request has come and is not let in, as the gate says. Answer has to be called.
  virtual void Refuse(const absl::Status& why);

  // The request has come and was let in. Answer has to be called once, now or later, on any thread.
  // Returns whether something was submitted that the poller shall run.
  virtual bool Begin() = 0;

  void Answer(const grpc::Status& status, const grpc::ByteBuffer& response);

  const CallQueue::Ticket ticket_;  // Given back last.
  CallQueue& queue_;
  RequestGate& gate_;
  grpc::ServerContext context_;
  grpc::ByteBuffer request_;
  grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> writer_{&context_};
  absl::Time received_;
  Cancellation cancellation_;

 private:
  bool OnRequest(bool ok);
  bool OnDone(bool ok);
  bool OnAnswered(bool ok);
  void End();

  MethodEvent<UnaryCall, &UnaryCall::OnRequest> on_request_{*this};
  MethodEvent<UnaryCall, &UnaryCall::OnDone> on_done_{*this};
  MethodEvent<UnaryCall, &UnaryCall::OnAnswered> on_answered_{*this};
  bool inside_ = false;
  int64_t bytes_ = 0;  // Of the request or of the answer, whichever is larger.
  // OnDone and OnAnswered are still to come. They may run on two threads; the last one ends the
  // call and has to see what the other did.
  std::atomic<int> awaited_ = 2;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_UNARY_CALL_H_
