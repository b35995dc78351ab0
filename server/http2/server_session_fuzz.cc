// Any bytes from a client: each call is closed once, whatever comes, and whatever calls do when
// they are told something. The first byte says whether the bytes follow a right beginning, and how
// they are cut into pieces; most others say frames, which are given right lengths, so that what is
// in them is reached. The last sixteen say what calls do.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/http2/server_call.h"
#include "server/http2/server_session.h"

namespace {

constexpr size_t kMaxMessageBytes = 4000;

void Require(bool condition) {
  if (!condition) std::abort();
}

struct Server;

class FuzzedCall final : public weir::ServerCall {
 public:
  explicit FuzzedCall(Server& server) : server_(server) {}
  void OnOpen() override;
  bool OnMessage(absl::string_view message) override;
  bool OnHalfClose() override;
  void OnSent() override;
  void OnClosed() override;

  void Act(bool may_resume);
  bool closed() const { return closed_; }

 private:
  Server& server_;
  bool opened_ = false;
  bool half_closed_ = false;
  bool finished_ = false;
  bool closed_ = false;
  bool resuming_ = false;
  int unsent_ = 0;
};

// Its calls, and the sessions on which they come.
struct Server {
  uint8_t Choice() { return choices.empty() ? 0 : choices[next_choice++ % choices.size()]; }

  weir::ServerCall* Make(absl::string_view path) {
    if (path.size() > 1) return nullptr;
    return calls.emplace_back(std::make_unique<FuzzedCall>(*this)).get();
  }

  // What a service may do at any time, such as when a model has answered.
  void Act(bool may_resume) {
    if (!calls.empty()) calls[Choice() % calls.size()]->Act(may_resume);
  }

  absl::string_view choices;
  size_t next_choice = 0;
  std::vector<std::unique_ptr<FuzzedCall>> calls;
  int64_t partial_bytes = 0;
  const weir::ServerSession::Options options = {
      .make_call = [this](absl::string_view path) { return Make(path); },
      .max_message_bytes = kMaxMessageBytes,
      .max_partial_bytes = 200};
  std::optional<weir::ServerSession> session;
};

void FuzzedCall::Act(bool may_resume) {
  const uint8_t choice = server_.Choice();
  switch (choice % 8) {
    case 1:
    case 2:
      if (open() && !finished_) ++unsent_;
      return Send(std::string(1 + (choice >> 3) * 1000, 'x'));
    case 3:
      finished_ |= open();
      if ((choice & 8) != 0) AddRetryHint();
      return Finish((choice & 16) != 0 ? absl::OkStatus() : absl::InternalError("ä"));
    case 4:
      return Pause();
    case 5:
    case 6:
      // From within what Resume gives, it is not called.
      if (!may_resume || std::exchange(resuming_, true)) return;
      Resume();
      resuming_ = false;
      return;
    default:
      return;
  }
}

void FuzzedCall::OnOpen() {
  Require(open() && !std::exchange(opened_, true));
  Act(/*may_resume=*/false);
}

bool FuzzedCall::OnMessage(absl::string_view message) {
  Require(open() && !finished_ && !paused() && !half_closed_);
  Require(message.size() <= kMaxMessageBytes);
  server_.Act(/*may_resume=*/false);
  return true;
}

bool FuzzedCall::OnHalfClose() {
  Require(open() && !finished_ && !paused() && !std::exchange(half_closed_, true));
  server_.Act(/*may_resume=*/false);
  return true;
}

void FuzzedCall::OnSent() {
  Require(open() && --unsent_ >= 0);
  server_.Act(/*may_resume=*/false);
}

void FuzzedCall::OnClosed() {
  Require(opened_ && !open() && !std::exchange(closed_, true));
  server_.Act(/*may_resume=*/false);
}

// Type, flags, stream, and length come from five bytes; the payload follows. Types from 10 on are
// what is seldom come upon: pieces of messages, the last type's compressed, and a call's headers,
// of the last two types with an encoding, of the last one with the payload as its timeout.
std::string Frames(absl::string_view bytes) {
  constexpr size_t kHead = 5;
  // :method POST, :path / and :scheme http of HPACK's static table; :authority and content-type.
  constexpr absl::string_view kCall(
      "\x83\x84\x86\x01\x01"
      "a\x0f\x10\x10"
      "application/grpc",
      25);
  constexpr absl::string_view kEncoding(
      "\x00\x0d"
      "grpc-encoding\x04"
      "gzip",
      20);
  constexpr absl::string_view kTimeout(
      "\x00\x0c"
      "grpc-timeout",
      14);
  std::string frames;
  while (bytes.size() >= kHead) {
    const size_t size = std::min<size_t>(static_cast<uint8_t>(bytes[3]), bytes.size() - kHead);
    const int type = static_cast<uint8_t>(bytes[0]) % 16;
    std::string payload(bytes.substr(kHead, size));
    std::array<char, 9> head = {0, 0, 0, static_cast<char>(type % 10),    bytes[1],
                                0, 0, 0, static_cast<char>(bytes[2] % 16)};
    if (type >= 13) {
      head[3] = 1;
      head[4] = static_cast<char>(0x4 | (bytes[1] & 1));  // END_HEADERS, and perhaps END_STREAM
      std::string headers(kCall);
      if (type >= 14) absl::StrAppend(&headers, kEncoding);
      if (type >= 15) {
        const absl::string_view timeout = absl::string_view(payload).substr(0, 100);
        absl::StrAppend(&headers, kTimeout, std::string(1, static_cast<char>(timeout.size())),
                        timeout);
      }
      payload = headers;
    } else if (type >= 10) {
      head[3] = 0;
      head[4] = static_cast<char>(bytes[1] & 1);
      payload =
          absl::StrCat(std::string(1, type == 12 ? '\1' : '\0'), std::string(3, '\0'), payload);
    }
    head[1] = static_cast<char>(payload.size() >> 8);
    head[2] = static_cast<char>(payload.size());
    frames.append(head.data(), head.size());
    frames += payload;
    bytes.remove_prefix(kHead + size);
  }
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kChoices = 16;
  if (size == 0) return 0;
  const uint8_t how = data[0];
  absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Server server;
  if (bytes.size() >= kChoices) {
    server.choices = bytes.substr(bytes.size() - kChoices);
    bytes.remove_suffix(kChoices);
  }
  const std::string beginning =
      absl::StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", absl::string_view("\0\0\0\4\0\0\0\0\0", 9));
  const std::string input =
      (how & 1) != 0 ? absl::StrCat(beginning, Frames(bytes)) : std::string(bytes);
  const size_t piece = (how & 2) != 0 ? 1 + (how >> 2) : input.size() + 1;

  int outputs = 0;
  server.session.emplace(server.options, server.partial_bytes, [&outputs] { ++outputs; });
  absl::Status status;
  std::string output;
  const auto write = [&] {
    output.clear();
    const size_t limit = 1 + server.Choice() * size_t{200};
    if (status.ok()) status = server.session->TakeOutput(output, limit);
    server.Act(/*may_resume=*/true);
  };
  write();
  for (size_t at = 0; at < input.size() && status.ok(); at += piece) {
    status = server.session->Receive(absl::string_view(input).substr(at, piece)).status();
    write();
  }
  if (server.Choice() % 2 != 0) {
    server.session->GoAway(absl::UnavailableError("the end"));
    write();
  }
  Require(server.partial_bytes >= 0);
  Require(outputs > 0);
  server.session.reset();
  Require(server.partial_bytes == 0);
  for (const auto& call : server.calls) Require(call->closed());
  return 0;
}
