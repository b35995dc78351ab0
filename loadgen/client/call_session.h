// The HTTP/2 of one connection, and the gRPC of the calls on it; the connection's socket is
// somebody else's. Bytes from the server go in, bytes for the server come out.
//
// Calls wait here while the server lets no more be open at a time.
#ifndef WEIR_LOADGEN_CLIENT_CALL_SESSION_H_
#define WEIR_LOADGEN_CLIENT_CALL_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "loadgen/client/open_calls.h"
#include "nghttp2/nghttp2.h"

namespace weir {

// Used by one thread. Its callers may be called back from Receive and EndAll, and may then call all
// but these two.
class CallSession {
 public:
  // Half of the ids that a connection has for its streams.
  static constexpr int32_t kLastStreamId = 1 << 30;

  // `calls` must outlive the session. `authority` is what the server is told it is called. A
  // session that has come to `last_stream_id` wants a successor.
  CallSession(OpenCalls& calls, std::string authority, int32_t last_stream_id = kLastStreamId);
  ~CallSession();  // Calls that are open are forgotten.
  CallSession(const CallSession&) = delete;
  CallSession& operator=(const CallSession&) = delete;

  // Takes a call that is in no session; only while accepting().
  void Start(OpenCall& open);

  // A stream has more to send, or has its last message.
  void Resume(OpenCall& open);

  // Lets go of a call, which somebody else then ends.
  void Drop(OpenCall& open);

  // What came from the server. Ends calls. Any error is the end of the connection.
  absl::Status Receive(absl::string_view bytes);

  // Adds to `output` what is to be sent, until that has `limit` bytes or somewhat more: true if
  // there may be more then. Any error is the end of the connection.
  absl::StatusOr<bool> TakeOutput(std::string& output, size_t limit);
  bool has_output() const { return has_output_; }

  // Asks the server whether it is there.
  void Ping();
  bool answered_since_ping() const { return answered_since_ping_; }  // Something of any call.

  // Takes no more calls, and ends those it has.
  void EndAll(const absl::Status& status);

  // Between the server's first words and its last.
  bool accepting() const { return ready_ && !going_away_; }
  bool going_away() const { return going_away_; }
  bool used_up() const { return used_up_; }  // It goes on, but not for ever.
  int calls() const { return calls_in_session_; }
  bool has_streams() const { return streams_in_session_ > 0; }
  int64_t streams() const { return streams_; }  // Of HTTP/2: calls that do not wait for their turn.
  int64_t ended_unary_calls() const { return ended_unary_calls_; }  // Of all so far.

 private:
  struct Callbacks;
  friend struct Callbacks;
  using CallList = IntrusiveList<OpenCall, SessionTag>;

  void Submit(OpenCall& open);
  OpenCall* Find(int32_t stream_id);
  void Leave(OpenCall& open);
  void Reset(OpenCall& open, uint32_t http2_error);
  void Fail(OpenCall& open, absl::StatusCode code, absl::string_view why);
  static absl::Status AnswerOf(const OpenCall& open);
  void GoAway(absl::string_view why);

  void OnHeader(OpenCall& open, absl::string_view name, absl::string_view value);
  void OnData(OpenCall& open, absl::string_view bytes);
  void OnEndStream(OpenCall& open);
  void OnStreamClose(int32_t stream_id, uint32_t http2_error);
  ssize_t OnRead(OpenCall& open, size_t length, uint32_t& flags);
  void OnSend(OpenCall& open, absl::string_view frame_header, size_t length);

  OpenCalls& calls_;
  const std::string authority_;
  const int32_t last_stream_id_;
  nghttp2_session* session_ = nullptr;
  std::vector<nghttp2_nv> headers_;  // Those of all calls, and room for those of one.
  size_t common_headers_ = 0;
  std::string last_timeout_;

  CallList waiting_;
  CallList sent_;
  int calls_in_session_ = 0;
  int streams_in_session_ = 0;
  int64_t ended_unary_calls_ = 0;
  int64_t streams_ = 0;  // More than calls where a call has left and the server is not told yet.
  bool ready_ = false;
  bool going_away_ = false;
  bool used_up_ = false;
  bool answered_since_ping_ = true;
  bool has_output_ = true;
  std::string error_;  // nghttp2's words about what the server did wrong.

  // The stream that was looked up last.
  int32_t found_id_ = 0;
  OpenCall* found_ = nullptr;

  // During TakeOutput.
  std::string* output_ = nullptr;
  size_t output_limit_ = 0;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_CLIENT_CALL_SESSION_H_
