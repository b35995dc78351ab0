#include "loadgen/client/call_connection.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "loadgen/client/call.h"

namespace weir {
namespace {

// Written at once: so much that a system call does not count, so little that it stays in the cache.
constexpr size_t kOutputBytes = 256 << 10;

// What is in flight is read in about so many pieces.
constexpr int64_t kPieces = 5;
constexpr size_t kLeastPieceBytes = 1 << 10;
constexpr size_t kMostPieceBytes = 64 << 10;

// Of the size of answers, later ones tell more than earlier ones.
constexpr int64_t kRememberedAnswers = 1024;

// gRPC's servers end a connection on which they are pinged more often than that, unless they have
// sent something of an answer in between.
constexpr int64_t kPingIntervalNs = 300'000'000'000;

absl::Status SystemError(absl::string_view what) {
  return ClientError(absl::StatusCode::kUnavailable, absl::StrCat(what, strerror(errno)));
}

}  // namespace

absl::StatusOr<std::vector<SocketAddress>> ResolveAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", address, "\" is no host:port"));
  }
  // The system would take port 70000 for 4464.
  int port = 0;
  if (!absl::SimpleAtoi(absl::string_view(address).substr(colon + 1), &port) || port < 1 ||
      port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", address, "\" has no port from 1 to 65535"));
  }
  absl::string_view host = absl::string_view(address).substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error =
          getaddrinfo(std::string(host).c_str(), absl::StrCat(port).c_str(), &hints, &found)) {
    return absl::InvalidArgumentError(absl::StrCat(address, ": ", gai_strerror(error)));
  }
  const absl::Cleanup free_found = [found] { freeaddrinfo(found); };
  std::vector<SocketAddress> addresses;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    SocketAddress& added = addresses.emplace_back();
    added.size = info->ai_addrlen;
    memcpy(&added.storage, info->ai_addr, info->ai_addrlen);
  }
  return addresses;
}

absl::StatusOr<std::unique_ptr<CallConnection>> CallConnection::Dial(const SocketAddress& address,
                                                                     const std::string& name,
                                                                     const Options& options,
                                                                     OpenCalls& calls) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return SystemError("socket: ");
  auto connection = absl::WrapUnique(new CallConnection(fd, name, options, calls));
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // A machine that is gone does not even say that it has got what is sent.
  const auto user_timeout_ms = static_cast<unsigned>(2 * options.patience_ns / 1'000'000);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 &&
      errno != EINPROGRESS) {
    return SystemError("");
  }
  return connection;
}

CallConnection::~CallConnection() { close(fd_); }

absl::Status CallConnection::Read(absl::Span<char> buffer) {
  ssize_t size = 0;
  do {
    size = recv(fd_, buffer.data(), std::min(buffer.size(), PieceBytes()), 0);
  } while (size < 0 && errno == EINTR);
  if (size == 0) {
    return ClientError(absl::StatusCode::kUnavailable, "the server closed the connection");
  }
  if (size < 0) return errno == EAGAIN ? absl::OkStatus() : SystemError("");
  heard_ = true;
  if (!session_.has_streams()) answer_bytes_ += size;
  const int64_t ended = session_.ended_unary_calls();
  const absl::Status status = session_.Receive({buffer.data(), static_cast<size_t>(size)});
  answers_ += session_.ended_unary_calls() - ended;
  if (answers_ >= kRememberedAnswers) {
    answers_ /= 2;
    answer_bytes_ /= 2;
  }
  return status;
}

// A part of the answers, so that the server already has the next requests while the others are
// looked at; otherwise the two would take turns.
size_t CallConnection::PieceBytes() const {
  if (session_.has_streams()) return kMostPieceBytes;  // Who knows how many answers it waits for?
  const int64_t answer_bytes = answer_bytes_ / std::max<int64_t>(answers_, 1);
  const int64_t answers = std::max<int64_t>(session_.streams() / kPieces, 1);
  return std::clamp(static_cast<size_t>(answers * answer_bytes), kLeastPieceBytes, kMostPieceBytes);
}

absl::StatusOr<int64_t> CallConnection::CheckSilence(int64_t now_ns) {
  if (std::exchange(heard_, false)) silence_ = Silence::kNone;
  if (silence_ == Silence::kNone) {
    if (session_.calls() == 0) return DeadlineWheel::kNever;
    silence_ = Silence::kWaiting;
    silence_ns_ = now_ns;
  }
  if (now_ns < silence_ns_ + patience_ns_) return silence_ns_ + patience_ns_;
  switch (silence_) {
    case Silence::kWaiting: {
      const int64_t next_ping_ns = pinged_ns_ + kPingIntervalNs;
      if (!session_.answered_since_ping() && now_ns < next_ping_ns) return next_ping_ns;
      session_.Ping();
      silence_ = Silence::kAsked;
      silence_ns_ = pinged_ns_ = now_ns;
      return now_ns + patience_ns_;
    }
    case Silence::kAsked:
      // Whoever stood still may be the client; the answer is there then.
      silence_ = Silence::kDoubted;
      return now_ns;
    default:
      return ClientError(absl::StatusCode::kUnavailable, "the server says nothing any more");
  }
}

absl::Status CallConnection::Write() {
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const bool more, session_.TakeOutput(output_, kOutputBytes));
    while (written_ < output_.size()) {
      const ssize_t size =
          send(fd_, output_.data() + written_, output_.size() - written_, MSG_NOSIGNAL);
      if (size < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return SystemError("");
        blocked_ = true;
        return absl::OkStatus();
      }
      written_ += size;
    }
    output_.clear();
    written_ = 0;
    if (!more) return absl::OkStatus();
  }
}

}  // namespace weir
