// Any bytes from a server, while calls are open: each call ends once, whatever comes, and whatever
// callers do when they are called back. The first byte says whether the bytes follow a right
// beginning, and how they are cut into pieces; most others say frames, which are given right
// lengths, so that what is in them is reached. The last sixteen say what callers do.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string>

#include "absl/strings/str_cat.h"
#include "loadgen/client/call_session.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

struct Client;

class FuzzedCall final : public weir::Call {
 public:
  explicit FuzzedCall(Client& client) : client(client) {}
  void OnMessage(absl::string_view message) override;
  void OnEnd(const absl::Status&) override;

  Client& client;
  int starts = 0;
  int ends = 0;
  size_t bytes = 0;
};

// What CallClient does, as far as sessions see it.
struct Client {
  Client() {
    for (int i = 0; i < 6; ++i) all.emplace_back(*this);
  }

  uint8_t Choice() { return choices.empty() ? 0 : choices[next_choice++ % choices.size()]; }

  void Start(FuzzedCall& call, bool stream) {
    Require(call.starts == call.ends);
    ++call.starts;
    weir::OpenCall& open =
        stream ? calls.OpenStream(call, method)
               : calls.Open(call, method, (call.starts & 1) != 0 ? absl::string_view(message) : "x",
                            calls.now_ns() + 1'000'000'000);
    session.Start(open);
  }

  void Cancel(FuzzedCall& call) {
    weir::OpenCall* const open = weir::OpenCalls::Of(call);
    if (open == nullptr || open->session == nullptr) return;
    session.Drop(*open);
    calls.EndLater(*open, absl::CancelledError());
  }

  void SendOn(FuzzedCall& call, bool last) {
    weir::OpenCall* const open = weir::OpenCalls::Of(call);
    if (open == nullptr || open->session == nullptr || !open->stream) return;
    open->messages->Push(message);
    open->half_closed |= last;
    session.Resume(*open);
  }

  // What a caller may do at any time, but within Start.
  void Act() {
    const uint8_t choice = Choice();
    FuzzedCall& call = all[(choice >> 4) % all.size()];
    switch (choice % 16) {
      case 1:
        return Cancel(call);
      case 2:
        return SendOn(call, /*last=*/false);
      case 3:
        return SendOn(call, /*last=*/true);
      case 4:
      case 5:
        if (session.accepting() && call.starts == call.ends) Start(call, (choice & 1) != 0);
        return;
      case 6:
        return session.Ping();
      default:
        return;
    }
  }

  void Advance() {
    calls.Advance(calls.now_ns() + Choice() % 4 * int64_t{400'000'000});
    while (weir::OpenCall* const expired = calls.TakeExpired()) {
      if (expired->session != nullptr) session.Drop(*expired);
      calls.End(*expired, weir::OpenCalls::DeadlinePassed());
    }
  }

  weir::OpenCalls calls{0};
  weir::CallSession session{calls, "fuzz:1", /*last_stream_id=*/9};
  const weir::CallMethod method = {.path = "/weir.Test/Fuzz", .metadata = {{"key", "value"}}};
  const std::string message = std::string(40'000, 'x');
  std::deque<FuzzedCall> all;
  absl::string_view choices;
  size_t next_choice = 0;
};

void FuzzedCall::OnMessage(absl::string_view message) {
  Require(ends + 1 == starts);
  bytes += message.size();
  client.Act();
}

void FuzzedCall::OnEnd(const absl::Status&) {
  Require(++ends == starts);
  const uint8_t choice = client.Choice();
  if (choice % 2 != 0 && client.session.accepting()) client.Start(*this, choice % 4 == 3);
  client.Act();
}

// Type, flags, stream, and length come from five bytes; the payload follows.
std::string Frames(absl::string_view bytes) {
  constexpr size_t kHead = 5;
  std::string frames;
  while (bytes.size() >= kHead) {
    const size_t size = std::min<size_t>(static_cast<uint8_t>(bytes[3]), bytes.size() - kHead);
    const std::array<char, 9> head = {
        0, 0, static_cast<char>(size),         static_cast<char>(bytes[0] % 10), bytes[1], 0,
        0, 0, static_cast<char>(bytes[2] % 16)};
    frames.append(head.data(), head.size());
    frames.append(bytes.data() + kHead, size);
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
  Client client;
  if (bytes.size() >= kChoices) {
    client.choices = bytes.substr(bytes.size() - kChoices);
    bytes.remove_suffix(kChoices);
  }
  const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
  const std::string input =
      (how & 1) != 0 ? absl::StrCat(settings, Frames(bytes)) : std::string(bytes);
  const size_t piece = (how & 2) != 0 ? 1 + (how >> 2) : input.size() + 1;

  for (int i = 0; i < 4; ++i) client.Start(client.all[i], /*stream=*/i == 2);
  absl::Status status;
  std::string output;
  const auto write = [&] {
    output.clear();
    if (status.ok()) status = client.session.TakeOutput(output, 64 << 10).status();
    client.Advance();
    client.calls.EndDue();
    client.Act();
  };
  write();
  for (size_t at = 0; at < input.size() && status.ok(); at += piece) {
    status = client.session.Receive(absl::string_view(input).substr(at, piece));
    write();
  }
  client.session.EndAll(absl::UnavailableError("the end"));
  while (client.calls.any_due()) client.calls.EndDue();
  Require(client.session.calls() == 0);
  Require(client.calls.open() == 0);
  for (const FuzzedCall& call : client.all) Require(call.ends == call.starts);
  return 0;
}
