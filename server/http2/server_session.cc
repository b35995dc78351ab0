#include "server/http2/server_session.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/grpc_wire.h"
#include "base/status_macros.h"
#include "server/http2/decompress.h"

namespace weir {
namespace {

constexpr int32_t kConnectionWindowBytes = 64 << 20;
constexpr uint32_t kMaxCalls = 10'000;       // On one connection; a client's others wait there.
constexpr size_t kMaxHeaderBytes = 8 << 10;  // Of a call.

// Callers whose deadlines pass reset their streams: in the worst case all of them, every second.
constexpr uint64_t kMaxResets = kMaxCalls;
constexpr uint64_t kResetsPerSecond = kMaxCalls;

// Of a status. Clients of gRPC take headers of 8 KB.
constexpr size_t kMaxStatusBytes = 4 << 10;

absl::string_view View(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// What is copied where the value does not outlive the call of nghttp2.
nghttp2_nv Header(absl::string_view name, absl::string_view value,
                  uint8_t flags = NGHTTP2_NV_FLAG_NO_COPY_NAME) {
  return {.name = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          .value = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = flags};
}

nghttp2_nv Constant(absl::string_view name, absl::string_view value) {
  return Header(name, value, NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE);
}

const nghttp2_nv kHttpOk = Constant(":status", "200");
const nghttp2_nv kContentType = Constant("content-type", "application/grpc");
const nghttp2_nv kGrpcOk = Constant("grpc-status", "0");

absl::Status Broken(absl::string_view why) { return absl::UnavailableError(why); }

}  // namespace

// What nghttp2 calls. A function that finds no call is about a stream that was refused.
struct ServerSession::Callbacks {
  static ServerSession& Of(void* session) { return *static_cast<ServerSession*>(session); }

  static bool IsRequest(const nghttp2_frame& frame) {
    return frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST;
  }

  static int OnBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* session) {
    if (IsRequest(*frame)) Of(session).opening_.Clear();
    return 0;
  }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* session) {
    if (IsRequest(*frame)) Of(session).OnHeader(View(name, name_size), View(value, value_size));
    return 0;
  }

  static int OnData(nghttp2_session*, uint8_t, int32_t stream_id, const uint8_t* bytes, size_t size,
                    void* session) {
    Of(session).OnData(stream_id, View(bytes, size));
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    ServerSession& session = Of(user_data);
    if (IsRequest(*frame)) session.OnHeaders(frame->hd.stream_id);
    const bool has_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (has_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      session.OnEndStream(frame->hd.stream_id);
    }
    return 0;
  }

  static int OnFrameSent(nghttp2_session*, const nghttp2_frame* frame, void* session) {
    Of(session).OnFrameSent(*frame);
    return 0;
  }

  static int OnStreamClose(nghttp2_session*, int32_t stream_id, uint32_t, void* session) {
    Of(session).OnStreamClose(stream_id);
    return 0;
  }

  static int OnError(nghttp2_session*, int, const char* text, size_t size, void* session) {
    Of(session).error_.assign(text, size);
    return 0;
  }

  static ssize_t OnRead(nghttp2_session*, int32_t stream_id, uint8_t*, size_t length,
                        uint32_t* flags, nghttp2_data_source*, void* session) {
    ServerCall* const call = Of(session).Find(stream_id);
    if (call == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return Of(session).OnRead(*call, length, *flags);
  }

  static int OnSend(nghttp2_session*, nghttp2_frame* frame, const uint8_t* frame_header,
                    size_t length, nghttp2_data_source*, void* user_data) {
    constexpr size_t kFrameHeaderBytes = 9;
    ServerSession& session = Of(user_data);
    ServerCall* const call = session.Find(frame->hd.stream_id);
    if (call == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    session.OnSend(*call, View(frame_header, kFrameHeaderBytes), length);
    return session.output_->size() < session.output_limit_ ? 0 : NGHTTP2_ERR_PAUSE;
  }

  static nghttp2_session* NewSession(ServerSession& session) {
    static nghttp2_session_callbacks* const callbacks = [] {
      nghttp2_session_callbacks* made = nullptr;
      nghttp2_session_callbacks_new(&made);
      nghttp2_session_callbacks_set_on_begin_headers_callback(made, OnBeginHeaders);
      nghttp2_session_callbacks_set_on_header_callback(made, OnHeader);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, OnData);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, OnFrame);
      nghttp2_session_callbacks_set_on_frame_send_callback(made, OnFrameSent);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, OnStreamClose);
      nghttp2_session_callbacks_set_error_callback2(made, OnError);
      nghttp2_session_callbacks_set_send_data_callback(made, OnSend);
      return made;
    }();
    static nghttp2_option* const options = [] {
      nghttp2_option* made = nullptr;
      nghttp2_option_new(&made);
      nghttp2_option_set_no_auto_window_update(made, 1);
      nghttp2_option_set_no_closed_streams(made, 1);
      nghttp2_option_set_stream_reset_rate_limit(made, kMaxResets, kResetsPerSecond);
      return made;
    }();
    nghttp2_session* made = nullptr;
    nghttp2_session_server_new2(&made, callbacks, &session, options);
    return made;
  }
};

