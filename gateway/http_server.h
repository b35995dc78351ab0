// HTTP for people, scripts and Prometheus: a few paths that can be read, and nothing else.
//
// GET and HEAD of exact paths; other methods get 405, other paths 404. Texts are sent with gzip to
// whom asks for it. There are no files and no bodies of requests.
//
// On libmicrohttpd: a few threads wait for all connections at once. civetweb, which prometheus-cpp
// brings along, has a thread for each connection: nobody gets an answer behind as many clients as
// it has threads. docs/performance.md compares the two.
#ifndef WEIR_GATEWAY_HTTP_SERVER_H_
#define WEIR_GATEWAY_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/page_text.h"

namespace weir {

struct HttpResponse {
  int code = 200;
  absl::string_view content_type = "text/plain; charset=utf-8";  // A literal.
  PageText body;  // Empty at first; its memory is used again by later requests.
};

// Fills in the response. Called by several threads at once.
using HttpHandler = std::function<void(HttpResponse&)>;

struct HttpRoute {
  HttpHandler handler;

  // Its answers are large enough to fill the memory when nobody reads them: max_unread_bytes
  // applies. Others are answered whatever slow readers hold.
  bool is_large = false;

  // If set, called with how long it took to make an answer of code 200, compression included.
  std::function<void(absl::Duration)> observe = nullptr;
};

// Whether a request with this header takes gzip.
bool AcceptsGzip(absl::string_view accept_encoding);

// Thread-safe. Answers from Create on until it is destroyed.
class HttpServer {
 public:
  struct Options {
    std::string host = "0.0.0.0";  // A name, an IPv4 or IPv6 address.
    int port = 9400;               // 0: a free one.

    // Handlers that run at once. A client that is slow to send or to read keeps none of them, but
    // one of the connections.
    int threads = 4;

    // More wait until one of these is closed. There is no limit by address: all that come by way
    // of a proxy have one.
    int max_connections = 1000;

    // A client that neither sends nor reads for so long is cut off: before its first request has
    // come, and after that. Whole seconds. A client that sends a byte now and then stays.
    absl::Duration first_timeout = absl::Seconds(5);
    absl::Duration timeout = absl::Seconds(30);

    // What clients have not read yet of their answers; over it, requests of large pages get 503.
    int64_t max_unread_bytes = int64_t{512} << 20;

    // By exact path, such as "/metrics".
    std::map<std::string, HttpRoute> routes;
  };

  // Fails with the system's reason if it cannot listen.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Create(Options options);

  // Waits for handlers that run; clients may get a part of their answers.
  virtual ~HttpServer() = default;

  virtual int port() const = 0;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_HTTP_SERVER_H_
