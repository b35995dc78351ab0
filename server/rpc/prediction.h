// One request to a model, from its bytes to its answer, whichever kind of call brought it.
#ifndef WEIR_SERVER_RPC_PREDICTION_H_
#define WEIR_SERVER_RPC_PREDICTION_H_

#include <atomic>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/arena.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/model/repository.h"
#include "server/model/servable.h"
#include "server/rpc/tensor_codec.h"
#include "weir/v1/predictor.pb.h"

namespace weir {

// What all predictions of a server share.
struct PredictionOptions {
  absl::Duration slow_request_threshold = absl::InfiniteDuration();  // Slower ones are logged.
};

// Used for one request. Find, check, submit, and build the answer; messages lie on an arena.
class Prediction {
 public:
  // Called once, on any thread, when the answer is there; the response is whole if it is OK. The
  // prediction may be destroyed in it.
  using OnAnswer = absl::AnyInvocable<void(const absl::Status&)>;

  Prediction(const Repository& repository, const PredictionOptions& options, OnAnswer on_answer);

  // False if the bytes are no request; on_answer has been called then.
  bool Parse(const grpc::ByteBuffer& bytes);

  // After Parse. `deadline` is that of the call. Times are those of base/clock.h.
  void Start(absl::Time received, absl::Time deadline);

  // Nobody waits for the answer any more. It comes all the same. From any thread.
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  google::protobuf::Arena& arena() { return arena_; }
  const v1::PredictRequest& request() const { return *request_; }
  v1::PredictResponse& response() { return *response_; }

 private:
  absl::Status Prepare();
  void Answer(absl::StatusOr<TaskResult> result);
  void BuildResponse(const TaskResult& result);

  const Repository& repository_;
  const PredictionOptions& options_;
  OnAnswer on_answer_;
  // Holds the messages of a usual request without another allocation.
  alignas(8) char first_block_[2048];
  google::protobuf::Arena arena_;
  v1::PredictRequest* const request_;
  v1::PredictResponse* const response_;
  absl::Time received_;
  // Relaxed: it guards nothing; a cancellation that is seen late costs a little work.
  std::atomic<bool> cancelled_ = false;
  std::shared_ptr<Servable> servable_;
  DecodedInputs decoded_;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_PREDICTION_H_
