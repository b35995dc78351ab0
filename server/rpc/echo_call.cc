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
  bool Read(absl::string_view bytes) override {
    google::protobuf::Arena arena;
    auto* const request = google::protobuf::Arena::CreateMessage<v1::EchoRequest>(&arena);
    absl::Status status = Parse(bytes, *request);
    answer_bytes_ = request->answer_bytes();
    if (status.ok() && answer_bytes_ > kMaxAnswerBytes) {
      status = absl::InvalidArgumentError(
          absl::StrCat("answer_bytes is at most ", kMaxAnswerBytes, ", got ", answer_bytes_));
    }
    if (!status.ok()) Answer(status, {});
    return status.ok();
  }

  bool Begin() override {
    v1::EchoResponse response;
    response.mutable_payload()->resize(answer_bytes_);
    Answer(absl::OkStatus(), Serialize(response));
    return false;
  }

  uint32_t answer_bytes_ = 0;
};

}  // namespace

void AddEcho(CallLoop& loop, RequestGate& gate, Methods& methods) {
  methods.Add("/weir.v1.Diagnostics/Echo", [&] { return new EchoCall(loop, gate); });
}

}  // namespace weir
