// weir.v1.Predictor: one request in, one answer out.
#ifndef WEIR_SERVER_RPC_PREDICT_SERVICE_H_
#define WEIR_SERVER_RPC_PREDICT_SERVICE_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/model/repository.h"
#include "weir/v1/predictor.grpc.pb.h"

namespace weir {

// Thread-safe. Finds the model, checks the request, hands it over and builds the answer.
class PredictService : public v1::Predictor::CallbackService {
 public:
  // `repository` must outlive the service.
  explicit PredictService(const Repository& repository) : repository_(repository) {}

  grpc::ServerUnaryReactor* Predict(grpc::CallbackServerContext* context,
                                    const v1::PredictRequest* request,
                                    v1::PredictResponse* response) override;

  // From now on answers new requests with UNAVAILABLE, and waits for the answers of those in flight
  // to be out. False if some are not when `timeout` is over.
  bool Drain(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

  // After Drain: waits until no request has been refused for as long as `silence`, but no longer
  // than `at_most`.
  void AwaitSilence(absl::Duration silence, absl::Duration at_most) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Call;

  // Whether a request may begin; if so, End has to follow.
  bool Begin() ABSL_LOCKS_EXCLUDED(mu_);
  void End() ABSL_LOCKS_EXCLUDED(mu_);

  const Repository& repository_;
  absl::Mutex mu_;  // Held for a few instructions only.
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  int in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t refused_ ABSL_GUARDED_BY(mu_) = 0;  // Since the drain began.
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_PREDICT_SERVICE_H_
