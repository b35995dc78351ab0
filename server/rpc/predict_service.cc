#include "server/rpc/predict_service.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "server/rpc/tensor_codec.h"

namespace weir {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kMaxRequestIdBytes = 256;

// absl and gRPC number their codes alike.
grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

}  // namespace

// One request from its receipt until its answer is out; then gRPC calls OnDone, which ends its
// life.
class PredictService::Call : public grpc::ServerUnaryReactor {
 public:
  Call(PredictService& service, const grpc::CallbackServerContext& context,
       const v1::PredictRequest& request, v1::PredictResponse& response)
      : service_(service), context_(context), request_(request), response_(response) {}

  void Start() {
    if (!counted_) {
      Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is draining"));
    } else if (const absl::Status status = Prepare(); !status.ok()) {
      Finish(ToGrpc(status));
    } else if (context_.IsCancelled()) {
      Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the caller went away"));
    } else {
      servable_->Submit(
          {.inputs = std::move(decoded_.inputs),
           .rows = decoded_.rows,
           .deadline = Deadline(),
           .done = [this](absl::StatusOr<TaskResult> result) { Answer(std::move(result)); }});
    }
  }

  void OnDone() override {
    const bool counted = counted_;
    PredictService& service = service_;
    delete this;  // Gives the servable back before the drain goes on.
    if (counted) service.End();
  }

 private:
  absl::Status Prepare() {
    if (request_.model().name().empty()) {
      return absl::InvalidArgumentError("model.name is empty");
    }
    if (request_.request_id().size() > kMaxRequestIdBytes) {
      return absl::InvalidArgumentError(absl::StrCat("request_id takes at most ",
                                                     kMaxRequestIdBytes, " bytes, got ",
                                                     request_.request_id().size()));
    }
    if (request_.timeout_us() < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("timeout_us is negative: ", request_.timeout_us()));
    }
    WEIR_ASSIGN_OR_RETURN(
        servable_, service_.repository_.Find(request_.model().name(), request_.model().version()));
    WEIR_RETURN_IF_ERROR(CheckRequestedOutputs(request_, servable_->settings()));
    WEIR_ASSIGN_OR_RETURN(decoded_, DecodeInputs(request_, servable_->settings()));
    return absl::OkStatus();
  }

  void Answer(absl::StatusOr<TaskResult> result) {
    if (!result.ok()) {
      Finish(ToGrpc(result.status()));
      return;
    }
    BuildResponse(*std::move(result));
    Finish(grpc::Status::OK);
  }

  absl::Time Deadline() const {
    const absl::Time now = MonotonicNow();
    const absl::Time deadline = now + (absl::FromChrono(context_.deadline()) - absl::Now());
    if (request_.timeout_us() == 0) return deadline;
    return std::min(deadline, now - TimeSinceReceipt() + absl::Microseconds(request_.timeout_us()));
  }

  absl::Duration TimeSinceReceipt() const {
    return absl::FromChrono(SteadyClock::now() - received_);
  }

  void BuildResponse(TaskResult result) {
    const ModelSettings& settings = servable_->settings();
    response_.mutable_model()->set_name(settings.name);
    response_.mutable_model()->set_version(servable_->version());
    response_.set_request_id(request_.request_id());
    EncodeOutputs(request_, settings, result.outputs, response_);
    v1::Timings& timings = *response_.mutable_timings();
    timings.set_queue_ns(absl::ToInt64Nanoseconds(result.times.queue));
    timings.set_assemble_ns(absl::ToInt64Nanoseconds(result.times.assemble));
    timings.set_inference_ns(absl::ToInt64Nanoseconds(result.times.inference));
    timings.set_total_ns(absl::ToInt64Nanoseconds(TimeSinceReceipt()));
    timings.set_batch_rows(result.batch_rows);
  }

  PredictService& service_;
  const grpc::CallbackServerContext& context_;
  const v1::PredictRequest& request_;
  v1::PredictResponse& response_;
  const bool counted_ = service_.Begin();
  const SteadyClock::time_point received_ = SteadyClock::now();
  std::shared_ptr<Servable> servable_;
  DecodedInputs decoded_;
};

grpc::ServerUnaryReactor* PredictService::Predict(grpc::CallbackServerContext* context,
                                                  const v1::PredictRequest* request,
                                                  v1::PredictResponse* response) {
  auto* const call = new Call(*this, *context, *request, *response);  // OnDone deletes it.
  call->Start();
  return call;
}

bool PredictService::Drain(absl::Duration timeout) {
  absl::MutexLock lock(&mu_);
  draining_ = true;
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return in_flight_ == 0; };
  return mu_.AwaitWithTimeout(absl::Condition(&idle), timeout);
}

void PredictService::AwaitSilence(absl::Duration silence, absl::Duration at_most) {
  const absl::Time end = absl::Now() + at_most;
  absl::MutexLock lock(&mu_);
  int64_t heard = refused_;
  const auto another = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return refused_ != heard; };
  while (absl::Now() < end && mu_.AwaitWithTimeout(absl::Condition(&another), silence)) {
    heard = refused_;
  }
}

bool PredictService::Begin() {
  absl::MutexLock lock(&mu_);
  if (draining_) {
    ++refused_;
  } else {
    ++in_flight_;
  }
  return !draining_;
}

void PredictService::End() {
  absl::MutexLock lock(&mu_);
  --in_flight_;
}

}  // namespace weir
