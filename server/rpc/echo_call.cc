#include "server/rpc/echo_call.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/arena.h"
#include "server/rpc/messages.h"
#include "server/rpc/unary_call.h"
#include "weir/v1/diagnostics.pb.h"

namespace weir {
namespace {

constexpr uint32_t kMaxAnswerBytes = 1 << 20;

class EchoCall : public UnaryCall {
 public:
  EchoCall(CallLoop& loop, RequestGate& gate) : UnaryCall(loop, gate) {}

 private:
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
    Answer(status, Serialize(*response));
    return false;
  }
};

}  // namespace

void AddEcho(CallLoop& loop, RequestGate& gate, Methods& methods) {
  methods.Add("/weir.v1.Diagnostics/Echo", [&] { return new EchoCall(loop, gate); });
}

}  // namespace weir
