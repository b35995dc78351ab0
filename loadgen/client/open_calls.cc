#include "loadgen/client/open_calls.h"

#include <cassert>
#include <utility>

namespace weir {

OpenCall& OpenCalls::Take(Call& call, const CallMethod& method) {
  if (unused_.empty()) {
    all_.emplace_back();
    unused_.push_back(&all_.back());
  }
  OpenCall& open = *unused_.back();
  unused_.pop_back();
  open.call = &call;
  open.method = &method;
  call.open_ = &open;
  ++open_;
  return open;
}

OpenCall& OpenCalls::Open(Call& call, const CallMethod& method, absl::string_view message,
                          int64_t deadline_ns) {
  OpenCall& open = Take(call, method);
  open.message = message;
  open.deadline_ns = deadline_ns;
  if (deadline_ns != DeadlineWheel::kNever) deadlines_.Add(open, deadline_ns);
  return open;
}

OpenCall& OpenCalls::OpenStream(Call& call, const CallMethod& method) {
  OpenCall& open = Take(call, method);
  open.deadline_ns = DeadlineWheel::kNever;
  open.stream = true;
  open.messages.emplace();
  open.half_closed = false;
  return open;
}

void OpenCalls::End(OpenCall& open, const absl::Status& status) {
  deadlines_.Remove(open);
  Call& call = *open.call;
  call.open_ = nullptr;
  const bool has_answer = open.stream || open.has_message || !status.ok();
  open.stream = false;
  open.stream_id = 0;
  open.messages.reset();
  open.sent_bytes = 0;
  open.half_closed = true;
  open.sent_all = open.waits_to_send = false;
  open.reader.Reset();
  open.has_message = open.complete = false;
  open.is_grpc = true;
  open.http_status = 0;
  open.grpc_status.reset();
  open.grpc_message.clear();
  unused_.push_back(&open);
  --open_;
  ++ended_;
  call.OnEnd(has_answer ? status
                        : ClientError(absl::StatusCode::kInternal, "the answer has no message"));
}

void OpenCalls::EndLater(OpenCall& open, absl::Status status) {
  assert(!status.ok());
  deadlines_.Remove(open);
  open.status = std::move(status);
  due_.push_back(&open);
}

void OpenCalls::EndDue() {
  ending_.swap(due_);
  for (OpenCall* const open : ending_) End(*open, std::exchange(open->status, absl::OkStatus()));
  ending_.clear();
}

absl::Status OpenCalls::DeadlinePassed() {
  static const absl::Status* const kStatus = new absl::Status(
      ClientError(absl::StatusCode::kDeadlineExceeded, "no answer came by the deadline"));
  return *kStatus;
}

}  // namespace weir
