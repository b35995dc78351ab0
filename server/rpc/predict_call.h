// weir.v1.Predictor/Predict: one request in, one answer out.
#ifndef WEIR_SERVER_RPC_PREDICT_CALL_H_
#define WEIR_SERVER_RPC_PREDICT_CALL_H_

#include "server/http2/call_loop.h"
#include "server/model/repository.h"
#include "server/rpc/methods.h"
#include "server/rpc/prediction.h"
#include "server/rpc/request_gate.h"

namespace weir {

// What a call of Predictor needs; all of it outlives the call.
struct PredictorContext {
  CallLoop& loop;
  const Repository& repository;
  RequestGate& gate;
  const PredictionOptions& options;
};

// `context` outlives the methods and their calls.
void AddPredict(const PredictorContext& context, Methods& methods);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_PREDICT_CALL_H_
