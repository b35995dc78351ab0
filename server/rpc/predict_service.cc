#include "server/rpc/predict_service.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "server/rpc/tensor_codec.h"

namespace weir {
namespace {

constexpr size_t kMaxRequestIdBytes = 256;

// absl and gRPC number their codes alike.
grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

// One request on its way, from its receipt to Finish, which ends its life.
struct Call {
  const v1::PredictRequest& request;
  v1::PredictResponse& response;
  grpc::ServerUnaryReactor& reactor;
  const absl::Time received;
  std::shared_ptr<Servable> servable;
  DecodedInputs decoded;
};

absl::Status Prepare(const Repository& repository, Call& call) {
  const v1::PredictRequest& request = call.request;
  if (request.model().name().empty()) {
    return absl::InvalidArgumentError("model.name is empty");
  }
  if (request.request_id().size() > kMaxRequestIdBytes) {
    return absl::InvalidArgumentError(absl::StrCat("request_id takes at most ", kMaxRequestIdBytes,
                                                   " bytes, got ", request.request_id().size()));
  }
  if (request.timeout_us() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("timeout_us is negative: ", request.timeout_us()));
  }
  WEIR_ASSIGN_OR_RETURN(call.servable,
                        repository.Find(request.model().name(), request.model().version()));
  WEIR_RETURN_IF_ERROR(CheckRequestedOutputs(request, call.servable->settings()));
  WEIR_ASSIGN_OR_RETURN(call.decoded, DecodeInputs(request, call.servable->settings()));
  return absl::OkStatus();
}

void BuildResponse(Call& call, TaskResult result) {
  const ModelSettings& settings = call.servable->settings();
  v1::PredictResponse& response = call.response;
  response.mutable_model()->set_name(settings.name);
  response.mutable_model()->set_version(call.servable->version());
  response.set_request_id(call.request.request_id());
  EncodeOutputs(call.request, settings, std::move(result.outputs), response);
  v1::Timings& timings = *response.mutable_timings();
  timings.set_queue_ns(absl::ToInt64Nanoseconds(result.times.queue));
  timings.set_assemble_ns(absl::ToInt64Nanoseconds(result.times.assemble));
  timings.set_inference_ns(absl::ToInt64Nanoseconds(result.times.inference));
  timings.set_total_ns(absl::ToInt64Nanoseconds(absl::Now() - call.received));
  timings.set_batch_rows(result.batch_rows);
}

absl::Time Deadline(const grpc::CallbackServerContext& context, const Call& call) {
  const absl::Time deadline = absl::FromChrono(context.deadline());
  if (call.request.timeout_us() == 0) return deadline;
  return std::min(deadline, call.received + absl::Microseconds(call.request.timeout_us()));
}

}  // namespace

grpc::ServerUnaryReactor* PredictService::Predict(grpc::CallbackServerContext* context,
                                                  const v1::PredictRequest* request,
                                                  v1::PredictResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  auto call = std::make_unique<Call>(Call{*request, *response, *reactor, absl::Now()});
  const absl::Status status = Prepare(repository_, *call);
  if (!status.ok()) {
    reactor->Finish(ToGrpc(status));
    return reactor;
  }
  if (context->IsCancelled()) {
    reactor->Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the caller went away"));
    return reactor;
  }
  Servable& servable = *call->servable;
  Task task{.inputs = std::move(call->decoded.inputs),
            .rows = call->decoded.rows,
            .deadline = Deadline(*context, *call)};
  task.done = [call = std::move(call)](absl::StatusOr<TaskResult> result) {
    if (result.ok()) BuildResponse(*call, *std::move(result));
    call->reactor.Finish(ToGrpc(result.status()));
  };
  servable.Submit(std::move(task));
  return reactor;
}

}  // namespace weir