ServerSession::ServerSession(const Options& options, int64_t& partial_bytes,
                             std::function<void()> on_output)
    : options_(options),
      partial_bytes_(partial_bytes),
      on_output_(std::move(on_output)),
      session_(Callbacks::NewSession(*this)) {
  const std::array<nghttp2_settings_entry, 4> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMaxCalls},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMaxHeaderBytes},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindowBytes);
  NoteOutput();
}

ServerSession::~ServerSession() {
  CloseCalls();
  nghttp2_session_del(session_);
}

void ServerSession::CloseCalls() {
  while (ServerCall* const call = calls_.front()) Close(*call);
}

void ServerSession::NoteOutput() {
  if (!std::exchange(has_output_, true)) on_output_();
}

ServerCall* ServerSession::Find(int32_t stream_id) {
  if (stream_id != found_id_) {
    found_ = static_cast<ServerCall*>(nghttp2_session_get_stream_user_data(session_, stream_id));
    found_id_ = stream_id;
  }
  return found_;
}

absl::StatusOr<bool> ServerSession::Receive(absl::string_view bytes) {
  submitted_ = false;
  received_ = MonotonicNow();
  const auto receive = [this](absl::string_view piece) {
    const ssize_t used = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const uint8_t*>(piece.data()), piece.size());
    return used < 0 ? Broken(nghttp2_strerror(static_cast<int>(used))) : absl::OkStatus();
  };
  const auto last_opened = [this] { return nghttp2_session_get_last_proc_stream_id(session_); };
  WEIR_RETURN_IF_ERROR(idle_resets_.Filter(bytes, last_opened, receive));
  if (nghttp2_session_want_write(session_) != 0) NoteOutput();
  return submitted_;
}

absl::Status ServerSession::TakeOutput(std::string& output, size_t limit) {
  output_ = &output;
  output_limit_ = limit;
  while (output.size() < limit) {
    const uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) return Broken(nghttp2_strerror(static_cast<int>(size)));
    if (size == 0) break;
    output.append(reinterpret_cast<const char*>(bytes), size);
  }
  has_output_ = output.size() >= limit;
  if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) {
    return Broken(error_.empty() ? "the connection is at its end" : error_);
  }
  return absl::OkStatus();
}

void ServerSession::GoAway(const absl::Status& status) {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  for (ServerCall* call = calls_.front(); call != nullptr; call = calls_.next(*call)) {
    call->Finish(status);
  }
  NoteOutput();
}

void ServerSession::ResetCallsDueBefore(absl::Time time) {
  for (const ServerCall* call = calls_.front(); call != nullptr; call = calls_.next(*call)) {
    if (call->head_.deadline >= time) continue;
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, call->stream_id_, NGHTTP2_CANCEL);
    NoteOutput();
  }
}

// ---- In

void ServerSession::Opening::Clear() {
  std::string kept = std::move(path);
  kept.clear();
  *this = {};
  path = std::move(kept);
}

void ServerSession::OnHeader(absl::string_view name, absl::string_view value) {
  // As HTTP/2 counts them.
  constexpr size_t kEntryBytes = 32;
  opening_.bytes += name.size() + value.size() + kEntryBytes;
  if (opening_.bytes > kMaxHeaderBytes) {
    opening_.too_large = true;
    opening_.head.metadata.clear();
  } else if (name == ":path") {
    opening_.path.assign(value.data(), value.size());
  } else if (name == ":method") {
    opening_.is_post = value == "POST";
  } else if (name == "content-type") {
    constexpr absl::string_view kGrpc = "application/grpc";
    opening_.is_grpc =
        absl::StartsWith(value, kGrpc) &&
        (value.size() == kGrpc.size() || value[kGrpc.size()] == '+' || value[kGrpc.size()] == ';');
  } else if (name == "grpc-timeout") {
    const std::optional<int64_t> timeout_ns = ParseGrpcTimeout(value);
    opening_.bad_timeout = !timeout_ns.has_value();
    opening_.head.deadline = received_ + absl::Nanoseconds(timeout_ns.value_or(0));
  } else if (name == "grpc-encoding") {
    opening_.encoding = std::string(value);
  } else if (absl::StartsWith(name, "weir-")) {
    opening_.head.metadata.emplace_back(name, value);
  }
}

