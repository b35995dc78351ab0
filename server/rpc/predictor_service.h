// The Predictor as gRPC knows it: its methods take bytes, which weir parses itself.
#ifndef WEIR_SERVER_RPC_PREDICTOR_SERVICE_H_
#define WEIR_SERVER_RPC_PREDICTOR_SERVICE_H_

#include "weir/v1/predictor.grpc.pb.h"

namespace weir {

using RawPredictor = v1::Predictor::WithRawMethod_Predict<
    v1::Predictor::WithRawMethod_PredictStream<v1::Predictor::Service>>;

}  // namespace weir

#endif  // WEIR_SERVER_RPC_PREDICTOR_SERVICE_H_
