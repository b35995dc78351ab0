#include "gateway/http_server.h"

#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "base/status_macros.h"
#include "gateway/buffer_pool.h"
#include "gateway/gzip.h"

namespace weir {
namespace {

// Headers of a request, and a little that libmicrohttpd needs beside them.
constexpr size_t kMaxRequestBytes = size_t{32} << 10;

// What is smaller is sent as it is.
constexpr size_t kMinGzipBytes = 1024;

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

absl::StatusOr<int> Listen(const std::string& host, int port) {
  const auto failed = [&](absl::string_view reason) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", HostPort(host, port), ": ", reason));
  };
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  absl::string_view name = host;
  if (absl::ConsumePrefix(&name, "[")) absl::ConsumeSuffix(&name, "]");
  if (const int error =
          getaddrinfo(std::string(name).c_str(), absl::StrCat(port).c_str(), &hints, &found)) {
    return failed(gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> address(found);
  const int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                        address->ai_protocol);
  if (fd < 0) return failed(strerror(errno));
  absl::Cleanup close_fd = [fd] { close(fd); };
  // Connections in TIME_WAIT do not count.
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
    return failed(strerror(errno));
  }
  std::move(close_fd).Cancel();
  return fd;
}

unsigned Seconds(absl::Duration timeout) {
  return static_cast<unsigned>(std::max<int64_t>(1, absl::ToInt64Seconds(timeout)));
}

void Log(void*, const char* format, va_list arguments) {
  char text[512];
  vsnprintf(text, sizeof(text), format, arguments);
  WEIR_LOG_EVERY(kWarning, absl::Seconds(10), "HTTP: ", absl::StripTrailingAsciiWhitespace(text));
}

// Paths are compared as they came: %00 would end them early.
size_t KeepPath(void*, MHD_Connection*, char* path) { return std::strlen(path); }

class MicroHttpServer : public HttpServer {
 public:
  explicit MicroHttpServer(Options options) : options_(std::move(options)) {}
  ~MicroHttpServer() override {
    if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
  }

