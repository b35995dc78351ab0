// A socket that never blocks, and the HTTP/2 session on it.
#ifndef WEIR_LOADGEN_CLIENT_CALL_CONNECTION_H_
#define WEIR_LOADGEN_CLIENT_CALL_CONNECTION_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "loadgen/client/call_session.h"
#include "loadgen/client/open_calls.h"

namespace weir {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;
};

// "127.0.0.1:8001", "[::1]:8001", "localhost:8001": what it may mean, the likeliest first.
absl::StatusOr<std::vector<SocketAddress>> ResolveAddress(const std::string& address);

class CallConnection {
 public:
  struct Options {
    // A server that is waited for and says nothing for so long is asked whether it is there, and
    // given up after the same time again.
    int64_t patience_ns = 5'000'000'000;
    int32_t last_stream_id = CallSession::kLastStreamId;
  };

  // Begins to connect; whether that works is seen by Read and Write. `name` is what the server is
  // told it is called.
  static absl::StatusOr<std::unique_ptr<CallConnection>> Dial(const SocketAddress& address,
                                                              const std::string& name,
                                                              const Options& options,
                                                              OpenCalls& calls);
  ~CallConnection();
  CallConnection(const CallConnection&) = delete;
  CallConnection& operator=(const CallConnection&) = delete;

  int fd() const { return fd_; }
  CallSession& session() { return session_; }

  // Reads some of what is there, at most as much as `buffer` takes. Calls end meanwhile. Any error
  // is the end of the connection, as in Write.
  absl::Status Read(absl::Span<char> buffer);

  // Writes what there is to write, as far as the socket takes it. If it does not take all, Write is
  // to be called again when it is writable.
  absl::Status Write();
  bool wants_to_write() const { return !blocked_ && (session_.has_output() || !output_.empty()); }
  bool blocked() const { return blocked_; }
  void OnWritable() { blocked_ = false; }

  // Whether its owner has asked to be told when there is room.
  bool waits_for_room = false;

  // Sees to it that the server says something while it is waited for; before Write. When to come
  // again. An error is the end of the connection.
  absl::StatusOr<int64_t> CheckSilence(int64_t now_ns);

 private:
  enum class Silence { kNone, kWaiting, kAsked, kDoubted };

  CallConnection(int fd, const std::string& name, const Options& options, OpenCalls& calls)
      : fd_(fd), patience_ns_(options.patience_ns), session_(calls, name, options.last_stream_id) {}

  size_t PieceBytes() const;

  const int fd_;
  const int64_t patience_ns_;
  CallSession session_;
  int64_t answers_ = 0;       // Of unary calls, and
  int64_t answer_bytes_ = 0;  // what was read meanwhile; both of late.
  bool heard_ = false;        // Since CheckSilence.
  Silence silence_ = Silence::kNone;
  int64_t silence_ns_ = 0;  // When it came to that.
  int64_t pinged_ns_ = 0;
  std::string output_;
  size_t written_ = 0;    // Of output_.
  bool blocked_ = false;  // The socket takes no more for now.
};

}  // namespace weir

#endif  // WEIR_LOADGEN_CLIENT_CALL_CONNECTION_H_
