// A server's end of a session for tests, without a socket: HTTP/2 as nghttp2 speaks it, and answers
// as a test dictates them.
#ifndef WEIR_LOADGEN_CLIENT_FAKE_PEER_H_
#define WEIR_LOADGEN_CLIENT_FAKE_PEER_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "nghttp2/nghttp2.h"

namespace weir {

class FakePeer {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  struct Stream {
    std::map<std::string, std::string> headers;
    std::string body;
    bool ended = false;
    int64_t reset_with = -1;
  };

  explicit FakePeer(std::vector<nghttp2_settings_entry> settings = {});
  ~FakePeer();
  FakePeer(const FakePeer&) = delete;
  FakePeer& operator=(const FakePeer&) = delete;

  // Bytes from and for the client. Receive says whether they are right.
  bool Receive(absl::string_view bytes);
  std::string Output();

  // By their ids: 1, 3, 5 ...
  std::map<int32_t, Stream>& streams() { return streams_; }
  int pings_answered() const { return pings_answered_; }
  int pings() const { return pings_; }  // The client's.

  // What the server says on a stream. END_STREAM goes with the last headers if `end`.
  void SendHeaders(int32_t stream_id, const Headers& headers, bool end);
  void SendData(int32_t stream_id, std::string bytes, bool end = false);
  void Reset(int32_t stream_id, uint32_t http2_error);
  void GoAway(int32_t last_stream_id);
  void Ping();

  // An answer with one message, as gRPC's servers give it.
  void Answer(int32_t stream_id, absl::string_view message);

 private:
  struct Callbacks;

  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Stream> streams_;
  std::map<int32_t, std::string> sending_;
  std::map<int32_t, bool> ends_;
  std::string output_;
  int pings_answered_ = 0;
  int pings_ = 0;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_CLIENT_FAKE_PEER_H_
