// weir.v1.Predictor: one request in, one answer out.
#ifndef WEIR_SERVER_RPC_PREDICT_SERVICE_H_
#define WEIR_SERVER_RPC_PREDICT_SERVICE_H_

#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "proto/weir/v1/predictor.grpc.pb.h"
#include "server/model/repository.h"

namespace weir {

// Thread-safe. Finds the model, checks the request, hands it over and builds the answer.
class PredictService : public v1::Predictor::CallbackService {
 public:
  // `repository` must outlive the service.
  explicit PredictService(const Repository& repository) : repository_(repository) {}

  grpc::ServerUnaryReactor* Predict(grpc::CallbackServerContext* context,
                                    const v1::PredictRequest* request,
                                    v1::PredictResponse* response) override;

 private:
  const Repository& repository_;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_PREDICT_SERVICE_H_
