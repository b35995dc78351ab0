// One request to a model, from its bytes to its answer, whichever kind of call brought it.
#ifndef WEIR_SERVER_RPC_PREDICTION_H_
#define WEIR_SERVER_RPC_PREDICTION_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/wire_writer.h"
#include "server/http2/call_loop.h"
#include "server/http2/event.h"
#include "server/http2/server_session.h"
#include "server/model/repository.h"
#include "server/model/servable.h"
#include "server/model/task.h"
#include "server/rpc/cancellation.h"
#include "server/rpc/predict_request.h"
#include "server/rpc/tensor_codec.h"
#include "server/stats/recorder.h"

namespace weir {

// What all predictions of a server share.
struct PredictionOptions {
  absl::Duration slow_request_threshold = absl::InfiniteDuration();  // These are logged.
  bool fault_injection = false;  // Obey the faults that a call's metadata asks for.
  Recorder* recorder = nullptr;  // Where requests are recorded; null: nowhere.
};

// Used for one request. Find, check, submit, and build the answer.
//
// A request that has come has one way to its answer, whatever becomes of it: End, which records it
// and then calls OnAnswer. So each one is recorded exactly once, and before its answer is out.
class Prediction final : private Task {
 public:
  // Called once after a Parse that fails, Refuse or Start, on any thread, when the answer is there.
  // The bytes of a v1.PredictResponse, if it is OK, are lent. The prediction may be destroyed in
  // it; another one must not be answered in it.
  using OnAnswer = absl::AnyInvocable<void(const absl::Status& status, absl::string_view response)>;

  // `cancellation` is that of the call; the answer comes all the same. All references outlive the
  // prediction.
  Prediction(const Repository& repository, const PredictionOptions& options,
             Cancellation& cancellation, OnAnswer on_answer);
  ~Prediction();

  // Keeps the request's bytes. First, and once.
  void Take(absl::string_view message) { message_ = std::string(message); }

  // False, and the answer is INVALID_ARGUMENT, if they are none.
  bool Parse();

  // The request was not let in, as RequestGate says. After Parse, if it was looked into at all.
  void Refuse(const absl::Status& why);

  // Parses it, unless that was done, and goes on to its answer: now, or beside what `loop` does.
  // `head` is that of the call, and lives as long as the prediction; `received` is a time of
  // base/clock.h. Returns whether something was submitted that the loop shall run.
  bool Start(absl::Time received, const CallHead& head, CallLoop& loop);

  bool is_request() const { return is_request_; }  // Parse has succeeded.
  const PredictRequest& request() const { return request_; }

 private:
  struct PendingFault;

  bool OnStarted();
  bool Resolve();
  bool StartWithFault(const CallHead& head, CallLoop& loop);
  bool OnDelayed();
  bool SubmitUnless(const absl::Status& fault);
  bool Submit();
  absl::Status FindServable();
  absl::Status Decode();
  void Done(const TaskOutcome& outcome) override;
  absl::Time BuildResponse(const TaskResult& result, WireWriter& writer) const;
  void LogSlow(const TaskOutcome& outcome, absl::Time now) const;

  void End(const absl::Status& status, Rejection rejection = Rejection::kNone);
  void End(const absl::Status& status, const AnswerRecord& record, absl::string_view response = {});
  VersionStats* StatsOfUnresolved() const;

  const Repository& repository_;
  const PredictionOptions& options_;
  Cancellation& cancellation_;
  OnAnswer on_answer_;
  std::string message_;
  PredictRequest request_;  // Points into it.
  absl::Time received_;
  bool is_request_ = false;
  std::shared_ptr<Servable> servable_;
  DecodedInputs decoded_;
  MethodEvent<Prediction, &Prediction::OnStarted> on_started_{*this};
  std::unique_ptr<PendingFault> fault_;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_PREDICTION_H_
