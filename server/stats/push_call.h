// One push on its way to a gateway and back.
#ifndef WEIR_SERVER_STATS_PUSH_CALL_H_
#define WEIR_SERVER_STATS_PUSH_CALL_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace weir {

// A connection to a gateway's push service, made when it is first needed.
std::unique_ptr<grpc::GenericStub> ConnectToGateway(const std::string& address);

// Thread-safe; keeps itself until it is over. `stub` must outlive the start of `done`, and may be
// deleted from then on, by another thread.
class PushCall {
 public:
  // Called exactly once, on a thread of gRPC's: has to be quick.
  using Done = std::function<void(const grpc::Status&, const grpc::ByteBuffer& response)>;

  static std::shared_ptr<PushCall> Start(grpc::GenericStub& stub, const grpc::ByteBuffer& request,
                                         absl::Duration deadline, Done done);

  // Makes it be over soon.
  void Cancel();

 private:
  explicit PushCall(grpc::ByteBuffer request) : request_(std::move(request)) {}

  std::shared_ptr<grpc::ClientContext> context();

  // The context shares the channel. If a thread of gRPC's were the last to have it, it would wait
  // for its own end (gRPC 1.51): so that is over before anybody hears of the answer.
  void LetGoOfConnection();

  absl::Mutex mu_;
  std::shared_ptr<grpc::ClientContext> context_ ABSL_GUARDED_BY(mu_) =
      std::make_shared<grpc::ClientContext>();
  const grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_PUSH_CALL_H_
