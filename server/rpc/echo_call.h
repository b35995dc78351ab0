// weir.v1.Diagnostics/Echo: what a call costs that does nothing.
#ifndef WEIR_SERVER_RPC_ECHO_CALL_H_
#define WEIR_SERVER_RPC_ECHO_CALL_H_

#include "server/http2/call_loop.h"
#include "server/rpc/methods.h"
#include "server/rpc/request_gate.h"

namespace weir {

// All arguments outlive the calls.
void AddEcho(CallLoop& loop, RequestGate& gate, Methods& methods);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_ECHO_CALL_H_
