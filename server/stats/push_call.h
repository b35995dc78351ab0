// One push on its way to a gateway and back.
#ifndef WEIR_SERVER_STATS_PUSH_CALL_H_
#define WEIR_SERVER_STATS_PUSH_CALL_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "server/rpc/call_queue.h"

namespace weir {

// A connection to a gateway's push service, made when it is first needed.
std::unique_ptr<grpc::GenericStub> ConnectToGateway(const std::string& address);

// Its answer comes through the server's own call queue. Any other kind of client brings threads of
// gRPC's that poll as well, and those take events away from the pollers, whose calls then wait
// twice as long. Thread-safe; keeps itself until it is over.
class PushCall : public Event {
 public:
  // Called exactly once, on a poller: has to be quick.
  using Done = std::function<void(const grpc::Status&, const grpc::ByteBuffer& response)>;

  // `queue` must not be shut down before `done` is called.
  static std::shared_ptr<PushCall> Start(grpc::GenericStub& stub, CallQueue& queue,
                                         const grpc::ByteBuffer& request, absl::Duration deadline,
                                         Done done);

  // Makes it be over soon.
  void Cancel() { context_.TryCancel(); }

  bool Happened(bool ok) override;

 private:
  explicit PushCall(Done done) : done_(std::move(done)) {}

  const Done done_;
  std::shared_ptr<PushCall> self_;  // Until it is over.
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_PUSH_CALL_H_
