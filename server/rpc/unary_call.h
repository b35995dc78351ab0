// One call with one request and one answer, from its beginning until its answer is out.
#ifndef WEIR_SERVER_RPC_UNARY_CALL_H_
#define WEIR_SERVER_RPC_UNARY_CALL_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/http2/call_loop.h"
#include "server/http2/event.h"
#include "server/http2/server_session.h"
#include "server/rpc/cancellation.h"
#include "server/rpc/request_gate.h"

namespace weir {

// Lives on the heap and ends itself. A derived class says what it does with the request, whose
// bytes are lent to it.
class UnaryCall : public ServerCall {
 public:
  UnaryCall(const UnaryCall&) = delete;
  UnaryCall& operator=(const UnaryCall&) = delete;

 protected:
  UnaryCall(CallLoop& loop, RequestGate& gate) : ticket_(loop), loop_(loop), gate_(gate) {}

  // The request is not let in, as the gate says. Answer has to be called.
  virtual void Refuse(absl::string_view request, const absl::Status& why);

  // The request has come and was let in. False if it is none; Answer has to be called then.
  virtual bool Read(absl::string_view request) = 0;

  // All has come. Answer has to be called once, now or later, on any thread. Returns whether
  // something was submitted that the loop shall run.
  virtual bool Begin() = 0;

  // `response` is framed, as Serialize does it, and counts if the status is OK.
  void Answer(const absl::Status& status, std::string response);

  const CallLoop::Ticket ticket_;  // Given back last.
  CallLoop& loop_;
  RequestGate& gate_;
  absl::Time received_;  // When all had come.
  Cancellation cancellation_;

 private:
  bool OnMessage(absl::string_view message) final;
  bool OnHalfClose() final;
  void OnClosed() final;
  bool OnAnswered();
  void EndIfOver();

  MethodEvent<UnaryCall, &UnaryCall::OnAnswered> on_answered_{*this};
  bool has_request_ = false;
  bool inside_ = false;  // Of the gate, from the request on.
  bool awaits_answer_ = false;
  bool closed_ = false;
  int64_t bytes_ = 0;  // Of the request or of the answer, whichever is larger.
  absl::Status status_;
  std::string response_;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_UNARY_CALL_H_
