// A loop that serves two methods, and clients with sockets.
#ifndef WEIR_SERVER_HTTP2_CALL_LOOP_FIXTURE_H_
#define WEIR_SERVER_HTTP2_CALL_LOOP_FIXTURE_H_

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "gtest/gtest.h"
#include "server/http2/call_loop.h"
#include "server/http2/event.h"
#include "server/http2/fake_client.h"
#include "server/http2/server_call.h"

namespace weir {

inline constexpr absl::Duration kPatience = absl::Seconds(60);
inline constexpr char kEcho[] = "/weir.Test/Echo";  // Each message, then OK.
inline constexpr char kHold[] = "/weir.Test/Hold";  // Nothing, until it is cancelled.

class TestEvent : public Event {
 public:
  explicit TestEvent(std::function<bool()> happened) : happened_(std::move(happened)) {}
  bool Happened() override { return happened_(); }

 private:
  const std::function<bool()> happened_;
};

class TestCall final : public ServerCall {
 public:
  TestCall(CallLoop& loop, bool holds, std::function<void()> on_closed)
      : ticket_(loop), holds_(holds), on_closed_(std::move(on_closed)) {}

  bool OnMessage(absl::string_view message) override {
    if (!holds_) Send(FakeClient::Framed(message));
    return true;
  }
  bool OnHalfClose() override {
    if (!holds_) Finish(absl::OkStatus());
    return false;
  }
  void OnClosed() override {
    if (on_closed_) on_closed_();
    delete this;
  }

 private:
  const CallLoop::Ticket ticket_;
  const bool holds_;
  const std::function<void()> on_closed_;
};

// A client with a socket.
class SocketClient {
 public:
  explicit SocketClient(int port, std::vector<nghttp2_settings_entry> settings = {})
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), http_(std::move(settings)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~SocketClient() { Close(); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

  bool connected() const { return connected_; }
  bool at_end() const { return at_end_; }
  FakeClient& http() { return http_; }

  void Write() { Write(http_.Output()); }
  void Write(absl::string_view output) {
    for (size_t at = 0; at < output.size();) {
      const ssize_t size = send(fd_, output.data() + at, output.size() - at, MSG_NOSIGNAL);
      if (size <= 0) return;
      at += size;
    }
  }

  // Says and hears what there is until `done`; false if that does not come about.
  bool Until(const std::function<bool()>& done) {
    const absl::Time deadline = MonotonicNow() + kPatience;
    while (!done()) {
      Write();
      const absl::Duration left = deadline - MonotonicNow();
      pollfd ready = {.fd = fd_, .events = POLLIN, .revents = 0};
      if (at_end_ || left <= absl::ZeroDuration()) return false;
      if (poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) <= 0) return false;
      std::string input(64 << 10, '\0');
      const ssize_t size = recv(fd_, input.data(), input.size(), 0);
      if (size <= 0) {
        at_end_ = true;
      } else if (!http_.Receive(absl::string_view(input).substr(0, size))) {
        return false;
      }
    }
    Write();
    return true;
  }

  bool UntilEnd() {
    return Until([this] { return at_end_; });
  }

  // What is answered to a whole call.
  FakeClient::Stream Call(const char* path, const std::string& message) {
    const int32_t id =
        http_.Start(FakeClient::Call(path), FakeClient::Framed(message), /*end=*/true);
    EXPECT_TRUE(Until([&] { return http_.stream(id).closed; }));
    return http_.stream(id);
  }

 private:
  int fd_;
  bool connected_ = false;
  bool at_end_ = false;
  FakeClient http_;
};

class CallLoopFixture : public ::testing::Test {
 protected:
  CallLoopFixture() : loop_(*CallLoop::Listen({})) {}

  void Start(
      int threads,
      const CallLoop::RunSubmitted& run = [](absl::FunctionRef<void()>) { return false; }) {
    loop_->Start(
        threads,
        [this](absl::string_view path) -> ServerCall* {
          if (path != kEcho && path != kHold) return nullptr;
          ++calls_;
          auto* const call = new TestCall(*loop_, path == kHold, on_closed_);
          if (on_call_) on_call_(*call);
          return call;
        },
        run);
  }

  // Has a thread that has the turn do it, and waits until it has.
  void InTurn(const std::function<void()>& act) {
    absl::Notification done;
    TestEvent event([&] {
      act();
      done.Notify();
      return false;
    });
    loop_->Post(event);
    ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  }

  // Lets the thread that has the turn do nothing else until `go`.
  TestEvent Block(absl::Notification& blocked, absl::Notification& go, bool submits = false) {
    return TestEvent([&blocked, &go, submits] {
      blocked.Notify();
      EXPECT_TRUE(go.WaitForNotificationWithTimeout(kPatience));
      return submits;
    });
  }

  std::function<void()> on_closed_;         // For whoever has the turn,
  std::function<void(TestCall&)> on_call_;  // as these are.
  int calls_ = 0;
  std::unique_ptr<CallLoop> loop_;
};

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_CALL_LOOP_FIXTURE_H_
