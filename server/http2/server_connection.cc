#include "server/http2/server_connection.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/status_macros.h"

namespace weir {
namespace {

// Written at once: so much that a system call does not count, so little that it stays in the cache.
constexpr size_t kOutputBytes = 256 << 10;

absl::Status SystemError() { return absl::UnavailableError(strerror(errno)); }

}  // namespace

ServerConnection::ServerConnection(int fd, const ServerSession::Options& options,
                                   int64_t& partial_bytes,
                                   std::function<void(ServerConnection&)> on_output)
    : fd_(fd),
      session_(options, partial_bytes, [this, told = std::move(on_output)] { told(*this); }) {}

ServerConnection::~ServerConnection() { close(fd_); }

absl::StatusOr<bool> ServerConnection::Read(absl::Span<char> buffer) {
  ssize_t size = 0;
  do {
    size = recv(fd_, buffer.data(), buffer.size(), 0);
  } while (size < 0 && errno == EINTR);
  has_more_ = size == static_cast<ssize_t>(buffer.size());
  if (size == 0) return absl::UnavailableError("the client has closed the connection");
  if (size < 0 && errno != EAGAIN) return SystemError();
  if (size < 0 || ended_) return false;
  return session_.Receive({buffer.data(), static_cast<size_t>(size)});
}

void ServerConnection::GoAway(const absl::Status& status) {
  int unread = 0;  // By the client's machine.
  ioctl(fd_, SIOCOUTQ, &unread);
  lingers_ = session_.has_calls() || !output_.empty() || unread > 0;
  session_.GoAway(status);
}

absl::Status ServerConnection::Write() {
  blocked_ = false;
  while (true) {
    if (output_.empty() && !ended_ && session_.has_output() &&
        !session_.TakeOutput(output_, kOutputBytes).ok()) {
      ended_ = true;
      session_.CloseCalls();
    }
    while (written_ < output_.size()) {
      const ssize_t size =
          send(fd_, output_.data() + written_, output_.size() - written_, MSG_NOSIGNAL);
      if (size < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return SystemError();
        blocked_ = true;
        return absl::OkStatus();
      }
      written_ += size;
    }
    output_.clear();
    written_ = 0;
    if (ended_) {
      if (!lingers_) return absl::UnavailableError("all was said");
      // Closed at once, the client might not get to read what it was told.
      shutdown(fd_, SHUT_WR);
      return absl::OkStatus();
    }
    if (!session_.has_output()) return absl::OkStatus();
  }
}

}  // namespace weir
