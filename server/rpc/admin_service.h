// weir.v1.Admin: what operators see of the models, and what they change.
#ifndef WEIR_SERVER_RPC_ADMIN_SERVICE_H_
#define WEIR_SERVER_RPC_ADMIN_SERVICE_H_

#include <cstdint>

#include "server/http2/call_loop.h"
#include "server/model/repository.h"
#include "server/rpc/methods.h"
#include "server/rpc/request_gate.h"

namespace weir {

// A change is carried out by the repository's thread, which also answers; the threads that poll
// never wait for one. A caller that goes away does not take back what it asked for.
//
// Before the loop can end, the repository has to be stopped: that answers the calls that wait.
class AdminService {
 public:
  // `repository` must outlive the service and its calls.
  explicit AdminService(Repository& repository) : repository_(repository) {}

  void AddTo(CallLoop& loop, Methods& methods);

 private:
  template <typename Method>
  friend class AdminCall;

  Repository& repository_;
  RequestGate gate_{int64_t{1} << 20};  // Never closed: models are listed while the server drains.
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_ADMIN_SERVICE_H_
