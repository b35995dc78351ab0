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
  // Begins to connect; whether that works is seen by Read and Write. `name` is what the server is
  // told it is called.
  static absl::StatusOr<std::unique_ptr<CallConnection>> Dial(const SocketAddress& address,
                                                              const std::string& name,
                                                              OpenCalls& calls);
  ~CallConnection();
  CallConnection(const CallConnection&) = delete;
  CallConnection& operator=(const CallConnection&) = delete;

  int fd() const { return fd_; }
  CallSession& session() { return session_; }

  // Reads what is there; `until_end` if the connection is known to have ended. Calls end meanwhile.
  // Any error is the end of the connection, as in Write.
  absl::Status Read(absl::Span<char> buffer, bool until_end);

  // Writes what there is to write, as far as the socket takes it. If it does not take all, Write is
  // to be called again when it is writable.
  absl::Status Write();
  bool wants_to_write() const { return !blocked_ && (session_.has_output() || !output_.empty()); }
  bool blocked() const { return blocked_; }
  void OnWritable() { blocked_ = false; }

 private:
  CallConnection(int fd, const std::string& name, OpenCalls& calls)
      : fd_(fd), session_(calls, name) {}

  const int fd_;
  CallSession session_;
  std::string output_;
  size_t written_ = 0;    // Of output_.
  bool blocked_ = false;  // The socket takes no more for now.
};

}  // namespace weir

#endif  // WEIR_LOADGEN_CLIENT_CALL_CONNECTION_H_
