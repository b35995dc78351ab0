#include "server/rpc/unary_call.h"

#include <utility>

#include "base/clock.h"
#include "grpc/support/time.h"
#include "server/rpc/messages.h"

namespace weir {

absl::Time CallDeadline(const grpc::ServerContext& context, absl::Time now) {
  const gpr_timespec deadline = context.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
    return absl::InfiniteFuture();
  }
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  return now + absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
}

void AddRetryHint(grpc::ServerContext& context) {
  context.AddTrailingMetadata("grpc-retry-pushback-ms", "50");
}

void UnaryCall::Await() {
  context_.AsyncNotifyWhenDone(&on_done_);
  Request(&on_request_);
}

bool UnaryCall::OnRequest(bool ok) {
  if (!ok) {
    delete this;  // The server shuts down; gRPC tells nothing more about this call.
    return false;
  }
  received_ = MonotonicNow();
  AwaitAnother();
  bytes_ = static_cast<int64_t>(request_.Length());
  if (const absl::Status refused = gate_.Enter(bytes_); !refused.ok()) {
    if (absl::IsUnavailable(refused)) AddRetryHint(context_);
    Refuse(refused);
    return false;
  }
  inside_ = true;
  return Begin();
}

void UnaryCall::Refuse(const absl::Status& why) { Answer(ToGrpc(why), {}); }

bool UnaryCall::OnDone(bool) {
  if (context_.IsCancelled()) cancellation_.Cancel();
  End();
  return false;
}

void UnaryCall::Answer(const grpc::Status& status, const grpc::ByteBuffer& response) {
  const auto answer_bytes = static_cast<int64_t>(response.Length());
  if (inside_ && answer_bytes > bytes_)
    gate_.Grow(answer_bytes - std::exchange(bytes_, answer_bytes));
  if (status.ok()) {
    writer_.Finish(response, status, &on_answered_);
  } else {
    writer_.FinishWithError(status, &on_answered_);
  }
}

bool UnaryCall::OnAnswered(bool) {
  End();
  return false;
}

void UnaryCall::End() {
  if (awaited_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  RequestGate& gate = gate_;
  const bool inside = inside_;
  const int64_t bytes = bytes_;
  delete this;  // Gives the servable back before the drain goes on.
  if (inside) gate.Leave(bytes);
}

}  // namespace weir