  absl::Status Start() {
    WEIR_ASSIGN_OR_RETURN(const int fd, Listen(options_.host, options_.port));
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    char port[NI_MAXSERV] = "";
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        getnameinfo(reinterpret_cast<sockaddr*>(&address), size, nullptr, 0, port, sizeof(port),
                    NI_NUMERICSERV) != 0 ||
        !absl::SimpleAtoi(port, &port_)) {
      close(fd);
      return absl::UnavailableError("cannot find out the port of a socket");
    }
    daemon_ = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, nullptr, nullptr,
        &MicroHttpServer::OnRequest, this, MHD_OPTION_EXTERNAL_LOGGER, &Log, nullptr,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
        static_cast<unsigned>(options_.threads), MHD_OPTION_CONNECTION_LIMIT,
        static_cast<unsigned>(options_.max_connections), MHD_OPTION_CONNECTION_TIMEOUT,
        Seconds(options_.first_timeout), MHD_OPTION_CONNECTION_MEMORY_LIMIT, kMaxRequestBytes,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, &KeepPath, nullptr,
        MHD_OPTION_END);
    if (daemon_ == nullptr) {
      close(fd);
      return absl::UnavailableError(
          absl::StrCat("cannot serve HTTP on ", HostPort(options_.host, port_)));
    }
    return absl::OkStatus();
  }

  int port() const override { return port_; }

 private:
  // A body that is being sent.
  struct Sent {
    int64_t bytes() const { return static_cast<int64_t>(page.memory_bytes() + gzip.size()); }

    MicroHttpServer* server;
    PageText page;
    TextBuffer gzip;  // If it is sent so; the page is empty then.
    PageText::Reader reader{page};
  };

  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* path,
                              const char* method, const char* /*version*/, const char* /*body*/,
                              size_t* /*body_size*/, void** seen) {
    return static_cast<MicroHttpServer*>(self)->Answer(connection, path, method, seen);
  }

  static const char* Header(MHD_Connection* connection, const char* name) {
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  }

  MHD_Result Answer(MHD_Connection* connection, absl::string_view path, absl::string_view method,
                    void** seen) {
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, Seconds(options_.timeout));
    // An answer before all of a request has come ends the connection: right for those who would
    // send a body.
    const char* const length = Header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const bool has_body = (length != nullptr && absl::string_view(length) != "0") ||
                          Header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) != nullptr;
    if (!has_body && *seen == nullptr) {
      *seen = this;
      return MHD_YES;
    }
    const auto found = options_.routes.find(std::string(path));
    if (found == options_.routes.end()) {
      return SendError(connection, MHD_HTTP_NOT_FOUND, "there is nothing here\n");
    }
    if (method != "GET" && method != "HEAD") {
      return SendError(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD are allowed\n");
    }
    if (has_body) {
      return SendError(connection, MHD_HTTP_CONTENT_TOO_LARGE, "requests have no bodies here\n");
    }
    const HttpRoute& route = found->second;
    // Says nothing of other data, so relaxed is enough; a little more than the limit does no harm.
    if (route.is_large &&
        unread_bytes_.load(std::memory_order_relaxed) > options_.max_unread_bytes) {
      return SendError(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many slow readers\n");
    }
    const absl::Time began = MonotonicNow();
    HttpResponse response;
    response.body = PageText(buffers_.Take());
    route.handler(response);
    TextBuffer gzip;
    const char* const accepted = Header(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    if (accepted != nullptr && AcceptsGzip(accepted) && response.body.size() >= kMinGzipBytes) {
      gzip = buffers_.Take();
      Gzip(response.body, gzip);
      buffers_.Give(std::move(response.body).ReleaseMemory());
      response.body = PageText();
    }
    if (route.observe && response.code == MHD_HTTP_OK) route.observe(MonotonicNow() - began);
    return Send(connection, std::move(response), std::move(gzip));
  }

  MHD_Result SendError(MHD_Connection* connection, int code, absl::string_view text) {
    HttpResponse response;
    response.code = code;
    response.body.Append(text);
    return Send(connection, std::move(response), TextBuffer());
  }

  // Of `gzip` and the response's body one is empty.
  MHD_Result Send(MHD_Connection* connection, HttpResponse response, TextBuffer gzip) {
    const bool is_gzip = gzip.size() > 0;
    auto* const sent = new Sent{this, std::move(response.body), std::move(gzip)};
    unread_bytes_.fetch_add(sent->bytes(), std::memory_order_relaxed);
    MHD_Response* const message =
        is_gzip ? MHD_create_response_from_buffer_with_free_callback_cls(
                      sent->gzip.size(), const_cast<char*>(sent->gzip.text().data()),
                      &MicroHttpServer::OnSent, sent)
                : MHD_create_response_from_callback(sent->page.size(), PieceBytes(sent->page),
                                                    &MicroHttpServer::ReadPiece, sent,
                                                    &MicroHttpServer::OnSent);
    if (message == nullptr) {
      OnSent(sent);
      return MHD_NO;
    }
    const absl::Cleanup release = [message] { MHD_destroy_response(message); };
    const auto add = [message](const char* name, absl::string_view value) {
      MHD_add_response_header(message, name, std::string(value).c_str());
    };
    add(MHD_HTTP_HEADER_CONTENT_TYPE, response.content_type);
    add(MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    add(MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    add("X-Content-Type-Options", "nosniff");
    if (is_gzip) add(MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    if (response.code == MHD_HTTP_METHOD_NOT_ALLOWED) add(MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    return MHD_queue_response(connection, response.code, message);
  }

  static size_t PieceBytes(const PageText& page) {
    // Stays in the processor's cache until it is sent.
    constexpr size_t kPieceBytes = size_t{256} << 10;
    return std::min(kPieceBytes, page.size() + kCopyBlock);
  }

  static ssize_t ReadPiece(void* argument, uint64_t /*position*/, char* to, size_t /*wanted*/) {
    auto* const sent = static_cast<Sent*>(argument);
    const size_t size = sent->reader.Read(to, PieceBytes(sent->page));
    return size == 0 ? MHD_CONTENT_READER_END_OF_STREAM : static_cast<ssize_t>(size);
  }

  static void OnSent(void* argument) {
    const std::unique_ptr<Sent> sent(static_cast<Sent*>(argument));
    MicroHttpServer& server = *sent->server;
    server.unread_bytes_.fetch_sub(sent->bytes(), std::memory_order_relaxed);
    server.buffers_.Give(sent->gzip.size() > 0 ? std::move(sent->gzip)
                                               : std::move(sent->page).ReleaseMemory());
  }

  const Options options_;
  int port_ = 0;
  BufferPool buffers_;
  std::atomic<int64_t> unread_bytes_ = 0;
  MHD_Daemon* daemon_ = nullptr;  // Stopped before the rest goes.
};

}  // namespace

bool AcceptsGzip(absl::string_view accept_encoding) {
  bool any = false;
  for (const absl::string_view part : absl::StrSplit(accept_encoding, ',')) {
    const std::pair<absl::string_view, absl::string_view> coding =
        absl::StrSplit(part, absl::MaxSplits(';', 1));
    const absl::string_view name = absl::StripAsciiWhitespace(coding.first);
    const std::string quality = absl::StrReplaceAll(coding.second, {{" ", ""}, {"\t", ""}});
    absl::string_view digits = quality;
    double q = 1;
    if (absl::ConsumePrefix(&digits, "q=") && !absl::SimpleAtod(digits, &q)) q = 0;
    if (absl::EqualsIgnoreCase(name, "gzip") || absl::EqualsIgnoreCase(name, "x-gzip"))
      return q > 0;
    if (name == "*") any = q > 0;
  }
  return any;
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Create(Options options) {
  auto server = std::make_unique<MicroHttpServer>(std::move(options));
  WEIR_RETURN_IF_ERROR(server->Start());
  return server;
}

}  // namespace weir
