// grpc.health.v1.Health: tells callers and balancers which models serve.
#ifndef WEIR_SERVER_RPC_HEALTH_SERVICE_H_
#define WEIR_SERVER_RPC_HEALTH_SERVICE_H_

#include <cstdint>

#include "server/http2/call_loop.h"
#include "server/rpc/health_states.h"
#include "server/rpc/methods.h"
#include "server/rpc/request_gate.h"

namespace weir {

class HealthService {
 public:
  // `states` has to outlive the service and its calls.
  explicit HealthService(HealthStates& states) : states_(states) {}

  // Check is answered for as long as the loop runs; a Watch ends when its caller goes away or the
  // states end it, with UNAVAILABLE.
  void AddTo(CallLoop& loop, Methods& methods);

 private:
  friend class HealthCheckCall;
  friend class HealthWatchCall;

  HealthStates& states_;
  RequestGate gate_{int64_t{1} << 20};  // Never closed: a server that drains says so.
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_HEALTH_SERVICE_H_
