#include "server/http2/fake_client.h"

#include <algorithm>

#include "base/grpc_message_reader.h"

namespace weir {

struct FakeClient::Callbacks {
  static FakeClient& Of(void* client) { return *static_cast<FakeClient*>(client); }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* client) {
    Stream& stream = Of(client).streams_[frame->hd.stream_id];
    (frame->headers.cat == NGHTTP2_HCAT_RESPONSE ? stream.headers : stream.trailers)
        .emplace(std::string(reinterpret_cast<const char*>(name), name_size),
                 std::string(reinterpret_cast<const char*>(value), value_size));
    return 0;
  }

  static int OnData(nghttp2_session*, uint8_t, int32_t stream_id, const uint8_t* bytes, size_t size,
                    void* client) {
    Of(client).streams_[stream_id].body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* client) {
    const int32_t id = frame->hd.stream_id;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      Of(client).streams_[id].reset_with = frame->rst_stream.error_code;
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
      Of(client).told_to_go_ = true;
    } else if (id != 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      Of(client).streams_[id].ended = true;
    }
    return 0;
  }

  static int OnStreamClose(nghttp2_session*, int32_t stream_id, uint32_t, void* client) {
    Of(client).streams_[stream_id].closed = true;
    return 0;
  }

  static ssize_t OnRead(nghttp2_session*, int32_t stream_id, uint8_t* to, size_t size,
                        uint32_t* flags, nghttp2_data_source*, void* client) {
    Sending& sending = Of(client).sending_[stream_id];
    if (sending.bytes.empty() && !sending.end) return NGHTTP2_ERR_DEFERRED;
    const size_t taken = std::min(size, sending.bytes.size());
    std::copy_n(sending.bytes.data(), taken, to);
    sending.bytes.erase(0, taken);
    if (sending.bytes.empty() && sending.end) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(taken);
  }
};

FakeClient::FakeClient(std::vector<nghttp2_settings_entry> settings) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::OnData);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::OnFrame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::OnStreamClose);
  nghttp2_session_client_new(&session_, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
}

FakeClient::~FakeClient() { nghttp2_session_del(session_); }

bool FakeClient::Receive(absl::string_view bytes) {
  return nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()),
                                  bytes.size()) == static_cast<ssize_t>(bytes.size());
}

std::string FakeClient::Output() {
  std::string output;
  const uint8_t* bytes = nullptr;
  ssize_t size = 0;
  while ((size = nghttp2_session_mem_send(session_, &bytes)) > 0) {
    output.append(reinterpret_cast<const char*>(bytes), size);
  }
  return output;
}

FakeClient::Headers FakeClient::Call(const std::string& path, const Headers& more) {
  Headers headers = {{":method", "POST"}, {":scheme", "http"},
                     {":path", path},     {":authority", "test:1"},
                     {"te", "trailers"},  {"content-type", "application/grpc"}};
  headers.insert(headers.end(), more.begin(), more.end());
  return headers;
}

std::string FakeClient::Framed(absl::string_view message, bool compressed) {
  auto prefix = MessageReader::Prefix(message.size());
  prefix[0] = compressed ? 1 : 0;
  return std::string(prefix.data(), prefix.size()) + std::string(message);
}

int32_t FakeClient::Start(const Headers& headers, std::string body, bool end) {
  std::vector<nghttp2_nv> fields;
  for (const auto& [name, value] : headers) {
    fields.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(),
                      value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  const nghttp2_data_provider source = {.source = {}, .read_callback = Callbacks::OnRead};
  const bool empty = body.empty() && end;
  const int32_t id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                            empty ? nullptr : &source, nullptr);
  sending_[id] = {.bytes = std::move(body), .end = end};
  return id;
}

void FakeClient::Send(int32_t stream_id, absl::string_view bytes, bool end) {
  Sending& sending = sending_[stream_id];
  sending.bytes.append(bytes.data(), bytes.size());
  sending.end |= end;
  nghttp2_session_resume_data(session_, stream_id);
}

void FakeClient::Reset(int32_t stream_id, uint32_t http2_error) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream_id, http2_error);
}

void FakeClient::OpenWindow(int32_t bytes) {
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, bytes);
}

int32_t FakeClient::Window(int32_t stream_id) const {
  return nghttp2_session_get_stream_remote_window_size(session_, stream_id);
}

}  // namespace weir
