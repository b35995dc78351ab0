// weir.v1.StatsGateway: from a push's bytes to its answer.
#ifndef WEIR_GATEWAY_PUSH_SERVICE_H_
#define WEIR_GATEWAY_PUSH_SERVICE_H_

#include <atomic>

#include "gateway/committer.h"
#include "gateway/push.h"
#include "grpcpp/impl/codegen/byte_buffer.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/server_callback.h"
#include "weir/v1/stats.grpc.pb.h"

namespace weir {

// Reads and checks pushes on gRPC's threads, without a lock, and hands them to the committer, from
// whose callback they are answered. What is refused is logged, at most once a second, and counted.
// Thread-safe.
class PushService final
    : public v1::StatsGateway::WithRawCallbackMethod_Push<v1::StatsGateway::Service> {
 public:
  explicit PushService(const PushLimits& limits) : limits_(limits) {}

  // Registers the service, which has to outlive the server, and has gRPC refuse pushes that are far
  // too large before they have come, and compressed ones before they are unpacked.
  void AddTo(grpc::ServerBuilder& builder);

  // Until it is called, pushes are answered with UNAVAILABLE. `committer` has to outlive the gRPC
  // server.
  void Open(Committer& committer);

  // Pushes that come from now on are answered with UNAVAILABLE.
  void Close();

  grpc::ServerUnaryReactor* Push(grpc::CallbackServerContext* context,
                                 const grpc::ByteBuffer* request,
                                 grpc::ByteBuffer* response) override;

 private:
  const PushLimits limits_;

  // Null while closed. Who sees the committer must see it whole: released by Open, acquired by
  // Push.
  std::atomic<Committer*> committer_ = nullptr;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_PUSH_SERVICE_H_
