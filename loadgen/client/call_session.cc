#include "loadgen/client/call_session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/grpc_wire.h"
#include "loadgen/client/call.h"

namespace weir {
namespace {

// Neither the window of a stream nor that of a connection is ever what limits a run.
constexpr int32_t kWindowBytes = 1 << 30;

constexpr int kHttpOk = 200;

absl::string_view View(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// Both stay where they are until the headers are sent.
nghttp2_nv Header(absl::string_view name, absl::string_view value) {
  return {.name = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          .value = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

absl::Status Broken(absl::string_view why) {
  return ClientError(absl::StatusCode::kUnavailable, why);
}

}  // namespace

// What nghttp2 calls. A function that finds no call is about a stream whose call has left.
struct CallSession::Callbacks {
  static CallSession& Of(void* session) { return *static_cast<CallSession*>(session); }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* session) {
    OpenCall* const open = Of(session).Find(frame->hd.stream_id);
    if (open != nullptr) {
      Of(session).OnHeader(*open, View(name, name_size), View(value, value_size));
    }
    return 0;
  }

  static int OnData(nghttp2_session*, uint8_t, int32_t stream_id, const uint8_t* bytes, size_t size,
                    void* session) {
    OpenCall* const open = Of(session).Find(stream_id);
    if (open != nullptr) Of(session).OnData(*open, View(bytes, size));
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    CallSession& session = Of(user_data);
    switch (frame->hd.type) {
      case NGHTTP2_DATA:
      case NGHTTP2_HEADERS: {
        session.answered_since_ping_ = true;
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) break;
        OpenCall* const open = session.Find(frame->hd.stream_id);
        if (open != nullptr) session.OnEndStream(*open);
        break;
      }
      case NGHTTP2_SETTINGS:
        session.ready_ = true;
        break;
      case NGHTTP2_GOAWAY:
        session.GoAway(
            absl::StrCat("the server goes away: ", nghttp2_http2_strerror(frame->goaway.error_code),
                         " ", View(frame->goaway.opaque_data, frame->goaway.opaque_data_len)));
        break;
      default:
        break;
    }
    return 0;
  }

  static int OnStreamClose(nghttp2_session*, int32_t stream_id, uint32_t http2_error,
                           void* session) {
    Of(session).OnStreamClose(stream_id, http2_error);
    return 0;
  }

  static int OnError(nghttp2_session*, int, const char* text, size_t size, void* session) {
    Of(session).error_.assign(text, size);
    return 0;
  }

  static ssize_t OnRead(nghttp2_session*, int32_t stream_id, uint8_t*, size_t length,
                        uint32_t* flags, nghttp2_data_source*, void* session) {
    OpenCall* const open = Of(session).Find(stream_id);
    if (open == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return Of(session).OnRead(*open, length, *flags);
  }

  static int OnSend(nghttp2_session*, nghttp2_frame* frame, const uint8_t* frame_header,
                    size_t length, nghttp2_data_source*, void* user_data) {
    constexpr size_t kFrameHeaderBytes = 9;
    CallSession& session = Of(user_data);
    OpenCall* const open = session.Find(frame->hd.stream_id);
    if (open == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    session.OnSend(*open, View(frame_header, kFrameHeaderBytes), length);
    return session.output_->size() < session.output_limit_ ? 0 : NGHTTP2_ERR_PAUSE;
  }

  static nghttp2_session* NewSession(CallSession& session) {
    static nghttp2_session_callbacks* const callbacks = [] {
      nghttp2_session_callbacks* made = nullptr;
      nghttp2_session_callbacks_new(&made);
      nghttp2_session_callbacks_set_on_header_callback(made, OnHeader);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, OnData);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, OnFrame);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, OnStreamClose);
      nghttp2_session_callbacks_set_error_callback2(made, OnError);
      nghttp2_session_callbacks_set_send_data_callback(made, OnSend);
      return made;
    }();
    static nghttp2_option* const options = [] {
      nghttp2_option* made = nullptr;
      nghttp2_option_new(&made);
      // What an answer has to look like is checked here.
      nghttp2_option_set_no_http_messaging(made, 1);
      nghttp2_option_set_no_closed_streams(made, 1);
      return made;
    }();
    nghttp2_session* made = nullptr;
    nghttp2_session_client_new2(&made, callbacks, &session, options);
    return made;
  }
};

CallSession::CallSession(OpenCalls& calls, std::string authority, int32_t last_stream_id)
    : calls_(calls),
      authority_(std::move(authority)),
      last_stream_id_(last_stream_id),
      session_(Callbacks::NewSession(*this)) {
  headers_ = {Header(":method", "POST"),
              Header(":scheme", "http"),
              Header(":path", ""),  // Of each call.
              Header(":authority", authority_),
              Header("te", "trailers"),
              Header("content-type", "application/grpc"),
              Header("user-agent", "weir-loadgen")};
  common_headers_ = headers_.size();
  const std::array<nghttp2_settings_entry, 4> settings = {{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindowBytes},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindowBytes);
}

CallSession::~CallSession() { nghttp2_session_del(session_); }

void CallSession::Start(OpenCall& open) {
  open.session = this;
  ++calls_in_session_;
  streams_in_session_ += open.stream ? 1 : 0;
  waiting_.push_back(open);
  has_output_ = true;
}

void CallSession::Resume(OpenCall& open) {
  if (!open.waits_to_send) return;
  open.waits_to_send = false;
  nghttp2_session_resume_data(session_, open.stream_id);
  has_output_ = true;
}

void CallSession::Drop(OpenCall& open) {
  if (open.stream_id != 0) Reset(open, NGHTTP2_CANCEL);
  Leave(open);
}

// The call is told nothing more of its stream.
void CallSession::Reset(OpenCall& open, uint32_t http2_error) {
  nghttp2_session_set_stream_user_data(session_, open.stream_id, nullptr);
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, open.stream_id, http2_error);
  if (found_id_ == open.stream_id) found_ = nullptr;
  has_output_ = true;
}

