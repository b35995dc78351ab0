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
#include "server/model/answer_stats.h"
#include "server/rpc/fault_injection.h"
#include "server/rpc/messages.h"
#include "server/rpc/slow_request_log.h"

namespace weir {
namespace {

constexpr size_t kMaxRequestIdBytes = 256;

google::protobuf::ArenaOptions StartingWith(char* block, size_t size) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block;
  options.initial_block_size = size;
  return options;
}

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

Prediction::Prediction(const Repository& repository, const PredictionOptions& options,
                       Cancellation& cancellation, OnAnswer on_answer)
    : repository_(repository),
      options_(options),
      cancellation_(cancellation),
      on_answer_(std::move(on_answer)),
      arena_(StartingWith(first_block_, sizeof(first_block_))),
      request_(google::protobuf::Arena::CreateMessage<v1::PredictRequest>(&arena_)),
      response_(google::protobuf::Arena::CreateMessage<v1::PredictResponse>(&arena_)) {}

bool Prediction::Parse(absl::string_view bytes) {
  const absl::Status status = weir::Parse(bytes, *request_);
  is_request_ = status.ok();
  if (!is_request_) {
    request_->Clear();                 // What was understood of it counts for nothing.
    End(status, Rejection::kInvalid);  // From here on it may all be over.
    return false;
  }
  return true;
}

void Prediction::Refuse(const absl::Status& why) {
  End(why, absl::IsUnavailable(why) ? Rejection::kDraining : Rejection::kQueueFull);
}

bool Prediction::Start(absl::Time received, const CallHead& head, CallLoop& loop) {
  received_ = received;
  deadline_ = head.deadline;
  if (const absl::Status status = Resolve(); !status.ok()) {
    End(status, absl::IsInvalidArgument(status) ? Rejection::kInvalid : Rejection::kNone);
    return false;
  }
  if (VersionStats* const stats = servable_->stats(); stats != nullptr) stats->RecordStart();
  if (options_.fault_injection) return StartWithFault(head, loop);
  return Submit();
}

bool Prediction::StartWithFault(const CallHead& head, CallLoop& loop) {
  const absl::StatusOr<Fault> fault = ParseFault(head.metadata);
  if (!fault.ok()) {
    End(fault.status(), Rejection::kInvalid);
    return false;
  }
  fault_ = fault->Outcome(RandomShare());
  if (fault->delay <= absl::ZeroDuration()) return OnDelayed();
  delay_.emplace(cancellation_);
  // Nobody waits for longer than his deadline.
  delay_->Start(loop, std::min(fault->delay, deadline_ - received_), on_delayed_);
  return false;
}

bool Prediction::OnDelayed() {
  delay_.reset();
  if (fault_.ok()) return Submit();
  End(fault_);
  return false;
}

bool Prediction::Submit() {
  if (const absl::Status status = Decode(); !status.ok()) {
    End(status, Rejection::kInvalid);
    return false;
  }
  if (request_->timeout_us() > 0) {
    deadline_ = std::min(deadline_, received_ + absl::Microseconds(request_->timeout_us()));
  }
  servable_->Submit({.inputs = std::move(decoded_.inputs),
                     .rows = decoded_.rows,
                     .priority = request_->priority(),
                     .deadline = deadline_,
                     .cancelled = &cancellation_.flag(),
                     .done = [this](const TaskOutcome& outcome) { Answer(outcome); }});
  return true;
}

absl::Status Prediction::Resolve() {
  if (request_->model().name().empty()) return absl::InvalidArgumentError("model.name is empty");
  if (request_->request_id().size() > kMaxRequestIdBytes) {
    return absl::InvalidArgumentError(absl::StrCat("request_id takes at most ", kMaxRequestIdBytes,
                                                   " bytes, got ", request_->request_id().size()));
  }
  if (request_->timeout_us() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("timeout_us is negative: ", request_->timeout_us()));
  }
  WEIR_ASSIGN_OR_RETURN(servable_,
                        repository_.Find(request_->model().name(), request_->model().version()));
  return absl::OkStatus();
}

