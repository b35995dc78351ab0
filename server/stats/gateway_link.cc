#include "server/stats/gateway_link.h"

#include <cstddef>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/support/proto_buffer_reader.h"

namespace weir {
namespace {

// What a gateway cannot take now waits longer each time: pushes of the living go on beside.
constexpr PushSchedule::Options kOrphans = {.max_backoff = absl::Minutes(1)};

// So many failures in a row: what was found out about the gateway's name may be out of date.
constexpr int64_t kFailuresBeforeConnectingAnew = 8;

}  // namespace

absl::Status CheckGatewayAddress(absl::string_view address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == absl::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 1 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("gateway \"", address, "\": expected HOST:PORT"));
  }
  return absl::OkStatus();
}

PushSnapshot PushSnapshot::Of(const v1::PushRequest& push) {
  const size_t size = push.ByteSizeLong();
  grpc_slice slice = grpc_slice_malloc(size);
  push.SerializeWithCachedSizesToArray(GRPC_SLICE_START_PTR(slice));
  return {.seq = push.seq(), .bytes = grpc::Slice(slice, grpc::Slice::STEAL_REF)};
}

GatewayLink::GatewayLink(const std::string& address, const PushSchedule::Options& live,
                         absl::Time now)
    : live(live, now),
      orphans(kOrphans, now),
      address_(address),
      stub_(ConnectToGateway(address)),
      health_(address) {}

void GatewayLink::Send(const PushSnapshot& snapshot, const Push& push, absl::Duration deadline,
                       PushCall::Done done) {
  // Fields of a message may come in pieces: this is one more of the snapshot's.
  v1::PushRequest rest;
  rest.set_acknowledged_seq(push.acknowledged_seq);
  const grpc::Slice slices[] = {snapshot.bytes, grpc::Slice(rest.SerializeAsString())};
  push_ = push;
  push_.seq = snapshot.seq;
  cancelled_ = false;
  call_ = PushCall::Start(*stub_, grpc::ByteBuffer(slices, push.acknowledged_seq > 0 ? 2 : 1),
                          deadline, std::move(done));
}

void GatewayLink::Cancel() {
  cancelled_ = true;
  call_->Cancel();
}

absl::Status GatewayLink::Take(const grpc::Status& status, const grpc::ByteBuffer& response,
                               uint64_t max_seq) {
  call_ = nullptr;
  if (!status.ok()) {
    if (cancelled_) return absl::CancelledError("no longer wanted");
    auto code = static_cast<absl::StatusCode>(status.error_code());
    // Only the pusher's own is that.
    if (code == absl::StatusCode::kCancelled) code = absl::StatusCode::kUnknown;
    return {code, status.error_message()};
  }
  v1::PushResponse parsed;
  grpc::ByteBuffer copy = response;  // Of the references only. The reader wants it changeable.
  grpc::ProtoBufferReader reader(&copy);
  if (!parsed.ParseFromZeroCopyStream(&reader))
    return absl::InternalError("its answer is no PushResponse");
  if (parsed.acknowledged_seq() < push_.seq) {
    return absl::InternalError("it acknowledges less than it was sent");
  }
  // What it believes to have would keep it from taking anything newer.
  if (parsed.acknowledged_seq() > max_seq) {
    return absl::InternalError("it acknowledges what it was never sent");
  }
  return absl::OkStatus();
}

void GatewayLink::Succeeded(absl::Time now) {
  // Now that it is back, what it could not take before need not wait.
  if (health_.failures() > 0) orphans = PushSchedule(kOrphans, now);
  health_.Succeeded(now);
  live.Succeeded(now);
  acknowledged_seq = push_.seq;
  has_last = push_.last;
}

void GatewayLink::Failed(const absl::Status& why, absl::Time now, double draw) {
  health_.Failed(why, now);
  live.Failed(now, draw);
  refused_last = push_.last && IsRefusal(why);
  if (health_.failures() % kFailuresBeforeConnectingAnew == 0) stub_ = ConnectToGateway(address_);
}

}  // namespace weir