void CallSession::Leave(OpenCall& open) {
  static_cast<ListLink<SessionTag>&>(open).Unlink();
  open.session = nullptr;
  --calls_in_session_;
  streams_in_session_ -= open.stream ? 1 : 0;
  ended_unary_calls_ += open.stream ? 0 : 1;
}

OpenCall* CallSession::Find(int32_t stream_id) {
  if (stream_id != found_id_) {
    found_ = static_cast<OpenCall*>(nghttp2_session_get_stream_user_data(session_, stream_id));
    found_id_ = stream_id;
  }
  return found_;
}

absl::Status CallSession::Receive(absl::string_view bytes) {
  has_output_ = true;
  const ssize_t used = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (used < 0) return Broken(nghttp2_strerror(static_cast<int>(used)));
  return absl::OkStatus();
}

absl::StatusOr<bool> CallSession::TakeOutput(std::string& output, size_t limit) {
  output_ = &output;
  output_limit_ = limit;
  has_output_ = true;
  while (output.size() < limit) {
    const uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) return Broken(nghttp2_strerror(static_cast<int>(size)));
    if (size > 0) {
      output.append(reinterpret_cast<const char*>(bytes), size);
      continue;
    }
    if (output.size() >= limit) break;
    OpenCall* const next = waiting_.front();
    const int64_t most =
        nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    // A session that nghttp2 has ended would close new streams at once, and their callers start
    // others.
    if (next == nullptr || streams_ >= most || nghttp2_session_want_read(session_) == 0) {
      has_output_ = false;
      break;
    }
    if (next->deadline_ns <= calls_.now_ns()) {
      Leave(*next);
      calls_.EndLater(*next, OpenCalls::DeadlinePassed());
    } else {
      Submit(*next);
    }
  }
  if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) {
    return Broken(error_.empty() ? "the server ends the connection" : error_);
  }
  return has_output_;
}

void CallSession::Submit(OpenCall& open) {
  constexpr size_t kPath = 2;
  headers_.resize(common_headers_);
  headers_[kPath] = Header(":path", open.method->path);
  if (open.deadline_ns != DeadlineWheel::kNever) {
    open.timeout = GrpcTimeout(open.deadline_ns - calls_.now_ns());
    headers_.push_back(Header("grpc-timeout", open.timeout.text()));
    // What differs from call to call would only drive better words out of the server's table.
    if (open.timeout.text() != last_timeout_) {
      last_timeout_ = std::string(open.timeout.text());
      headers_.back().flags |= NGHTTP2_NV_FLAG_NO_INDEX;
    }
  }
  for (const auto& [name, value] : open.method->metadata) headers_.push_back(Header(name, value));
  const nghttp2_data_provider body = {.source = {}, .read_callback = Callbacks::OnRead};
  const int32_t stream_id =
      nghttp2_submit_request(session_, nullptr, headers_.data(), headers_.size(), &body, &open);
  if (stream_id < 0) {
    Leave(open);
    calls_.EndLater(open, Broken(nghttp2_strerror(stream_id)));
    return;
  }
  open.stream_id = found_id_ = stream_id;
  found_ = &open;
  sent_.push_back(open);
  ++streams_;
  used_up_ |= stream_id >= last_stream_id_;
}

