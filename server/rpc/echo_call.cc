#include "server/rpc/echo_call.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/arena.h"
#include "server/rpc/messages.h"
#include "server/rpc/unary_call.h"

namespace weir {
namespace {

constexpr uint32_t kMaxAnswerBytes = 1 << 20;

class EchoCall : public UnaryCall {
 public:
  static void AwaitOne(RawDiagnostics& service, RequestGate& gate, CallQueue& queue) {
    (new EchoCall(service, gate, queue))->Await();
  }

 private:
  EchoCall(RawDiagnostics& service, RequestGate& gate, CallQueue& queue)
      : UnaryCall(queue, gate), service_(service) {}

  void Request(void* tag) override {
    service_.RequestEcho(&context_, &request_, &writer_, &queue_.queue(), &queue_.queue(), tag);
  }

  void AwaitAnother() override { AwaitOne(service_, gate_, queue_); }

  bool Begin() override {
    google::protobuf::Arena arena;
    auto* const request = google::protobuf::Arena::CreateMessage<v1::EchoRequest>(&arena);
    auto* const response = google::protobuf::Arena::CreateMessage<v1::EchoResponse>(&arena);
    absl::Status status = Parse(request_, *request);
    if (status.ok() && request->answer_bytes() > kMaxAnswerBytes) {
      status = absl::InvalidArgumentError(absl::StrCat("answer_bytes is at most ", kMaxAnswerBytes,
                                                       ", got ", request->answer_bytes()));
    }
    if (status.ok()) response->mutable_payload()->resize(request->answer_bytes());
    Answer(ToGrpc(status), Serialize(*response));
    return false;
  }

  RawDiagnostics& service_;
};

}  // namespace

void AwaitEchoCalls(RawDiagnostics& service, RequestGate& gate, CallQueue& queue, int count) {
  for (int i = 0; i < count; ++i) EchoCall::AwaitOne(service, gate, queue);
}

}  // namespace weir
