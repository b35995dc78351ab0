// weir.v1.Diagnostics/Echo: what a call costs that does nothing.
#ifndef WEIR_SERVER_RPC_ECHO_CALL_H_
#define WEIR_SERVER_RPC_ECHO_CALL_H_

#include "server/rpc/call_queue.h"
#include "server/rpc/request_gate.h"
#include "weir/v1/diagnostics.grpc.pb.h"

namespace weir {

using RawDiagnostics = v1::Diagnostics::WithRawMethod_Echo<v1::Diagnostics::Service>;

// Makes `count` calls ready. As each one gets its request, another takes its place. All arguments
// outlive the calls.
void AwaitEchoCalls(RawDiagnostics& service, RequestGate& gate, CallQueue& queue, int count);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_ECHO_CALL_H_
