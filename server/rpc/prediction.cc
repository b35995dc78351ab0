#include "server/rpc/prediction.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "server/rpc/fault_injection.h"
#include "server/rpc/messages.h"
#include "server/rpc/slow_request_log.h"
#include "server/rpc/unary_call.h"

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

absl::Status Prediction::Parse(const grpc::ByteBuffer& bytes) {
  return weir::Parse(bytes, *request_);
}

bool Prediction::Start(absl::Time received, const grpc::ServerContext& context, CallQueue& queue) {
  received_ = received;
  deadline_ = CallDeadline(context, received);
  if (options_.fault_injection) return StartWithFault(context, queue);
  return Submit();
}

bool Prediction::StartWithFault(const grpc::ServerContext& context, CallQueue& queue) {
  const absl::StatusOr<Fault> fault = ParseFault(context.client_metadata());
  if (!fault.ok()) {
    on_answer_(fault.status());
    return false;
  }
  fault_ = fault->Outcome(RandomShare());
  if (fault->delay <= absl::ZeroDuration()) return OnDelayed(true);
  delay_.emplace(cancellation_);
  delay_->Start(queue, fault->delay, on_delayed_);  // From here on it may all be over.
  return false;
}

bool Prediction::OnDelayed(bool) {
  delay_.reset();
  if (fault_.ok()) return Submit();
  on_answer_(fault_);
  return false;
}

bool Prediction::Submit() {
  if (const absl::Status status = Prepare(); !status.ok()) {
    on_answer_(status);
    return false;
  }
  if (request_->timeout_us() > 0) {
    deadline_ = std::min(deadline_, received_ + absl::Microseconds(request_->timeout_us()));
  }
  servable_->Submit(
      {.inputs = std::move(decoded_.inputs),
       .rows = decoded_.rows,
       .priority = request_->priority(),
       .deadline = deadline_,
       .cancelled = &cancellation_.flag(),
       .done = [this](absl::StatusOr<TaskResult> result) { Answer(std::move(result)); }});
  return true;
}

absl::Status Prediction::Prepare() {
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
  WEIR_RETURN_IF_ERROR(CheckRequestedOutputs(*request_, servable_->settings()));
  WEIR_ASSIGN_OR_RETURN(decoded_, DecodeInputs(*request_, servable_->settings()));
  return absl::OkStatus();
}

void Prediction::Answer(absl::StatusOr<TaskResult> result) {
  const absl::Time done = MonotonicNow();
  if (result.ok()) BuildResponse(*result);
  if (done - received_ >= options_.slow_request_threshold) {
    LogSlow(result.status(), result.ok() ? result->times : StageTimes(), done);
  }
  on_answer_(result.status());
}

void Prediction::LogSlow(const absl::Status& status, const StageTimes& times,
                         absl::Time done) const {
  const absl::Time now = MonotonicNow();
  LogSlowRequest({.model = request_->model().name(),
                  .version = servable_->version(),
                  .request_id = request_->request_id(),
                  .rows = decoded_.rows,
                  .code = status.code(),
                  .total = now - received_,
                  .times = times,
                  .respond = now - done,
                  .threshold = options_.slow_request_threshold});
}

void Prediction::BuildResponse(const TaskResult& result) {
  const ModelSettings& settings = servable_->settings();
  response_->mutable_model()->set_name(settings.name);
  response_->mutable_model()->set_version(servable_->version());
  response_->set_request_id(request_->request_id());
  EncodeOutputs(*request_, settings, result.outputs, *response_);
  v1::Timings& timings = *response_->mutable_timings();
  timings.set_queue_ns(absl::ToInt64Nanoseconds(result.times.queue));
  timings.set_assemble_ns(absl::ToInt64Nanoseconds(result.times.assemble));
  timings.set_inference_ns(absl::ToInt64Nanoseconds(result.times.inference));
  timings.set_total_ns(absl::ToInt64Nanoseconds(MonotonicNow() - received_));
  timings.set_batch_rows(result.batch_rows);
}

}  // namespace weir
