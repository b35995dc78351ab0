#include "server/rpc/prediction.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/status_macros.h"
#include "base/wire_writer.h"
#include "server/model/answer_stats.h"
#include "server/rpc/fault_injection.h"
#include "server/rpc/slow_request_log.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

constexpr size_t kMaxRequestIdBytes = 256;

// Of the memory that a thread builds responses in.
constexpr size_t kKeptBytes = 64 << 10;

// Evenly out of [0, 1).
double RandomShare() {
  thread_local std::minstd_rand generator{std::random_device()()};
  return std::uniform_real_distribution<double>()(generator);
}

Rejection ToRejection(Refusal refusal) {
  switch (refusal) {
    case Refusal::kQueueFull:
      return Rejection::kQueueFull;
    case Refusal::kUnreachableDeadline:
      return Rejection::kUnreachableDeadline;
    case Refusal::kExpired:
      return Rejection::kExpired;
    case Refusal::kCancelled:
      return Rejection::kCancelled;
  }
  return Rejection::kNone;
}

}  // namespace

// A delay that is asked for.
struct Prediction::PendingFault {
  PendingFault(Prediction& prediction, absl::Status outcome)
      : outcome(std::move(outcome)), on_delayed(prediction), delay(prediction.cancellation_) {}

  const absl::Status outcome;  // Of the request, afterwards; OK if it goes on.
  MethodEvent<Prediction, &Prediction::OnDelayed> on_delayed;
  Cancellation::Delay delay;
};

Prediction::Prediction(const Repository& repository, const PredictionOptions& options,
                       Cancellation& cancellation, OnAnswer on_answer)
    : repository_(repository),
      options_(options),
      cancellation_(cancellation),
      on_answer_(std::move(on_answer)) {}

Prediction::~Prediction() = default;

bool Prediction::Parse() {
  absl::StatusOr<PredictRequest> request = ReadPredictRequest(message_);
  is_request_ = request.ok();
  if (!is_request_) {
    End(request.status(), Rejection::kInvalid);  // From here on it may all be over.
    return false;
  }
  request_ = *std::move(request);
  return true;
}

void Prediction::Refuse(const absl::Status& why) {
  End(why, absl::IsUnavailable(why) ? Rejection::kDraining : Rejection::kQueueFull);
}

bool Prediction::Start(absl::Time received, const CallHead& head, CallLoop& loop) {
  received_ = received;
  deadline = head.deadline;
  // Delays are the loop's.
  if (options_.fault_injection) return Resolve() && StartWithFault(head, loop);
  loop.Defer(on_started_);
  return false;
}

bool Prediction::OnStarted() { return Resolve() && Submit(); }

bool Prediction::Resolve() {
  if (!is_request_ && !Parse()) return false;
  if (const absl::Status status = FindServable(); !status.ok()) {
    End(status, absl::IsInvalidArgument(status) ? Rejection::kInvalid : Rejection::kNone);
    return false;
  }
  if (VersionStats* const stats = servable_->stats(); stats != nullptr) stats->RecordStart();
  return true;
}

bool Prediction::StartWithFault(const CallHead& head, CallLoop& loop) {
  const absl::StatusOr<Fault> fault = ParseFault(head.metadata);
  if (!fault.ok()) {
    End(fault.status(), Rejection::kInvalid);
    return false;
  }
  const absl::Status outcome = fault->Outcome(RandomShare());
  if (fault->delay <= absl::ZeroDuration()) return SubmitUnless(outcome);
  fault_ = std::make_unique<PendingFault>(*this, outcome);
  // Nobody waits for longer than his deadline.
  fault_->delay.Start(loop, std::min(fault->delay, deadline - received_), fault_->on_delayed);
  return false;
}

bool Prediction::OnDelayed() { return SubmitUnless(std::exchange(fault_, nullptr)->outcome); }

bool Prediction::SubmitUnless(const absl::Status& fault) {
  if (fault.ok()) return Submit();
  End(fault);
  return false;
}

bool Prediction::Submit() {
  if (const absl::Status status = Decode(); !status.ok()) {
    End(status, Rejection::kInvalid);
    return false;
  }
  if (request_.timeout_us > 0) {
    deadline = std::min(deadline, received_ + absl::Microseconds(request_.timeout_us));
  }
  inputs = decoded_.inputs;
  rows = decoded_.rows;
  priority = request_.priority;
  cancelled = &cancellation_.flag();
  servable_->Submit(*this);
  return true;
}

