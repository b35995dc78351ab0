#include "bench/http_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace weir {
namespace {

constexpr timeval kTimeout = {.tv_sec = 120, .tv_usec = 0};

absl::Status SystemError(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(errno)));
}

// The value of header `line`, if that is `name`, without spaces around it.
absl::string_view HeaderValue(absl::string_view line, absl::string_view name) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(line, absl::MaxSplits(':', 1));
  return absl::EqualsIgnoreCase(parts.first, name) ? absl::StripAsciiWhitespace(parts.second) : "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpConnection>> HttpConnection::Connect(
    const std::string& address) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(address, ':');
  int port = 0;
  sockaddr_in to = {.sin_family = AF_INET};
  if (!absl::SimpleAtoi(parts.second, &port) ||
      inet_pton(AF_INET, parts.first.c_str(), &to.sin_addr) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("no address: ", address));
  }
  to.sin_port = htons(static_cast<uint16_t>(port));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return SystemError("socket");
  auto connection = absl::WrapUnique(new HttpConnection(fd));
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof(kTimeout));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof(kTimeout));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
    return SystemError(absl::StrCat("connection to ", address));
  }
  return connection;
}

HttpConnection::~HttpConnection() { close(fd_); }

absl::StatusOr<HttpConnection::Response> HttpConnection::Get(absl::string_view path,
                                                             bool accept_gzip, std::string* body) {
  WEIR_RETURN_IF_ERROR(Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n",
                                         accept_gzip ? "Accept-Encoding: gzip\r\n" : "", "\r\n"),
                            ""));
  return ReceiveResponse(body);
}

absl::StatusOr<HttpConnection::Response> HttpConnection::Put(absl::string_view path,
                                                             absl::string_view body) {
  WEIR_RETURN_IF_ERROR(SendBody("PUT", path, body));
  return ReceiveResponse(nullptr);
}

absl::StatusOr<HttpConnection::Response> HttpConnection::Post(absl::string_view path,
                                                              absl::string_view body,
                                                              std::string* answer) {
  WEIR_RETURN_IF_ERROR(SendBody("POST", path, body));
  return ReceiveResponse(answer);
}

absl::Status HttpConnection::SendBody(absl::string_view method, absl::string_view path,
                                      absl::string_view body) {
  return Send(absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: localhost\r\n",
                           "Content-Length: ", body.size(), "\r\n\r\n"),
              body);
}

absl::Status HttpConnection::Send(absl::string_view head, absl::string_view body) {
  while (!head.empty() || !body.empty()) {
    iovec parts[] = {{const_cast<char*>(head.data()), head.size()},
                     {const_cast<char*>(body.data()), body.size()}};
    const msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return SystemError("request");
    const size_t of_head = std::min<size_t>(sent, head.size());
    head.remove_prefix(of_head);
    body.remove_prefix(sent - of_head);
  }
  return absl::OkStatus();
}

absl::StatusOr<HttpConnection::Response> HttpConnection::ReceiveResponse(std::string* body) {
  if (body != nullptr) body->clear();
  WEIR_ASSIGN_OR_RETURN(const std::string status_line, ReceiveLine());
  const std::vector<absl::string_view> words = absl::StrSplit(status_line, ' ');
  Response response;
  if (words.size() < 2 || !absl::SimpleAtoi(words[1], &response.status)) {
    return absl::UnavailableError(absl::StrCat("no HTTP answer: ", status_line));
  }
  bool chunked = false;
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const std::string line, ReceiveLine());
    if (line.empty()) break;
    const absl::string_view length = HeaderValue(line, "Content-Length");
    if (!length.empty() && !absl::SimpleAtoi(length, &response.body_bytes)) {
      return absl::UnavailableError(absl::StrCat("no length: ", line));
    }
    chunked |= HeaderValue(line, "Transfer-Encoding") == "chunked";
  }
  if (chunked) {
    WEIR_ASSIGN_OR_RETURN(response.body_bytes, ReceiveChunks(body));
  } else {
    WEIR_RETURN_IF_ERROR(ReceiveBytes(response.body_bytes, body));
  }
  return response;
}

absl::StatusOr<int64_t> HttpConnection::ReceiveChunks(std::string* body) {
  int64_t bytes = 0;
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const std::string line, ReceiveLine());
    int64_t size = 0;
    if (!absl::SimpleHexAtoi(line, &size)) {
      return absl::UnavailableError(absl::StrCat("no chunk: ", line));
    }
    WEIR_RETURN_IF_ERROR(ReceiveBytes(size, body));
    WEIR_RETURN_IF_ERROR(ReceiveLine().status());  // The end of the chunk, or of all.
    if (size == 0) return bytes;
    bytes += size;
  }
}

absl::StatusOr<std::string> HttpConnection::ReceiveLine() {
  std::string line;
  while (true) {
    const auto begin = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_);
    const auto end = buffer_.begin() + static_cast<std::ptrdiff_t>(end_);
    const auto line_end = std::find(begin, end, '\n');
    line.append(begin, line_end);
    if (line_end != end) {
      begin_ += line_end - begin + 1;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      return line;
    }
    WEIR_RETURN_IF_ERROR(FillBuffer());
  }
}

absl::Status HttpConnection::ReceiveBytes(int64_t bytes, std::string* body) {
  while (bytes > 0) {
    if (begin_ == end_) WEIR_RETURN_IF_ERROR(FillBuffer());
    const size_t size = std::min<size_t>(bytes, end_ - begin_);
    if (body != nullptr) body->append(&buffer_[begin_], size);
    begin_ += size;
    bytes -= static_cast<int64_t>(size);
  }
  return absl::OkStatus();
}

absl::Status HttpConnection::FillBuffer() {
  ssize_t received = 0;
  do {
    received = recv(fd_, buffer_.data(), buffer_.size(), 0);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return SystemError("answer");
  if (received == 0) return absl::UnavailableError("the connection ends before the answer");
  begin_ = 0;
  end_ = received;
  return absl::OkStatus();
}

}  // namespace weir