absl::Status ServerSession::WhyNotOpen() const {
  if (opening_.too_large) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the call's metadata is larger than ", kMaxHeaderBytes, " bytes"));
  }
  if (opening_.bad_timeout) return absl::InternalError("grpc-timeout is malformed");
  if (!opening_.encoding.empty() && !IsAcceptedEncoding(opening_.encoding)) {
    return absl::UnimplementedError(absl::StrCat("grpc-encoding is none of ", kAcceptedEncodings));
  }
  return absl::OkStatus();
}

void ServerSession::OnHeaders(int32_t stream_id) {
  if (!opening_.too_large && (!opening_.is_post || !opening_.is_grpc)) {
    // Whoever speaks no gRPC is told in HTTP's words.
    const nghttp2_nv status = Constant(":status", opening_.is_post ? "415" : "405");
    nghttp2_submit_response(session_, stream_id, &status, 1, nullptr);
    return;
  }
  if (const absl::Status status = WhyNotOpen(); !status.ok()) return Refuse(stream_id, status);
  ServerCall* const call = options_.make_call(opening_.path);
  if (call == nullptr) {
    return Refuse(stream_id, absl::UnimplementedError("there is no such method here"));
  }
  call->session_ = this;
  call->stream_id_ = stream_id;
  call->head_ = std::move(opening_.head);
  call->encoding_ = std::move(opening_.encoding);
  call->max_message_bytes_ = options_.max_message_bytes;
  calls_.push_back(*call);
  nghttp2_session_set_stream_user_data(session_, stream_id, call);
  found_id_ = stream_id;
  found_ = call;
  call->OnOpen();
  call->reader_ = MessageReader(call->max_message_bytes_);
}

void ServerSession::OnData(int32_t stream_id, absl::string_view bytes) {
  nghttp2_session_consume_connection(session_, bytes.size());
  ServerCall* const call = Find(stream_id);
  if (call == nullptr) return;
  if (call->paused_) {
    // Its window, which is not opened again, bounds it.
    call->held_.append(bytes.data(), bytes.size());
    partial_bytes_ += static_cast<int64_t>(bytes.size());
    Limit(*call);
  } else {
    submitted_ |= ReadMessages(*call, bytes);
  }
}

// What has been read opens the caller's window again.
bool ServerSession::ReadMessages(ServerCall& call, absl::string_view bytes) {
  bool submitted = false;
  const size_t size = bytes.size();
  const auto partial_before = static_cast<int64_t>(call.reader_.partial_bytes());
  while (!call.paused_ && !call.finished_) {
    absl::string_view message;
    const MessageReader::State state = call.reader_.Read(bytes, message);
    if (state == MessageReader::State::kMore) break;
    if (state == MessageReader::State::kMessage) {
      submitted |= call.OnMessage(message);
      call.reader_.Reset();  // The message is not lent any more.
    } else if (state == MessageReader::State::kCompressed) {
      absl::StatusOr<std::string> unpacked =
          Decompress(message, call.encoding_, call.max_message_bytes_);
      call.reader_.Reset();  // Keeps less of the packed one.
      if (unpacked.ok()) {
        submitted |= call.OnMessage(*unpacked);
      } else {
        call.Finish(unpacked.status());
      }
    } else {
      call.Finish(absl::ResourceExhaustedError(
          absl::StrCat("a message is larger than ", call.max_message_bytes_, " bytes")));
    }
  }
  if (call.finished_) {
    call.reader_.Reset();
    bytes = {};
  } else if (call.paused_) {
    call.held_ = std::string(bytes);
    partial_bytes_ += static_cast<int64_t>(bytes.size());
  }
  nghttp2_session_consume_stream(session_, call.stream_id_,
                                 size - (call.paused_ ? bytes.size() : 0));
  partial_bytes_ += static_cast<int64_t>(call.reader_.partial_bytes()) - partial_before;
  Limit(call);
  return submitted;
}

