// gRPC calls from one thread, at the least cost: HTTP/2 by nghttp2 over sockets that never block,
// and one epoll. What gRPC's own client does on several threads with locks takes four times the
// processor, which a generator that shares a machine with what it measures does not have.
//
// No TLS, no compression, no retries. A connection that breaks is made again, every 100 ms at most.
// Calls go to the connections that stand; where there is none they fail at once with UNAVAILABLE.
// So do those that come between a server's GOAWAY and the next connection.
#ifndef WEIR_LOADGEN_CLIENT_CALL_CLIENT_H_
#define WEIR_LOADGEN_CLIENT_CALL_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "loadgen/client/call.h"

namespace weir {

// Used by one thread.
class CallClient {
 public:
  struct Options {
    // A server that is waited for and says nothing for so long is pinged; after the same time again
    // its connection breaks. Pings that no answer of a call follows are five minutes apart.
    absl::Duration patience = absl::Seconds(5);

    // A connection whose stream ids have come so far is replaced, once its successor stands.
    int32_t last_stream_id = 1 << 30;
  };

  CallClient() : CallClient(Options()) {}
  explicit CallClient(const Options& options);
  ~CallClient();  // Drops open calls without OnEnd.
  CallClient(const CallClient&) = delete;
  CallClient& operator=(const CallClient&) = delete;

  // Connects to `address` ("host:port") `connections` times; UNAVAILABLE, with the system's reason,
  // if that takes longer than `timeout` or is refused. The index of the target, from 0. Calls of
  // other targets go on in the next Poll.
  absl::StatusOr<int> AddTarget(const std::string& address, int connections,
                                absl::Duration timeout);
  int connections(int target) const;

  // Whether any of them stands: otherwise calls fail at once, until one does after a Poll.
  bool connected(int target) const;
  bool connected(int target, int connection) const;

  // Starts a unary call on the target's next connection; it is sent by the next Poll. `deadline` is
  // by MonotonicNow(), kept to a millisecond; the server is told of it, rounded up to three digits.
  // `method`, `message` and `call` stay until OnEnd.
  void Start(int target, const CallMethod& method, absl::string_view message, absl::Time deadline,
             Call& call);

  // The same for a call that sends many messages, each copied, and has no deadline. It ends with
  // its connection, with the server's status, or with Cancel. `connection` is from 0.
  void StartStream(int target, int connection, const CallMethod& method, Call& call);
  // Messages that the server does not read yet wait here; those of which nothing was sent can be
  // taken back by the numbers that SendMessage gave them.
  int64_t SendMessage(Call& call, absl::string_view message);
  void DropMessage(Call& call, int64_t number);
  void EndMessages(Call& call);
  void Cancel(Call& call);  // Of any open call. Ends with OnEnd(CANCELLED) in the next Poll.

  // Sends what was started, waits until something happens, `until` has come, or Wake was called,
  // and calls what is due, which may start more. Does not wait if `until` has passed.
  void Poll(absl::Time until);

  // Ends a Poll that waits, or the next one. From any thread, and from signal handlers.
  void Wake();

  // Calls that have not ended, streams among them.
  int open_calls() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_CLIENT_CALL_CLIENT_H_
