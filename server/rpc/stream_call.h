// A call with many messages either way: its life, and a way to go on with it from any thread.
#ifndef WEIR_SERVER_RPC_STREAM_CALL_H_
#define WEIR_SERVER_RPC_STREAM_CALL_H_

#include <atomic>

#include "server/http2/call_loop.h"
#include "server/http2/event.h"
#include "server/http2/server_session.h"

namespace weir {

// Lives on the heap and ends itself: when the call is closed, and nothing is awaited.
class StreamCall : public ServerCall {
 public:
  StreamCall(const StreamCall&) = delete;
  StreamCall& operator=(const StreamCall&) = delete;

 protected:
  explicit StreamCall(CallLoop& loop) : ticket_(loop), loop_(loop) {}

  // Lets Step happen soon, once for as many calls as come before it. From any thread, as long as
  // the call lives.
  void PostStep();

  // Does what can be done now. Returns whether a request was submitted.
  virtual bool Step() = 0;

  // The call is over for its caller: from now on, nothing but what it awaits may call PostStep.
  virtual void OnOver() {}

  // Whether something is under way that will refer to the call.
  virtual bool awaits_something() const { return false; }

  // After an event that was awaited: the call may be gone then.
  void EndIfOver();

  bool closed() const { return closed_; }

  const CallLoop::Ticket ticket_;  // Given back last.
  CallLoop& loop_;

 private:
  void OnClosed() final;
  bool OnStep();

  MethodEvent<StreamCall, &StreamCall::OnStep> on_step_{*this};
  // That Step is still to happen. Cleared before Step, which sees what was done before any PostStep
  // that found it set: hence acquire and release.
  std::atomic<bool> posted_ = false;
  bool closed_ = false;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_STREAM_CALL_H_