ssize_t CallSession::OnRead(OpenCall& open, size_t length, uint32_t& flags) {
  const size_t left = open.bytes_to_send();
  if (left == 0 && !open.half_closed) {
    open.waits_to_send = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (left <= length && open.half_closed) flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(std::min(left, length));
}

void CallSession::OnSend(OpenCall& open, absl::string_view frame_header, size_t length) {
  output_->append(frame_header.data(), frame_header.size());
  if (open.stream) {
    open.messages->Take(length, *output_);
  } else {
    const auto prefix = MessageReader::Prefix(open.message.size());
    while (length > 0 && open.sent_bytes < prefix.size()) {
      output_->push_back(prefix[open.sent_bytes++]);
      --length;
    }
    if (length > 0) output_->append(open.message.data() + open.sent_bytes - prefix.size(), length);
    open.sent_bytes += length;
  }
  open.sent_all = open.half_closed && open.bytes_to_send() == 0;
}

void CallSession::OnHeader(OpenCall& open, absl::string_view name, absl::string_view value) {
  if (name == ":status") {
    if (!absl::SimpleAtoi(value, &open.http_status)) open.http_status = 0;
  } else if (name == "content-type") {
    open.is_grpc = absl::StartsWith(value, "application/grpc");
  } else if (name == "grpc-status") {
    open.grpc_status = ParseGrpcStatus(value);
  } else if (name == "grpc-message") {
    open.grpc_message.assign(value.data(), value.size());
  }
}

void CallSession::OnData(OpenCall& open, absl::string_view bytes) {
  if (open.http_status != kHttpOk || !open.is_grpc) return;  // A proxy's page.
  while (open.session == this) {
    absl::string_view message;
    switch (open.reader.Read(bytes, message)) {
      case MessageReader::State::kMore:
        return;
      case MessageReader::State::kMessage:
        if (open.has_message && !open.stream) {
          return Fail(open, absl::StatusCode::kInternal, "the answer has more than one message");
        }
        open.has_message = true;
        open.call->OnMessage(message);
        break;
      case MessageReader::State::kCompressed:
        return Fail(open, absl::StatusCode::kInternal,
                    "the answer is compressed, which was not asked for");
      case MessageReader::State::kTooLarge:
        return Fail(open, absl::StatusCode::kResourceExhausted,
                    "a message of the answer has more than 64 MiB");
    }
  }
}

void CallSession::Fail(OpenCall& open, absl::StatusCode code, absl::string_view why) {
  Drop(open);
  calls_.End(open, ClientError(code, why));
}

void CallSession::OnEndStream(OpenCall& open) {
  open.complete = true;
  if (open.sent_all) return;  // Its stream closes next.
  const absl::Status status = AnswerOf(open);
  Drop(open);
  calls_.End(open, status);
}

void CallSession::OnStreamClose(int32_t stream_id, uint32_t http2_error) {
  OpenCall* const open = Find(stream_id);
  found_id_ = 0;
  found_ = nullptr;
  --streams_;
  if (open == nullptr) return;
  const absl::Status status =
      open->complete
          ? AnswerOf(*open)
          : ClientError(CodeOfReset(http2_error),
                        absl::StrCat("the stream ends with ", nghttp2_http2_strerror(http2_error)));
  Leave(*open);
  calls_.End(*open, status);
}

absl::Status CallSession::AnswerOf(const OpenCall& open) {
  if (open.http_status != kHttpOk) {
    if (open.grpc_status && *open.grpc_status != absl::StatusCode::kOk) {
      return absl::Status(*open.grpc_status, PercentDecoded(open.grpc_message));
    }
    return ClientError(CodeOfHttpStatus(open.http_status),
                       absl::StrCat("the answer has HTTP status ", open.http_status));
  }
  if (!open.is_grpc) {
    return ClientError(absl::StatusCode::kUnknown, "the answer's content-type is not gRPC's");
  }
  if (!open.grpc_status) {
    return ClientError(absl::StatusCode::kUnknown, "the answer has no grpc-status");
  }
  if (*open.grpc_status != absl::StatusCode::kOk) {
    return absl::Status(*open.grpc_status, PercentDecoded(open.grpc_message));
  }
  if (open.reader.within_message()) {
    return ClientError(absl::StatusCode::kInternal, "the answer ends within a message");
  }
  return absl::OkStatus();
}

void CallSession::GoAway(absl::string_view why) {
  going_away_ = true;
  while (OpenCall* const open = waiting_.front()) {
    Leave(*open);
    calls_.EndLater(*open, Broken(why));
  }
}

void CallSession::Ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  answered_since_ping_ = false;
  has_output_ = true;
}

void CallSession::EndAll(const absl::Status& status) {
  going_away_ = true;
  for (CallList* const list : {&sent_, &waiting_}) {
    while (OpenCall* const open = list->front()) {
      Leave(*open);
      calls_.End(*open, status);
    }
  }
}

}  // namespace weir
