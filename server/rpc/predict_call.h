// weir.v1.Predictor/Predict: one request in, one answer out.
#ifndef WEIR_SERVER_RPC_PREDICT_CALL_H_
#define WEIR_SERVER_RPC_PREDICT_CALL_H_

#include "server/model/repository.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/prediction.h"
#include "server/rpc/predictor_service.h"
#include "server/rpc/request_gate.h"

namespace weir {

// What a call of Predictor needs; all of it outlives the call.
struct PredictorContext {
  RawPredictor& service;
  const Repository& repository;
  RequestGate& gate;
  const PredictionOptions& options;
};

// Makes `count` calls ready. As each one gets its request, another takes its place.
void AwaitPredictCalls(const PredictorContext& context, CallQueue& queue, int count);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_PREDICT_CALL_H_
