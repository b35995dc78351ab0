#include "bench/open_http_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/status_macros.h"

namespace weir {
namespace {

// A connection and the request that is in flight on it.
struct Connection {
  ~Connection() { close(fd); }

  int fd = -1;
  size_t worker = 0;
  bool busy = false;
  absl::Time due;
  std::string received;
};

struct Worker {
  std::vector<Connection*> idle;
  size_t busy = 0;
};

// The length of the whole answer at the beginning of `received`; 0 if its head is not all there.
absl::StatusOr<size_t> AnswerBytes(absl::string_view received) {
  const size_t head_end = received.find("\r\n\r\n");
  if (head_end == absl::string_view::npos) return 0;
  size_t body_bytes = 0;
  bool known = false;
  for (absl::string_view line : absl::StrSplit(received.substr(0, head_end), "\r\n")) {
    const std::pair<absl::string_view, absl::string_view> header =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::EqualsIgnoreCase(header.first, "content-length")) {
      known = absl::SimpleAtoi(header.second, &body_bytes);
    }
  }
  if (!absl::StartsWith(received, "HTTP/1.1 200 ") || !known) {
    return absl::UnavailableError(
        absl::StrCat("the service answers with ", received.substr(0, head_end)));
  }
  return head_end + 4 + body_bytes;
}

class OpenHttpLoad {
 public:
  explicit OpenHttpLoad(const OpenHttpLoadOptions& options)
      : options_(options), workers_(options.addresses.size()) {}
  ~OpenHttpLoad() { close(epoll_fd_); }
  OpenHttpLoad(const OpenHttpLoad&) = delete;
  OpenHttpLoad& operator=(const OpenHttpLoad&) = delete;

  absl::Status Connect();
  absl::StatusOr<OpenHttpLoadReport> Run(Pacer& pacer);

 private:
  // Sends what waits as long as there are idle connections.
  absl::Status SendWaiting();
  absl::Status Send(Connection& connection);

  // Waits until `until` at the longest and takes what has come.
  absl::Status Receive(absl::Time until);
  absl::Status ReceiveOn(Connection& connection);

  const OpenHttpLoadOptions& options_;
  const int epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Worker> workers_;
  std::deque<absl::Time> waiting_;  // When they were due.
  size_t busy_ = 0;
  size_t next_request_ = 0;
  OpenHttpLoadReport report_;
};

absl::Status OpenHttpLoad::Connect() {
  for (size_t worker = 0; worker < options_.addresses.size(); ++worker) {
    const std::string& address = options_.addresses[worker];
    const std::pair<std::string, std::string> parts = absl::StrSplit(address, ':');
    int port = 0;
    sockaddr_in to = {.sin_family = AF_INET};
    if (!absl::SimpleAtoi(parts.second, &port) ||
        inet_pton(AF_INET, parts.first.c_str(), &to.sin_addr) != 1) {
      return absl::InvalidArgumentError(absl::StrCat("no address: ", address));
    }
    to.sin_port = htons(static_cast<uint16_t>(port));
    for (int i = 0; i < options_.connections_each; ++i) {
      auto connection = std::make_unique<Connection>();
      connection->worker = worker;
      connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(connection->fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
        return absl::ErrnoToStatus(errno, absl::StrCat("connection to ", address));
      }
      const int on = 1;
      setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      epoll_event event = {.events = EPOLLIN, .data = {.ptr = connection.get()}};
      if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
        return absl::ErrnoToStatus(errno, "epoll_ctl");
      }
      workers_[worker].idle.push_back(connection.get());
      connections_.push_back(std::move(connection));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<OpenHttpLoadReport> OpenHttpLoad::Run(Pacer& pacer) {
  const absl::Time start = MonotonicNow();
  absl::Time next_due = start + pacer.Next();
  absl::Time deadline = absl::InfiniteFuture();
  while (true) {
    const absl::Time now = MonotonicNow();
    for (; next_due <= now; next_due = start + pacer.Next()) {
      report_.send_lag_ns.Record(absl::ToInt64Nanoseconds(now - next_due));
      waiting_.push_back(next_due);
    }
    if (next_due == absl::InfiniteFuture()) {
      if (waiting_.empty() && busy_ == 0) return report_;
      deadline = std::min(deadline, now + options_.timeout);
      if (now >= deadline) {
        return absl::DeadlineExceededError(absl::StrCat(waiting_.size() + busy_,
                                                        " requests have no answer after ",
                                                        absl::FormatDuration(options_.timeout)));
      }
    }
    WEIR_RETURN_IF_ERROR(SendWaiting());
    WEIR_RETURN_IF_ERROR(Receive(std::min(next_due, deadline)));
  }
}

absl::Status OpenHttpLoad::SendWaiting() {
  while (!waiting_.empty()) {
    Worker* least = nullptr;
    for (Worker& worker : workers_) {
      if (!worker.idle.empty() && (least == nullptr || worker.busy < least->busy)) least = &worker;
    }
    if (least == nullptr) return absl::OkStatus();
    Connection& connection = *least->idle.back();
    least->idle.pop_back();
    ++least->busy;
    ++busy_;
    connection.busy = true;
    connection.due = waiting_.front();
    waiting_.pop_front();
    WEIR_RETURN_IF_ERROR(Send(connection));
  }
  return absl::OkStatus();
}

absl::Status OpenHttpLoad::Send(Connection& connection) {
  absl::string_view rest = options_.requests[next_request_++ % options_.requests.size()];
  while (!rest.empty()) {
    const ssize_t sent = send(connection.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "request");
    if (sent > 0) rest.remove_prefix(sent);
  }
  return absl::OkStatus();
}

absl::Status OpenHttpLoad::Receive(absl::Time until) {
  const timespec timeout = absl::ToTimespec(std::max(until - MonotonicNow(), absl::ZeroDuration()));
  std::array<epoll_event, 64> events;
  const int count = epoll_pwait2(epoll_fd_, events.data(), events.size(),
                                 until == absl::InfiniteFuture() ? nullptr : &timeout, nullptr);
  if (count < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "epoll_pwait2");
  for (int i = 0; i < count; ++i) {
    WEIR_RETURN_IF_ERROR(ReceiveOn(*static_cast<Connection*>(events[i].data.ptr)));
  }
  return absl::OkStatus();
}

absl::Status OpenHttpLoad::ReceiveOn(Connection& connection) {
  std::array<char, 16384> bytes;
  const ssize_t size = recv(connection.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size < 0) {
    if (errno == EINTR || errno == EAGAIN) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, "answer");
  }
  if (size == 0) return absl::UnavailableError("the service closes a connection");
  if (!connection.busy) return absl::UnavailableError("the service answers what nobody asked");
  connection.received.append(bytes.data(), size);
  WEIR_ASSIGN_OR_RETURN(const size_t answer_bytes, AnswerBytes(connection.received));
  if (answer_bytes == 0 || connection.received.size() < answer_bytes) return absl::OkStatus();
  connection.received.clear();
  connection.busy = false;
  report_.latency_ns.Record(absl::ToInt64Nanoseconds(MonotonicNow() - connection.due));
  ++report_.answers;
  Worker& worker = workers_[connection.worker];
  worker.idle.push_back(&connection);
  --worker.busy;
  --busy_;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OpenHttpLoadReport> RunOpenHttpLoad(const OpenHttpLoadOptions& options,
                                                   Pacer& pacer) {
  prctl(PR_SET_TIMERSLACK, 1);  // In ns; 50 us otherwise.
  OpenHttpLoad load(options);
  WEIR_RETURN_IF_ERROR(load.Connect());
  return load.Run(pacer);
}

}  // namespace weir
