// A client's socket, which never blocks, and the HTTP/2 session on it.
#ifndef WEIR_SERVER_HTTP2_SERVER_CONNECTION_H_
#define WEIR_SERVER_HTTP2_SERVER_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/http2/server_session.h"

namespace weir {

// Used by one thread at a time.
class ServerConnection {
 public:
  // Takes `fd`. `on_output` is called when there is something to write where nothing was; see
  // ServerSession for the rest.
  ServerConnection(int fd, const ServerSession::Options& options, int64_t& partial_bytes,
                   std::function<void(ServerConnection&)> on_output);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // Reads what is there, as far as the buffer takes it: whether a request was submitted. An error:
  // there is no connection any more.
  absl::StatusOr<bool> Read(absl::Span<char> buffer);
  bool has_more() const { return has_more_; }  // There may be more to read.

  // Writes what there is to write, as far as the socket takes it. An error as in Read.
  absl::Status Write();

  // The socket takes no more for now: Write is to be called again when it does, and nothing is read
  // until then. Who does not read answers shall not send requests.
  bool blocked() const { return blocked_; }

  // Takes no more calls, ends those that are open, and closes when the client has got it all. If it
  // has, it closes at once.
  void GoAway(const absl::Status& status);

  // See ServerSession.
  void ResetCallsDueBefore(absl::Time time) { session_.ResetCallsDueBefore(time); }

  int fd() const { return fd_; }

  bool is_dirty = false;  // For the loop: it is among those that have something to write.

 private:
  const int fd_;
  ServerSession session_;
  std::string output_;
  size_t written_ = 0;  // Of output_.
  bool blocked_ = false;
  bool has_more_ = false;
  bool ended_ = false;   // All was said.
  bool lingers_ = true;  // Then the client is waited for, so that it can read it.
};

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_SERVER_CONNECTION_H_
