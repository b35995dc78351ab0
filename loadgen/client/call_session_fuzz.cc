// Any bytes from a server, while calls are open: each call ends once, whatever comes. The first
// byte says whether the bytes follow a right beginning, and how they are cut into pieces; most
// others say frames, which are given right lengths, so that what is in them is reached.
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

class CountedCall final : public weir::Call {
 public:
  void OnMessage(absl::string_view message) override {
    Require(ends == 0);
    bytes += message.size();
  }
  void OnEnd(const absl::Status&) override { Require(++ends == 1); }

  int ends = 0;
  size_t bytes = 0;
};

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
  if (size == 0) return 0;
  const uint8_t how = data[0];
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
  const std::string input =
      (how & 1) != 0 ? absl::StrCat(settings, Frames(bytes)) : std::string(bytes);
  const size_t piece = (how & 2) != 0 ? 1 + (how >> 2) : input.size() + 1;

  weir::OpenCalls calls(0);
  const weir::CallMethod method = {.path = "/weir.Test/Fuzz", .metadata = {{"key", "value"}}};
  const std::string message(40'000, 'x');
  std::deque<CountedCall> counted(6);
  {
    weir::CallSession session(calls, "fuzz:1");
    const auto start = [&](weir::OpenCall& open) { session.Start(open); };
    start(calls.Open(counted[0], method, "hello", 1'000'000'000));
    start(calls.Open(counted[1], method, message, 1'000'000'000));
    weir::OpenCall& stream = calls.OpenStream(counted[2], method);
    start(stream);
    weir::OpenCall& dropped = calls.Open(counted[3], method, message, 1'000'000'000);
    start(dropped);
    absl::Status status;
    std::string output;
    const auto write = [&] {
      output.clear();
      if (status.ok()) status = session.TakeOutput(output, 64 << 10).status();
      calls.EndDue();
    };
    write();
    bool half = false;
    for (size_t at = 0; at < input.size() && status.ok(); at += piece) {
      status = session.Receive(absl::string_view(input).substr(at, piece));
      if (!half && at >= input.size() / 2) {
        half = true;
        if (dropped.session == &session && dropped.call == &counted[3]) {
          session.Drop(dropped);
          calls.End(dropped, absl::CancelledError());
        }
        if (session.accepting()) start(calls.Open(counted[4], method, "late", 1'000'000'000));
        if (stream.session == &session && stream.call == &counted[2]) {
          stream.messages.append("\0\0\0\0\1x", 6);
          stream.half_closed = true;
          session.Resume(stream);
        }
      }
      write();
    }
    session.EndAll(absl::UnavailableError("the end"));
    calls.EndDue();
    Require(session.calls() == 0);
  }
  Require(calls.open() == 0);
  for (int i = 0; i < 4; ++i) Require(counted[i].ends == 1);
  return 0;
}
