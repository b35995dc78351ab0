// grpc.health.v1.Health: tells callers and balancers which models serve.
#ifndef WEIR_SERVER_RPC_HEALTH_SERVICE_H_
#define WEIR_SERVER_RPC_HEALTH_SERVICE_H_

#include <cstdint>

#include "grpc/health/v1/health.grpc.pb.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/health_states.h"
#include "server/rpc/request_gate.h"

namespace weir {

using RawHealth = grpc::health::v1::Health::WithRawMethod_Check<
    grpc::health::v1::Health::WithRawMethod_Watch<grpc::health::v1::Health::Service>>;

// gRPC has such a service, but the threads that run it poll too: they would take the events of a
// completion queue and hand them over, which costs each request tens of microseconds.
class HealthService {
 public:
  // `states` has to outlive the service and its calls.
  explicit HealthService(HealthStates& states) : states_(states) {}

  grpc::Service& service() { return raw_; }

  // Makes `count` calls of each method ready. As each one is taken, another takes its place. Check
  // is answered for as long as the queue is polled; a Watch ends when its caller goes away or the
  // states end it, with UNAVAILABLE.
  void Await(CallQueue& queue, int count);

 private:
  friend class HealthCheckCall;
  friend class HealthWatchCall;

  HealthStates& states_;
  RawHealth raw_;
  RequestGate gate_{int64_t{1} << 20};  // Never closed: a server that drains says so.
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_HEALTH_SERVICE_H_