absl::Status Prediction::FindServable() {
  if (request_.model.empty()) return absl::InvalidArgumentError("model.name is empty");
  if (request_.request_id.size() > kMaxRequestIdBytes) {
    return absl::InvalidArgumentError(absl::StrCat("request_id takes at most ", kMaxRequestIdBytes,
                                                   " bytes, got ", request_.request_id.size()));
  }
  if (request_.timeout_us < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("timeout_us is negative: ", request_.timeout_us));
  }
  WEIR_ASSIGN_OR_RETURN(servable_, repository_.Find(request_.model, request_.version));
  return absl::OkStatus();
}

absl::Status Prediction::Decode() {
  WEIR_RETURN_IF_ERROR(CheckRequestedOutputs(request_, servable_->settings()));
  WEIR_ASSIGN_OR_RETURN(decoded_, DecodeInputs(request_, servable_->settings()));
  return absl::OkStatus();
}

void Prediction::Done(const TaskOutcome& outcome) {
  const absl::Status status = outcome.status();
  AnswerRecord record{.code = status.code()};
  absl::Time now;
  // The next one finds it in the cache.
  thread_local WireWriter response;
  if (outcome.ok()) {
    now = BuildResponse(*outcome, response);
    const StageTimes& times = outcome->times;
    record.rows = rows;
    record.total_ns = absl::ToInt64Nanoseconds(now - received_);
    record.stage_ns = {absl::ToInt64Nanoseconds(times.queue),
                       absl::ToInt64Nanoseconds(times.assemble),
                       absl::ToInt64Nanoseconds(times.inference),
                       absl::ToInt64Nanoseconds(now - outcome->model_ended)};
    if (VersionStats* const stats = servable_->stats(); stats != nullptr) {
      RecordOutputs(servable_->settings(), outcome->outputs, *stats);
    }
  } else {
    now = MonotonicNow();
    if (outcome.refusal().has_value()) record.rejection = ToRejection(*outcome.refusal());
  }
  if (now - received_ >= options_.slow_request_threshold) LogSlow(outcome, now);
  End(status, record, response.bytes());
  response.Clear(kKeptBytes);
}

void Prediction::End(const absl::Status& status, Rejection rejection) {
  End(status, AnswerRecord{.code = status.code(), .rejection = rejection});
}

void Prediction::End(const absl::Status& status, const AnswerRecord& record,
                     absl::string_view response) {
  if (servable_ != nullptr) {
    if (VersionStats* const stats = servable_->stats(); stats != nullptr) {
      stats->RecordAnswer(record);
    }
  } else if (VersionStats* const stats = StatsOfUnresolved(); stats != nullptr) {
    stats->RecordStart();
    stats->RecordAnswer(record);
  }
  on_answer_(status, response);
}

VersionStats* Prediction::StatsOfUnresolved() const {
  if (options_.recorder == nullptr) return nullptr;
  // Not any name that a caller makes up.
  const absl::string_view name = request_.model;
  return &options_.recorder->Unresolved(repository_.catalog().Has(name) ? name
                                                                        : metric::kUnknownModel);
}

void Prediction::LogSlow(const TaskOutcome& outcome, absl::Time now) const {
  LogSlowRequest({.model = request_.model,
                  .version = servable_->version(),
                  .request_id = request_.request_id,
                  .rows = rows,
                  .code = outcome.status().code(),
                  .total = now - received_,
                  .times = outcome.ok() ? outcome->times : StageTimes(),
                  .respond = outcome.ok() ? now - outcome->model_ended : absl::ZeroDuration(),
                  .threshold = options_.slow_request_threshold});
}

// Returns the time up to which the response tells its own.
absl::Time Prediction::BuildResponse(const TaskResult& result, WireWriter& writer) const {
  using v1::PredictResponse;
  const ModelSettings& settings = servable_->settings();
  {
    const WireWriter::Message model(writer, PredictResponse::kModelFieldNumber);
    writer.Bytes(v1::ModelSpec::kNameFieldNumber, settings.name);
    writer.Number(v1::ModelSpec::kVersionFieldNumber, servable_->version());
  }
  writer.Bytes(PredictResponse::kRequestIdFieldNumber, request_.request_id);
  EncodeOutputs(request_, settings, result.outputs, writer);
  const absl::Time now = MonotonicNow();
  const WireWriter::Message timings(writer, PredictResponse::kTimingsFieldNumber);
  const auto write = [&writer](uint32_t field, absl::Duration time) {
    writer.Number(field, absl::ToInt64Nanoseconds(time));
  };
  write(v1::Timings::kQueueNsFieldNumber, result.times.queue);
  write(v1::Timings::kAssembleNsFieldNumber, result.times.assemble);
  write(v1::Timings::kInferenceNsFieldNumber, result.times.inference);
  write(v1::Timings::kTotalNsFieldNumber, now - received_);
  writer.Number(v1::Timings::kBatchRowsFieldNumber, result.batch_rows);
  return now;
}

}  // namespace weir
