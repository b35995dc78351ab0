// The HTTP/2 of one connection, and the gRPC of the calls on it, as a server speaks them; the
// connection's socket is somebody else's. Bytes from the client go in, bytes for the client come
// out.
#ifndef WEIR_SERVER_HTTP2_SERVER_SESSION_H_
#define WEIR_SERVER_HTTP2_SERVER_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/intrusive_list.h"
#include "nghttp2/nghttp2.h"
#include "server/http2/idle_resets.h"
#include "server/http2/server_call.h"

namespace weir {

// Used by one thread at a time. What it does not like, it ends by itself: a call with a status, a
// connection with GOAWAY.
class ServerSession {
 public:
  struct Options {
    // A call of the method at `path`, such as "/weir.v1.Predictor/Predict"; null if there is none.
    std::function<ServerCall*(absl::string_view path)> make_call;
    size_t max_message_bytes = 8 << 20;
    // Of all messages that have not come as a whole yet, on all connections that share the options.
    int64_t max_partial_bytes = int64_t{1} << 30;
  };

  // What is sent to a call that is not read further, at most.
  static constexpr int32_t kStreamWindowBytes = 256 << 10;

  // `on_output` is called when there is something to send where nothing was. `partial_bytes` is
  // that of all sessions. Both, and the options, outlive the session.
  ServerSession(const Options& options, int64_t& partial_bytes, std::function<void()> on_output);
  ~ServerSession();  // Closes what is open.
  ServerSession(const ServerSession&) = delete;
  ServerSession& operator=(const ServerSession&) = delete;

  // What came from the client. Any error is the end of the connection, as in TakeOutput. Whether a
  // request was submitted.
  absl::StatusOr<bool> Receive(absl::string_view bytes);

  // Adds to `output` what is to be sent, until that has `limit` bytes or somewhat more.
  absl::Status TakeOutput(std::string& output, size_t limit);
  bool has_output() const { return has_output_; }

  // Takes no more calls, tells the client so, and ends those that are open with `status`.
  void GoAway(const absl::Status& status);

  // Resets the calls whose deadlines were before `time`. Clients do it by themselves, and then it
  // is too late for this; not those that are gone, or take no answers.
  void ResetCallsDueBefore(absl::Time time);

  // Nothing is read or written any more.
  void CloseCalls();

  bool has_calls() const { return !calls_.empty(); }

 private:
  friend class ServerCall;
  struct Callbacks;
  friend struct Callbacks;

  // A call while its headers come.
  struct Opening {
    void Clear();  // Keeps its memory.

    std::string path;
    bool is_post = false;
    bool is_grpc = false;
    bool too_large = false;
    bool bad_timeout = false;
    size_t bytes = 0;
    std::string encoding;
    CallHead head;
  };

  ServerCall* Find(int32_t stream_id);
  void OnHeader(absl::string_view name, absl::string_view value);
  void OnHeaders(int32_t stream_id);
  void OnData(int32_t stream_id, absl::string_view bytes);
  void OnEndStream(int32_t stream_id);
  void OnStreamClose(int32_t stream_id);
  ssize_t OnRead(ServerCall& call, size_t length, uint32_t& flags);
  void OnSend(ServerCall& call, absl::string_view frame_header, size_t length);
  void OnFrameSent(const nghttp2_frame& frame);

  absl::Status WhyNotOpen() const;
  void Refuse(int32_t stream_id, const absl::Status& status);
  void Limit(ServerCall& call);
  bool ReadMessages(ServerCall& call, absl::string_view bytes);
  bool TellHalfClose(ServerCall& call);
  void Begin(ServerCall& call);
  void SubmitStatus(int32_t stream_id, const absl::Status& status, bool retry_hint, bool trailers);
  void Close(ServerCall& call);
  void NoteOutput();

  const Options& options_;
  int64_t& partial_bytes_;
  const std::function<void()> on_output_;
  nghttp2_session* session_ = nullptr;
  IdleResets idle_resets_;
  Opening opening_;
  IntrusiveList<ServerCall, ServerCall> calls_;
  bool has_output_ = false;
  bool submitted_ = false;  // During Receive.
  absl::Time received_;     // When Receive was called.
  std::string error_;       // nghttp2's words about what the client did wrong.

  // The stream that was looked up last.
  int32_t found_id_ = 0;
  ServerCall* found_ = nullptr;

  std::string* output_ = nullptr;  // During TakeOutput.
  size_t output_limit_ = 0;
};

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_SERVER_SESSION_H_