// One that holds a part of a message is not heard to its end if all sessions hold too much.
void ServerSession::Limit(ServerCall& call) {
  const size_t bytes = call.reader_.partial_bytes() + call.held_.size();
  if (partial_bytes_ <= options_.max_partial_bytes || bytes == 0) return;
  call.Finish(absl::ResourceExhaustedError("too much is being received at once"));
  partial_bytes_ -= static_cast<int64_t>(bytes);
  call.reader_.Reset();
  std::string().swap(call.held_);
}

void ServerSession::OnEndStream(int32_t stream_id) {
  ServerCall* const call = Find(stream_id);
  if (call == nullptr) return;
  call->half_closed_ = true;
  submitted_ |= TellHalfClose(*call);
}

bool ServerSession::TellHalfClose(ServerCall& call) {
  if (!call.half_closed_ || call.paused_ || call.finished_) return false;
  if (std::exchange(call.half_close_told_, true)) return false;
  if (call.reader_.within_message()) {
    call.Finish(absl::InternalError("the call ends within a message"));
    return false;
  }
  return call.OnHalfClose();
}

void ServerSession::OnStreamClose(int32_t stream_id) {
  ServerCall* const call = Find(stream_id);
  if (found_id_ == stream_id) found_ = nullptr;
  if (call != nullptr) Close(*call);
}

void ServerSession::Close(ServerCall& call) {
  partial_bytes_ -= static_cast<int64_t>(call.reader_.partial_bytes() + call.held_.size());
  static_cast<ListLink<ServerCall>&>(call).Unlink();
  call.session_ = nullptr;
  call.OnClosed();
}

// ---- Out

void ServerSession::Refuse(int32_t stream_id, const absl::Status& status) {
  SubmitStatus(stream_id, status, /*retry_hint=*/false, /*trailers=*/false);
}

void ServerSession::Begin(ServerCall& call) {
  call.begun_ = true;
  const std::array<nghttp2_nv, 2> headers = {kHttpOk, kContentType};
  const nghttp2_data_provider body = {.source = {}, .read_callback = Callbacks::OnRead};
  nghttp2_submit_response(session_, call.stream_id_, headers.data(), headers.size(), &body);
}

void ServerSession::SubmitStatus(int32_t stream_id, const absl::Status& status, bool retry_hint,
                                 bool trailers) {
  if (status.ok() && trailers) {
    nghttp2_submit_trailer(session_, stream_id, &kGrpcOk, 1);
    return;
  }
  const std::string code = absl::StrCat(static_cast<int>(status.code()));
  const std::string message = PercentEncoded(status.message(), kMaxStatusBytes);
  std::vector<nghttp2_nv> headers;
  if (!trailers) headers = {kHttpOk, kContentType};
  headers.push_back(Header("grpc-status", code));
  if (!message.empty()) headers.push_back(Header("grpc-message", message));
  if (retry_hint) headers.push_back(Constant("grpc-retry-pushback-ms", "50"));
  if (status.code() == absl::StatusCode::kUnimplemented) {
    headers.push_back(Constant("grpc-accept-encoding", kAcceptedEncodings));
  }
  if (trailers) {
    nghttp2_submit_trailer(session_, stream_id, headers.data(), headers.size());
  } else {
    nghttp2_submit_response(session_, stream_id, headers.data(), headers.size(), nullptr);
  }
}

ssize_t ServerSession::OnRead(ServerCall& call, size_t length, uint32_t& flags) {
  const size_t left = call.unsent_bytes_;
  if (left == 0 && !call.finished_) {
    call.deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (left <= length && call.finished_) {
    flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    SubmitStatus(call.stream_id_, call.status_, call.retry_hint_, /*trailers=*/true);
  }
  return static_cast<ssize_t>(std::min(left, length));
}

void ServerSession::OnSend(ServerCall& call, absl::string_view frame_header, size_t length) {
  output_->append(frame_header.data(), frame_header.size());
  call.unsent_bytes_ -= length;
  while (length > 0) {
    const std::string& first = call.unsent_[call.first_unsent_];
    const size_t size = std::min(length, first.size() - call.first_sent_bytes_);
    output_->append(first, call.first_sent_bytes_, size);
    call.first_sent_bytes_ += size;
    length -= size;
    if (call.first_sent_bytes_ < first.size()) continue;
    call.PopUnsent();
    call.OnSent();
  }
}

// A caller that still sends is told that nobody listens any more.
void ServerSession::OnFrameSent(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  if (nghttp2_session_get_stream_remote_close(session_, frame.hd.stream_id) == 0) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, frame.hd.stream_id, NGHTTP2_NO_ERROR);
  }
}

}  // namespace weir
