// A gRPC call as the server's side of HTTP/2 knows it: what comes in, and what goes out.
#ifndef WEIR_SERVER_HTTP2_SERVER_CALL_H_
#define WEIR_SERVER_HTTP2_SERVER_CALL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/grpc_message_reader.h"
#include "base/intrusive_list.h"

namespace weir {

class ServerSession;

// What a call says first.
struct CallHead {
  absl::Time deadline = absl::InfiniteFuture();  // By base/clock.h.
  // What it says to weir: metadata whose names begin with "weir-", in its order.
  std::vector<std::pair<std::string, std::string>> metadata;
};

// A service derives from it for each of its methods. Everything happens on the thread that has the
// turn to use the call's connection (see CallLoop); nothing is thread-safe.
//
// The session never destroys a call: that is up to the call, in OnClosed or later.
class ServerCall : public ListLink<ServerCall> {
 public:
  virtual ~ServerCall() = default;

  virtual void OnOpen() {}  // From now on it has a session.

  // The two return whether a request was submitted, which the loop shall run. The message is lent.
  virtual bool OnMessage(absl::string_view message) = 0;
  virtual bool OnHalfClose() = 0;  // The caller sends no more.

  // A message of Send is on its way, as far as the connection lets one know. Must not Resume.
  virtual void OnSent() {}

  // The call's status is out, or the caller is gone: nothing follows. The call may end here.
  virtual void OnClosed() = 0;

  // Sends a message with its prefix, as Serialize (rpc/messages.h) makes it. Nothing after Finish
  // or OnClosed.
  void Send(std::string framed);

  // The call ends with `status`, behind what was sent. Only the first one counts.
  void Finish(const absl::Status& status);

  // With Finish: tells a client of gRPC that retries when to try again. Another server may answer
  // at once.
  void AddRetryHint() { retry_hint_ = true; }

  // Takes no more messages; the caller may send only so much more until Resume, which gives what
  // has come meanwhile to OnMessage and returns as that does; not from within OnMessage.
  void Pause() { paused_ = true; }
  bool Resume();
  bool paused() const { return paused_; }

  // From OnOpen: no message may be larger than this, and than the server takes at all.
  void LimitMessages(size_t bytes);

  const CallHead& head() const { return head_; }
  // When what the call is told of was read from its connection: for OnMessage and OnHalfClose.
  absl::Time heard() const;
  bool open() const { return session_ != nullptr; }

 private:
  friend class ServerSession;

  void PopUnsent();

  ServerSession* session_ = nullptr;
  int32_t stream_id_ = 0;
  CallHead head_;
  std::string encoding_;  // Of messages that are compressed.
  size_t max_message_bytes_ = 0;

  // In.
  MessageReader reader_;
  std::string held_;  // What came while it was paused.
  bool paused_ = false;
  bool half_closed_ = false;  // The caller has sent all.
  bool half_close_told_ = false;

  // Out: the messages from first_unsent_ on.
  absl::InlinedVector<std::string, 1> unsent_;
  size_t first_unsent_ = 0;
  size_t first_sent_bytes_ = 0;  // Of the first one.
  size_t unsent_bytes_ = 0;
  bool begun_ = false;     // Headers are on their way.
  bool deferred_ = false;  // Asked for bytes when there were none.
  bool finished_ = false;
  bool retry_hint_ = false;
  absl::Status status_;
};

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_SERVER_CALL_H_
