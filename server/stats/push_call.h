// One push on its way to a gateway and back.
#ifndef WEIR_SERVER_STATS_PUSH_CALL_H_
#define WEIR_SERVER_STATS_PUSH_CALL_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace weir {

// A connection to a gateway's push service, made when it is first needed.
std::unique_ptr<grpc::GenericStub> ConnectToGateway(const std::string& address);

// Thread-safe; keeps itself until it is over.
class PushCall {
 public:
  // Called exactly once, on a thread of gRPC's: has to be quick.
  using Done = std::function<void(const grpc::Status&, const grpc::ByteBuffer& response)>;

  static std::shared_ptr<PushCall> Start(grpc::GenericStub& stub, const grpc::ByteBuffer& request,
                                         absl::Duration deadline, Done done);

  // Makes it be over soon.
  void Cancel() { context_.TryCancel(); }

 private:
  explicit PushCall(grpc::ByteBuffer request) : request_(std::move(request)) {}

  grpc::ClientContext context_;
  const grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_PUSH_CALL_H_
