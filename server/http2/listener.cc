#include "server/http2/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>

#include "absl/cleanup/cleanup.h"
#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace weir {
namespace {

constexpr int kBacklog = 1024;

void Set(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof(value));
}

// Puts `port` into `address`, whichever family it is of.
void SetPort(sockaddr& address, int port) {
  if (address.sa_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(address).sin6_port = htons(static_cast<uint16_t>(port));
  } else {
    reinterpret_cast<sockaddr_in&>(address).sin_port = htons(static_cast<uint16_t>(port));
  }
}

int PortOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Create(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  absl::string_view name = host;
  if (absl::ConsumePrefix(&name, "[")) absl::ConsumeSuffix(&name, "]");
  if (const int error =
          getaddrinfo(std::string(name).c_str(), absl::StrCat(port).c_str(), &hints, &found)) {
    return absl::UnavailableError(gai_strerror(error));
  }
  const absl::Cleanup free_found = [found] { freeaddrinfo(found); };
  auto listener = absl::WrapUnique(new Listener());
  listener->port_ = port;
  absl::Status status = absl::UnavailableError("there is no such address");
  std::set<std::string> seen;  // A name may stand for an address twice.
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    if (!seen.emplace(reinterpret_cast<const char*>(info->ai_addr), info->ai_addrlen).second) {
      continue;
    }
    status = listener->Listen(*info);
    // One that another server has is an error; one that the machine lacks, as some have no IPv6, is
    // not, as long as there is another.
    if (absl::IsAlreadyExists(status)) return absl::UnavailableError(status.message());
  }
  if (listener->fds_.empty()) return status;
  return listener;
}

absl::Status Listener::Listen(const addrinfo& info) {
  const int fd =
      socket(info.ai_family, info.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, info.ai_protocol);
  if (fd < 0) return absl::UnavailableError(strerror(errno));
  // Connections in TIME_WAIT do not count. A second server on the port would take half of the
  // connections, without a word: SO_REUSEPORT is off.
  Set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  SetPort(*info.ai_addr, port_);
  if (bind(fd, info.ai_addr, info.ai_addrlen) != 0 || listen(fd, kBacklog) != 0) {
    const int error = errno;
    close(fd);
    return error == EADDRINUSE ? absl::AlreadyExistsError(strerror(error))
                               : absl::UnavailableError(strerror(error));
  }
  fds_.push_back(fd);
  port_ = PortOf(fd);
  return absl::OkStatus();
}

Listener::~Listener() { Close(); }

void Listener::Close() {
  for (const int fd : fds_) close(fd);
  fds_.clear();
}

absl::StatusOr<int> Listener::Accept(int listening_fd) {
  while (true) {
    const int fd = accept4(listening_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      Set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
      // A client that is gone without a word is found out within two minutes.
      Set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
      Set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
      Set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 20);
      Set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
      Set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
          120'000);  // The same while it is being sent something.
      return fd;
    }
    switch (errno) {
      case EAGAIN:
        return absl::UnavailableError("none has come");
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        return absl::ResourceExhaustedError(strerror(errno));
      case EPERM:  // By a firewall's rule; it stays where it is.
        return absl::UnavailableError(strerror(errno));
      default:
        break;  // This one is gone again; there may be another.
    }
  }
}

}  // namespace weir
