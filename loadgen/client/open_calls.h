// What a client keeps with each call that is open, and how calls end.
#ifndef WEIR_LOADGEN_CLIENT_OPEN_CALLS_H_
#define WEIR_LOADGEN_CLIENT_OPEN_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/deadline_wheel.h"
#include "base/grpc_message_reader.h"
#include "base/grpc_wire.h"
#include "base/intrusive_list.h"
#include "loadgen/client/call.h"
#include "loadgen/client/message_queue.h"

namespace weir {

class CallSession;
struct SessionTag;

// One call, from Start until its end. Used again for others.
struct OpenCall : Deadline, ListLink<SessionTag> {
  Call* call = nullptr;
  const CallMethod* method = nullptr;
  bool stream = false;

  // Where it is; nullptr once it has left its session and only its end is to be told.
  CallSession* session = nullptr;
  int32_t stream_id = 0;  // 0 while it waits for its turn.

  // To send: one message of the caller's, or those of a stream.
  absl::string_view message;
  size_t sent_bytes = 0;  // Of its prefix and it.
  std::optional<MessageQueue> messages;
  bool half_closed = true;     // Nothing is added to them.
  bool sent_all = false;       // The server knows of it.
  bool waits_to_send = false;  // Everything so far is sent, and there may be more.
  GrpcTimeout timeout;

  // The answer.
  MessageReader reader;
  bool has_message = false;
  bool is_grpc = true;  // By its content type.
  bool complete = false;
  int http_status = 0;
  std::optional<absl::StatusCode> grpc_status;
  std::string grpc_message;  // As it came.

  // With which it ends, if that was decided outside of Poll.
  absl::Status status;

  size_t bytes_to_send() const {
    return stream ? messages->bytes() : MessageReader::kPrefixBytes + message.size() - sent_bytes;
  }
};

// All open calls of a client.
class OpenCalls {
 public:
  explicit OpenCalls(int64_t now_ns) : now_ns_(now_ns), deadlines_(now_ns) {}
  OpenCalls(const OpenCalls&) = delete;
  OpenCalls& operator=(const OpenCalls&) = delete;

  // A deadline of DeadlineWheel::kNever is none.
  OpenCall& Open(Call& call, const CallMethod& method, absl::string_view message,
                 int64_t deadline_ns);
  OpenCall& OpenStream(Call& call, const CallMethod& method);

  static OpenCall* Of(Call& call) { return call.open_; }

  // Both are for calls that are in no session. End calls OnEnd, which may open calls; a unary call
  // that had no message does not end with OK. EndLater, for calls that got no answer, leaves it to
  // EndDue, which ends those that came before it.
  void End(OpenCall& open, const absl::Status& status);
  void EndLater(OpenCall& open, absl::Status status);
  void EndDue();
  bool any_due() const { return !due_.empty(); }

  static absl::Status DeadlinePassed();

  // As in DeadlineWheel.
  void Advance(int64_t now_ns) {
    now_ns_ = now_ns;
    deadlines_.Advance(now_ns);
  }
  int64_t now_ns() const { return now_ns_; }
  OpenCall* TakeExpired() { return static_cast<OpenCall*>(deadlines_.TakeExpired()); }
  int64_t NextExpiry() { return deadlines_.NextWake(); }

  int open() const { return open_; }
  int64_t ended() const { return ended_; }

 private:
  OpenCall& Take(Call& call, const CallMethod& method);

  int64_t now_ns_;
  DeadlineWheel deadlines_;
  std::deque<OpenCall> all_;  // Each stays where it is.
  std::vector<OpenCall*> unused_;
  std::vector<OpenCall*> due_;
  std::vector<OpenCall*> ending_;
  int open_ = 0;
  int64_t ended_ = 0;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_CLIENT_OPEN_CALLS_H_