absl::Status Prediction::Decode() {
  WEIR_RETURN_IF_ERROR(CheckRequestedOutputs(*request_, servable_->settings()));
  WEIR_ASSIGN_OR_RETURN(decoded_, DecodeInputs(*request_, servable_->settings()));
  return absl::OkStatus();
}

void Prediction::Answer(const TaskOutcome& outcome) {
  const absl::Status status = outcome.status();
  AnswerRecord record{.code = status.code()};
  absl::Time now;
  if (outcome.ok()) {
    now = BuildResponse(*outcome);
    const v1::Timings& timings = response_->timings();
    record.rows = decoded_.rows;
    record.total_ns = timings.total_ns();
    record.stage_ns = {timings.queue_ns(), timings.assemble_ns(), timings.inference_ns(),
                       absl::ToInt64Nanoseconds(now - outcome->model_ended)};
    if (VersionStats* const stats = servable_->stats(); stats != nullptr) {
      RecordOutputs(servable_->settings(), outcome->outputs, *stats);
    }
  } else {
    now = MonotonicNow();
    if (outcome.refusal().has_value()) record.rejection = ToRejection(*outcome.refusal());
  }
  if (now - received_ >= options_.slow_request_threshold) LogSlow(outcome, now);
  End(status, record);
}

void Prediction::End(const absl::Status& status, Rejection rejection) {
  End(status, AnswerRecord{.code = status.code(), .rejection = rejection});
}

void Prediction::End(const absl::Status& status, const AnswerRecord& record) {
  if (servable_ != nullptr) {
    if (VersionStats* const stats = servable_->stats(); stats != nullptr) {
      stats->RecordAnswer(record);
    }
  } else if (VersionStats* const stats = StatsOfUnresolved(); stats != nullptr) {
    stats->RecordStart();
    stats->RecordAnswer(record);
  }
  on_answer_(status);
}

VersionStats* Prediction::StatsOfUnresolved() const {
  if (options_.recorder == nullptr) return nullptr;
  // Not any name that a caller makes up.
  const std::string& name = request_->model().name();
  return &options_.recorder->Unresolved(repository_.catalog().Has(name) ? absl::string_view(name)
                                                                        : metric::kUnknownModel);
}

void Prediction::LogSlow(const TaskOutcome& outcome, absl::Time now) const {
  LogSlowRequest({.model = request_->model().name(),
                  .version = servable_->version(),
                  .request_id = request_->request_id(),
                  .rows = decoded_.rows,
                  .code = outcome.status().code(),
                  .total = now - received_,
                  .times = outcome.ok() ? outcome->times : StageTimes(),
                  .respond = outcome.ok() ? now - outcome->model_ended : absl::ZeroDuration(),
                  .threshold = options_.slow_request_threshold});
}

// Returns the time up to which the response tells its own.
absl::Time Prediction::BuildResponse(const TaskResult& result) {
  const ModelSettings& settings = servable_->settings();
  response_->mutable_model()->set_name(settings.name);
  response_->mutable_model()->set_version(servable_->version());
  response_->set_request_id(request_->request_id());
  EncodeOutputs(*request_, settings, result.outputs, *response_);
  v1::Timings& timings = *response_->mutable_timings();
  timings.set_queue_ns(absl::ToInt64Nanoseconds(result.times.queue));
  timings.set_assemble_ns(absl::ToInt64Nanoseconds(result.times.assemble));
  timings.set_inference_ns(absl::ToInt64Nanoseconds(result.times.inference));
  const absl::Time now = MonotonicNow();
  timings.set_total_ns(absl::ToInt64Nanoseconds(now - received_));
  timings.set_batch_rows(result.batch_rows);
  return now;
}

}  // namespace weir
