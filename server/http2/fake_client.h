// A client's end of a connection for tests, without a socket: HTTP/2 as nghttp2 speaks it, and
// calls as a test dictates them.
#ifndef WEIR_SERVER_HTTP2_FAKE_CLIENT_H_
#define WEIR_SERVER_HTTP2_FAKE_CLIENT_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "nghttp2/nghttp2.h"

namespace weir {

class FakeClient {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  // What was answered.
  struct Stream {
    std::map<std::string, std::string> headers;  // Trailers too where they come alone.
    std::map<std::string, std::string> trailers;
    std::string body;
    bool ended = false;
    bool closed = false;
    int64_t reset_with = -1;
  };

  explicit FakeClient(std::vector<nghttp2_settings_entry> settings = {});
  ~FakeClient();
  FakeClient(const FakeClient&) = delete;
  FakeClient& operator=(const FakeClient&) = delete;

  // Bytes from and for the server. Receive says whether they are right.
  bool Receive(absl::string_view bytes);
  std::string Output();

  // A call's headers as gRPC wants them, with `more` behind them.
  static Headers Call(const std::string& path, const Headers& more = {});

  // A message with its prefix.
  static std::string Framed(absl::string_view message, bool compressed = false);

  // Starts a stream and returns its id; the caller half-closes it if `end`.
  int32_t Start(const Headers& headers, std::string body = "", bool end = false);
  void Send(int32_t stream_id, absl::string_view bytes, bool end = false);
  void Reset(int32_t stream_id, uint32_t http2_error);

  // Lets the server send so much at once, on all streams together.
  void OpenWindow(int32_t bytes);

  // How much may be sent on a stream for now, and how much waits to be.
  int32_t Window(int32_t stream_id) const;
  size_t Unsent(int32_t stream_id) const { return sending_.at(stream_id).bytes.size(); }

  Stream& stream(int32_t id) { return streams_[id]; }
  bool told_to_go() const { return told_to_go_; }

 private:
  struct Callbacks;

  struct Sending {
    std::string bytes;
    bool end = false;
  };

  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Stream> streams_;
  std::map<int32_t, Sending> sending_;
  bool told_to_go_ = false;
};

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_FAKE_CLIENT_H_
