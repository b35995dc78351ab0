#include "tests/faults/http_get.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "base/status_macros.h"

namespace weir {
namespace {

absl::Status AwaitEvent(int fd, int16_t events, absl::Time deadline) {
  pollfd waiting = {.fd = fd, .events = events, .revents = 0};
  while (true) {
    const int64_t left_ms = absl::ToInt64Milliseconds(deadline - MonotonicNow()) + 1;
    const int ready = poll(&waiting, 1, static_cast<int>(std::clamp<int64_t>(left_ms, 0, 1 << 20)));
    if (ready > 0) return absl::OkStatus();
    if (ready == 0) return absl::DeadlineExceededError("no answer in time");
    if (errno != EINTR) return absl::InternalError(strerror(errno));
  }
}

absl::Status Connect(int fd, int port, absl::Time deadline) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    return absl::OkStatus();
  }
  if (errno != EINPROGRESS) return absl::UnavailableError(strerror(errno));
  WEIR_RETURN_IF_ERROR(AwaitEvent(fd, POLLOUT, deadline));
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? absl::OkStatus() : absl::UnavailableError(strerror(error));
}

absl::StatusOr<std::string> ReadToEnd(int fd, absl::Time deadline) {
  std::string answer;
  char chunk[1 << 16];
  while (true) {
    WEIR_RETURN_IF_ERROR(AwaitEvent(fd, POLLIN, deadline));
    const ssize_t size = recv(fd, chunk, sizeof(chunk), 0);
    if (size == 0) return answer;
    if (size > 0) {
      answer.append(chunk, size);
    } else if (errno != EAGAIN && errno != EINTR) {
      return absl::UnavailableError(strerror(errno));
    }
  }
}

// HTTP/1.0: no chunks, and the connection's end is the answer's.
absl::StatusOr<std::string> Exchange(int port, absl::string_view verb, absl::string_view target,
                                     absl::string_view headers_and_body, absl::Duration timeout) {
  const absl::Time deadline = MonotonicNow() + timeout;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::InternalError(strerror(errno));
  const absl::Cleanup closer = [fd] { close(fd); };
  WEIR_RETURN_IF_ERROR(Connect(fd, port, deadline));
  const std::string request = absl::StrCat(verb, " ", target, " HTTP/1.0\r\nHost: 127.0.0.1:", port,
                                           "\r\n", headers_and_body);
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return absl::UnavailableError("the request was not taken");
  }
  WEIR_ASSIGN_OR_RETURN(const std::string answer, ReadToEnd(fd, deadline));
  const size_t head_end = answer.find("\r\n\r\n");
  if (head_end == std::string::npos) return absl::UnavailableError("the answer was cut short");
  const std::string body = answer.substr(head_end + 4);
  const std::vector<absl::string_view> head =
      absl::StrSplit(absl::string_view(answer).substr(0, head_end), "\r\n");
  for (absl::string_view line : head) {
    size_t length = 0;
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (!absl::EqualsIgnoreCase(field.first, "content-length")) continue;
    if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(field.second), &length) ||
        length != body.size()) {
      return absl::UnavailableError("the answer was cut short");
    }
  }
  if (!absl::StrContains(head[0], " 200")) {
    return absl::UnknownError(absl::StrCat(head[0], ": ", body));
  }
  return body;
}

}  // namespace

absl::StatusOr<std::string> HttpGet(int port, absl::string_view target, absl::Duration timeout) {
  return Exchange(port, "GET", target, "\r\n", timeout);
}

absl::StatusOr<std::string> HttpPost(int port, absl::string_view target, absl::string_view json,
                                     absl::Duration timeout) {
  return Exchange(port, "POST", target,
                  absl::StrCat("Content-Type: application/json\r\nContent-Length: ", json.size(),
                               "\r\n\r\n", json),
                  timeout);
}

std::string UrlEncoded(absl::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      encoded.push_back(c);
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace weir
