#include "loadgen/client/fake_peer.h"

#include <algorithm>

#include "base/grpc_message_reader.h"

namespace weir {

struct FakePeer::Callbacks {
  static FakePeer& Of(void* peer) { return *static_cast<FakePeer*>(peer); }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* peer) {
    Of(peer)
        .streams_[frame->hd.stream_id]
        .headers[std::string(reinterpret_cast<const char*>(name), name_size)] =
        std::string(reinterpret_cast<const char*>(value), value_size);
    return 0;
  }

  static int OnData(nghttp2_session*, uint8_t, int32_t stream_id, const uint8_t* bytes, size_t size,
                    void* peer) {
    Of(peer).streams_[stream_id].body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* peer) {
    const int32_t id = frame->hd.stream_id;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      Of(peer).streams_[id].reset_with = frame->rst_stream.error_code;
    } else if (frame->hd.type == NGHTTP2_PING) {
      ++((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 ? Of(peer).pings_answered_ : Of(peer).pings_);
    } else if (id != 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      Of(peer).streams_[id].ended = true;
    }
    return 0;
  }

  static ssize_t OnRead(nghttp2_session*, int32_t stream_id, uint8_t* to, size_t size,
                        uint32_t* flags, nghttp2_data_source*, void* peer) {
    std::string& bytes = Of(peer).sending_[stream_id];
    const size_t taken = std::min(size, bytes.size());
    std::copy_n(bytes.data(), taken, to);
    bytes.erase(0, taken);
    if (bytes.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!Of(peer).ends_[stream_id]) *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return static_cast<ssize_t>(taken);
  }
};

FakePeer::FakePeer(std::vector<nghttp2_settings_entry> settings) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::OnData);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::OnFrame);
  nghttp2_session_server_new(&session_, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
}

FakePeer::~FakePeer() { nghttp2_session_del(session_); }

bool FakePeer::Receive(absl::string_view bytes) {
  return nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()),
                                  bytes.size()) == static_cast<ssize_t>(bytes.size());
}

std::string FakePeer::Output() {
  const uint8_t* bytes = nullptr;
  ssize_t size = 0;
  while ((size = nghttp2_session_mem_send(session_, &bytes)) > 0) {
    output_.append(reinterpret_cast<const char*>(bytes), size);
  }
  return std::exchange(output_, "");
}

void FakePeer::SendHeaders(int32_t stream_id, const Headers& headers, bool end) {
  std::vector<nghttp2_nv> fields;
  for (const auto& [name, value] : headers) {
    fields.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(),
                      value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  nghttp2_submit_headers(session_, end ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE, stream_id,
                         nullptr, fields.data(), fields.size(), nullptr);
  output_ = Output();
}

void FakePeer::SendData(int32_t stream_id, std::string bytes, bool end) {
  sending_[stream_id] = std::move(bytes);
  ends_[stream_id] = end;
  const nghttp2_data_provider body = {.source = {}, .read_callback = Callbacks::OnRead};
  nghttp2_submit_data(session_, end ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE, stream_id,
                      &body);
  output_ = Output();
}

void FakePeer::Reset(int32_t stream_id, uint32_t http2_error) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream_id, http2_error);
}

void FakePeer::GoAway(int32_t last_stream_id) {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last_stream_id, NGHTTP2_NO_ERROR, nullptr, 0);
}

void FakePeer::Ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }

void FakePeer::Answer(int32_t stream_id, absl::string_view message) {
  const auto prefix = MessageReader::Prefix(message.size());
  SendHeaders(stream_id, {{":status", "200"}, {"content-type", "application/grpc"}}, false);
  SendData(stream_id, std::string(prefix.data(), prefix.size()) + std::string(message));
  SendHeaders(stream_id, {{"grpc-status", "0"}}, /*end=*/true);
}

}  // namespace weir
