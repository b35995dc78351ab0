// One request to a model, from its bytes to its answer, whichever kind of call brought it.
#ifndef WEIR_SERVER_RPC_PREDICTION_H_
#define WEIR_SERVER_RPC_PREDICTION_H_

#include <memory>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/arena.h"
#include "server/http2/call_loop.h"
#include "server/http2/event.h"
#include "server/http2/server_session.h"
#include "server/model/repository.h"
#include "server/model/servable.h"
#include "server/rpc/cancellation.h"
#include "server/rpc/tensor_codec.h"
#include "server/stats/recorder.h"
#include "weir/v1/predictor.pb.h"

namespace weir {

// What all predictions of a server share.
struct PredictionOptions {
  absl::Duration slow_request_threshold = absl::InfiniteDuration();  // These are logged.
  bool fault_injection = false;  // Obey the faults that a call's metadata asks for.
  Recorder* recorder = nullptr;  // Where requests are recorded; null: nowhere.
};

// Used for one request. Find, check, submit, and build the answer; messages lie on an arena.
//
// A request that has come has one way to its answer, whatever becomes of it: End, which records it
// and then calls OnAnswer. So each one is recorded exactly once, and before its answer is out.
class Prediction {
 public:
  // Called once after a Parse that fails, Refuse or Start, on any thread, when the answer is there;
  // the response is whole if it is OK. The prediction may be destroyed in it.
  using OnAnswer = absl::AnyInvocable<void(const absl::Status&)>;

  // `cancellation` is that of the call; the answer comes all the same. All references outlive the
  // prediction.
  Prediction(const Repository& repository, const PredictionOptions& options,
             Cancellation& cancellation, OnAnswer on_answer);

  // False, and the answer is INVALID_ARGUMENT, if the bytes are no request.
  bool Parse(absl::string_view bytes);

  // The request was not let in, as RequestGate says. After Parse, if it was looked into at all.
  void Refuse(const absl::Status& why);

  // After Parse. `head` is that of the call, on `loop`, and lives as long as the prediction;
  // `received` is a time of base/clock.h. Returns whether something was submitted that the loop
  // shall run.
  bool Start(absl::Time received, const CallHead& head, CallLoop& loop);

  bool is_request() const { return is_request_; }  // Parse has succeeded.
  google::protobuf::Arena& arena() { return arena_; }
  const v1::PredictRequest& request() const { return *request_; }
  v1::PredictResponse& response() { return *response_; }

 private:
  bool StartWithFault(const CallHead& head, CallLoop& loop);
  bool OnDelayed();
  bool Submit();
  absl::Status Resolve();
  absl::Status Decode();
  void Answer(const TaskOutcome& outcome);
  absl::Time BuildResponse(const TaskResult& result);
  void LogSlow(const TaskOutcome& outcome, absl::Time now) const;

  void End(const absl::Status& status, Rejection rejection = Rejection::kNone);
  void End(const absl::Status& status, const AnswerRecord& record);
  VersionStats* StatsOfUnresolved() const;

  const Repository& repository_;
  const PredictionOptions& options_;
  Cancellation& cancellation_;
  OnAnswer on_answer_;
  // Holds the messages of a usual request without another allocation.
  alignas(8) char first_block_[2048];
  google::protobuf::Arena arena_;
  v1::PredictRequest* const request_;
  v1::PredictResponse* const response_;
  absl::Time received_;
  bool is_request_ = false;
  absl::Time deadline_;
  std::shared_ptr<Servable> servable_;
  DecodedInputs decoded_;
  MethodEvent<Prediction, &Prediction::OnDelayed> on_delayed_{*this};
  std::optional<Cancellation::Delay> delay_;  // Of a fault.
  absl::Status fault_;                        // What it comes to after the delay.
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_PREDICTION_H_
