#include "server/rpc/unary_call.h"

#include <utility>

namespace weir {

bool UnaryCall::OnMessage(absl::string_view message) {
  if (has_request_) {
    Finish(absl::UnimplementedError("the method takes one message, and several came"));
    return false;
  }
  has_request_ = true;
  awaits_answer_ = true;  // Unless all is well.
  bytes_ = static_cast<int64_t>(message.size());
  if (const absl::Status refused = gate_.Enter(bytes_); !refused.ok()) {
    if (absl::IsUnavailable(refused)) AddRetryHint();
    Refuse(message, refused);
  } else {
    inside_ = true;
    awaits_answer_ = !Read(message);
  }
  return false;
}

bool UnaryCall::OnHalfClose() {
  if (!has_request_) {
    Finish(absl::UnimplementedError("the method takes one message, and none came"));
    return false;
  }
  if (awaits_answer_) return false;
  received_ = heard();
  awaits_answer_ = true;
  return Begin();
}

void UnaryCall::Refuse(absl::string_view /*request*/, const absl::Status& why) { Answer(why, {}); }

void UnaryCall::Answer(const absl::Status& status, std::string response) {
  const auto answer_bytes = static_cast<int64_t>(response.size());
  if (inside_ && answer_bytes > bytes_) {
    gate_.Grow(answer_bytes - std::exchange(bytes_, answer_bytes));
  }
  status_ = status;
  response_ = std::move(response);
  loop_.Post(on_answered_);
}

bool UnaryCall::OnAnswered() {
  awaits_answer_ = false;
  if (status_.ok()) Send(std::move(response_));
  Finish(status_);
  EndIfOver();
  return false;
}

void UnaryCall::OnClosed() {
  closed_ = true;
  if (awaits_answer_) cancellation_.Cancel();
  EndIfOver();
}

void UnaryCall::EndIfOver() {
  if (!closed_ || awaits_answer_) return;
  RequestGate& gate = gate_;
  const bool inside = inside_;
  const int64_t bytes = bytes_;
  delete this;  // Gives the servable back before the drain goes on.
  if (inside) gate.Leave(bytes);
}

}  // namespace weir
