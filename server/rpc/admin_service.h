// weir.v1.Admin: what operators see of the models, and what they change.
#ifndef WEIR_SERVER_RPC_ADMIN_SERVICE_H_
#define WEIR_SERVER_RPC_ADMIN_SERVICE_H_

#include <cstdint>

#include "grpcpp/impl/service_type.h"
#include "server/model/repository.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/request_gate.h"
#include "weir/v1/admin.grpc.pb.h"

namespace weir {

using RawAdmin = v1::Admin::WithRawMethod_ListModels<
    v1::Admin::WithRawMethod_LoadModel<v1::Admin::WithRawMethod_UnloadModel<
        v1::Admin::WithRawMethod_ReloadRepository<v1::Admin::Service>>>>;

// A change is carried out by the repository's thread, which also answers; the threads that poll
// never wait for one. A caller that goes away does not take back what it asked for.
//
// Before the queue can end, the repository has to be stopped: that answers the calls that wait.
class AdminService {
 public:
  // `repository` must outlive the service and its calls.
  explicit AdminService(Repository& repository) : repository_(repository) {}

  grpc::Service& service() { return raw_; }

  // Makes `count` calls of each method ready. As each one is taken, another takes its place.
  void Await(CallQueue& queue, int count);

 private:
  template <typename Method>
  friend class AdminCall;

  Repository& repository_;
  RawAdmin raw_;
  RequestGate gate_{int64_t{1} << 20};  // Never closed: models are listed while the server drains.
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_ADMIN_SERVICE_H_
