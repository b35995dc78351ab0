// An HTTP client that costs as little as one can: one connection that is kept alive, blocking.
#ifndef WEIR_BENCH_HTTP_CONNECTION_H_
#define WEIR_BENCH_HTTP_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

// To be used by one thread at a time.
class HttpConnection {
 public:
  struct Response {
    int status = 0;
    int64_t body_bytes = 0;
  };

  // `address` is "127.0.0.1:9400": an IPv4 address and a port.
  static absl::StatusOr<std::unique_ptr<HttpConnection>> Connect(const std::string& address);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // GET `path`, and the whole answer. Its body is put into `body`, or thrown away without. Any HTTP
  // status is an answer; UNAVAILABLE if none comes within two minutes, and then the connection is
  // of no more use.
  absl::StatusOr<Response> Get(absl::string_view path, bool accept_gzip = false,
                               std::string* body = nullptr);

  absl::StatusOr<Response> Put(absl::string_view path, absl::string_view body);
  absl::StatusOr<Response> Post(absl::string_view path, absl::string_view body,
                                std::string* answer);

 private:
  explicit HttpConnection(int fd) : fd_(fd), buffer_(kBufferBytes) {}

  // Small enough to stay in the processor's cache.
  static constexpr size_t kBufferBytes = 256 << 10;

  absl::Status Send(absl::string_view head, absl::string_view body);
  absl::Status SendBody(absl::string_view method, absl::string_view path, absl::string_view body);
  absl::StatusOr<Response> ReceiveResponse(std::string* body);
  absl::StatusOr<int64_t> ReceiveChunks(std::string* body);
  absl::StatusOr<std::string> ReceiveLine();
  absl::Status ReceiveBytes(int64_t bytes, std::string* body);
  absl::Status FillBuffer();

  const int fd_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // What was received and not used yet is [begin_, end_) of the buffer.
  size_t end_ = 0;
};

}  // namespace weir

#endif  // WEIR_BENCH_HTTP_CONNECTION_H_
