#include "server/rpc/prediction.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "server/rpc/messages.h"

namespace weir {
namespace {

constexpr size_t kMaxRequestIdBytes = 256;

google::protobuf::ArenaOptions StartingWith(char* block, size_t size) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block;
  options.initial_block_size = size;
  return options;
}

}  // namespace

Prediction::Prediction(const Repository& repository, const PredictionOptions& options,
                       OnAnswer on_answer)
    : repository_(repository),
      options_(options),
      on_answer_(std::move(on_answer)),
      arena_(StartingWith(first_block_, sizeof(first_block_))),
      request_(google::protobuf::Arena::CreateMessage<v1::PredictRequest>(&arena_)),
      response_(google::protobuf::Arena::CreateMessage<v1::PredictResponse>(&arena_)) {}

bool Prediction::Parse(const grpc::ByteBuffer& bytes) {
  const absl::Status status = weir::Parse(bytes, *request_);
  if (!status.ok()) on_answer_(status);
  return status.ok();
}

void Prediction::Start(absl::Time received, absl::Time deadline) {
  received_ = received;
  if (const absl::Status status = Prepare(); !status.ok()) {
    on_answer_(status);
    return;
  }
  if (request_->timeout_us() > 0) {
    deadline = std::min(deadline, received + absl::Microseconds(request_->timeout_us()));
  }
  Servable& servable = *servable_;
  servable.Submit(
      {.inputs = std::move(decoded_.inputs),
       .rows = decoded_.rows,
       .priority = request_->priority(),
       .deadline = deadline,
       .cancelled = &cancelled_,
       .done = [this](absl::StatusOr<TaskResult> result) { Answer(std::move(result)); }});
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
  if (result.ok()) BuildResponse(*result);
  on_answer_(result.status());
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
