#include "gateway/push_service.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/slice.h"
#include "grpcpp/support/status.h"

namespace weir {
namespace {

// Pushes that are a little over the limit are told which one; gRPC cuts off what is larger still
// before it has come.
constexpr int64_t kPushSlackBytes = int64_t{64} << 10;

// The committer writes them to the journal as one piece.
std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  // It only fails for messages that never came.
  if (!buffer.Dump(&slices).ok()) return bytes;
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

grpc::Status Refused(const absl::Status& why, const std::string& peer) {
  if (!absl::IsUnavailable(why)) {
    WEIR_LOG_EVERY(kWarning, absl::Seconds(1), "a push is refused", LogField("peer", peer),
                   LogField("reason", why.message()));
  }
  return {static_cast<grpc::StatusCode>(why.code()), std::string(why.message())};
}

}  // namespace

void PushService::AddTo(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits_.max_push_bytes + kPushSlackBytes));
  // A message is unpacked as a whole before its size is checked: of 1 MB there may come 1 GB.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  for (const auto algorithm : {GRPC_COMPRESS_DEFLATE, GRPC_COMPRESS_GZIP}) {
    builder.SetCompressionAlgorithmSupportStatus(algorithm, false);  // Is told to the client.
  }
  builder.RegisterService(this);
}

void PushService::Open(Committer& committer) {
  committer_.store(&committer, std::memory_order_release);
}

void PushService::Close() { committer_.store(nullptr, std::memory_order_release); }

grpc::ServerUnaryReactor* PushService::Push(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  Committer* const committer = committer_.load(std::memory_order_acquire);
  if (committer == nullptr) {
    reactor->Finish({grpc::StatusCode::UNAVAILABLE, "the gateway begins or ends; try again"});
    return reactor;
  }
  std::string bytes = BytesOf(*request);
  absl::StatusOr<weir::Push> push = DecodePush(bytes, limits_, [&](const BootId& boot_id) {
    return committer->WithLedger(
        [&](const Ledger& ledger) { return ledger.DictionaryOf(boot_id); });
  });
  if (!push.ok()) {
    committer->CountRejected(RefusedSeries(push.status()));
    reactor->Finish(Refused(push.status(), context->peer()));
    return reactor;
  }
  committer->Submit(*std::move(push), std::move(bytes),
                    [context, reactor, response](absl::StatusOr<uint64_t> acknowledged_seq) {
                      if (!acknowledged_seq.ok()) {
                        reactor->Finish(Refused(acknowledged_seq.status(), context->peer()));
                        return;
                      }
                      v1::PushResponse answer;
                      answer.set_acknowledged_seq(*acknowledged_seq);
                      const grpc::Slice slice(answer.SerializeAsString());
                      *response = grpc::ByteBuffer(&slice, 1);
                      reactor->Finish(grpc::Status::OK);
                    });
  return reactor;
}

}  // namespace weir
