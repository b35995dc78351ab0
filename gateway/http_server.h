// HTTP for people, scripts and Prometheus: a few paths that can be read, and nothing else.
//
// GET and HEAD of exact paths; other methods get 405, other paths 404. Texts are sent with gzip to
// whom asks for it. There are no files, no bodies of requests, no pages of civetweb's own.
#ifndef WEIR_GATEWAY_HTTP_SERVER_H_
#define WEIR_GATEWAY_HTTP_SERVER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/text_buffer.h"

namespace weir {

struct HttpResponse {
  int code = 200;
  absl::string_view content_type = "text/plain; charset=utf-8";  // A literal.
  TextBuffer body;  // Empty at first; its memory is used again by later requests.
};

// Fills in the response. Called by several threads at once.
using HttpHandler = std::function<void(HttpResponse&)>;

// Thread-safe. Answers from Create on until it is destroyed.
class HttpServer {
 public:
  struct Options {
    std::string host = "0.0.0.0";  // Address to listen on: IPv4, or IPv6.
    int port = 9400;               // 0: a free one.

    // How many connections are served at once; others wait. Each has a thread, which sleeps while
    // its client neither sends nor reads.
    int max_connections = 64;

    // A client that takes longer to send a request, or to read an answer, is cut off.
    absl::Duration timeout = absl::Seconds(10);

    // A connection without a request for so long is closed.
    absl::Duration idle_timeout = absl::Seconds(2);

    // By exact path, such as "/metrics".
    std::map<std::string, HttpHandler> routes;
  };

  // Fails with the system's reason if it cannot listen.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Create(Options options);

  // Ends requests that are being served: their handlers finish, their clients may get a part.
  virtual ~HttpServer() = default;

  virtual int port() const = 0;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_HTTP_SERVER_H_
