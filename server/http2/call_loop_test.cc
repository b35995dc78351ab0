#include "server/http2/call_loop.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http2/event.h"
#include "server/http2/fake_client.h"
#include "server/http2/server_call.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr char kEcho[] = "/weir.Test/Echo";  // Each message, then OK.
constexpr char kHold[] = "/weir.Test/Hold";  // Nothing, until it is cancelled.

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

  bool OnMessage(std::string message) override {
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
class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Client() { Close(); }
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

class CallLoopTest : public ::testing::Test {
 protected:
  CallLoopTest() : loop_(*CallLoop::Listen({})) {}

  void Start(
      int threads, CallLoop::RunSubmitted run = [](absl::FunctionRef<void()>) {}) {
    loop_->Start(
        threads,
        [this](absl::string_view path) -> ServerCall* {
          if (path != kEcho && path != kHold) return nullptr;
          ++calls_;
          auto* const call = new TestCall(*loop_, path == kHold, on_closed_);
          if (on_call_) on_call_(*call);
          return call;
        },
        std::move(run));
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

// ---- Listening

TEST_F(CallLoopTest, PortZeroIsAnyFreeOne) {
  EXPECT_GT(loop_->port(), 0);
  EXPECT_NE((*CallLoop::Listen({}))->port(), loop_->port());
}

TEST_F(CallLoopTest, APortInUseIsAnErrorWithTheReason) {
  const absl::Status status = CallLoop::Listen({.port = loop_->port()}).status();
  EXPECT_EQ(status, absl::UnavailableError("Address already in use"));
}

TEST_F(CallLoopTest, AHostThatDoesNotExistIsAnError) {
  const absl::Status status = CallLoop::Listen({.host = "no such host"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message(), "");
}

TEST_F(CallLoopTest, ClientsWaitUntilItStarts) {
  Client client(loop_->port());
  EXPECT_TRUE(client.connected());
  Start(1);
  EXPECT_EQ(client.Call(kEcho, "hello").body, FakeClient::Framed("hello"));
}

// ---- Events and the turn

TEST_F(CallLoopTest, EventsOfManyThreadsHappenOnceEach) {
  constexpr int kThreads = 4;
  constexpr int kEvents = 1000;
  Start(2);
  int happened = 0;  // Without a lock: the turn is one.
  absl::Notification all;
  TestEvent event([&] {
    if (++happened == kThreads * kEvents) all.Notify();
    return happened % 7 == 0;
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kEvents; ++j) loop_->Post(event);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(all.WaitForNotificationWithTimeout(kPatience));
  loop_->Shutdown();
  EXPECT_EQ(happened, kThreads * kEvents);
}

TEST_F(CallLoopTest, AnEventMayPostAnother) {
  Start(1);
  absl::Notification happened;
  TestEvent second([&] {
    happened.Notify();
    return false;
  });
  InTurn([&] { loop_->Post(second); });
  EXPECT_TRUE(happened.WaitForNotificationWithTimeout(kPatience));
}

TEST_F(CallLoopTest, WhatWasSubmittedIsRunAndNothingElse) {
  std::atomic<int> runs = 0;
  absl::Notification ran;
  Start(1, [&](absl::FunctionRef<void()>) {
    if (++runs == 1) ran.Notify();
  });
  InTurn([] {});
  TestEvent submits([] { return true; });
  loop_->Post(submits);
  EXPECT_TRUE(ran.WaitForNotificationWithTimeout(kPatience));
  loop_->Shutdown();
  EXPECT_EQ(runs, 1);
}

TEST_F(CallLoopTest, WhatHasComeMeanwhileIsRunTogether) {
  constexpr int kEvents = 5;
  int happened = 0;
  int happened_before_run = 0;
  absl::Notification ran;
  Start(1, [&](absl::FunctionRef<void()>) {
    if (ran.HasBeenNotified()) return;
    happened_before_run = happened;
    ran.Notify();
  });
  absl::Notification blocked;
  absl::Notification go;
  TestEvent first = Block(blocked, go, /*submits=*/true);
  loop_->Post(first);
  EXPECT_TRUE(blocked.WaitForNotificationWithTimeout(kPatience));
  std::deque<TestEvent> events;
  for (int i = 0; i < kEvents; ++i) {
    events.emplace_back([&happened] {
      ++happened;
      return true;
    });
    loop_->Post(events.back());
  }
  go.Notify();
  EXPECT_TRUE(ran.WaitForNotificationWithTimeout(kPatience));
  loop_->Shutdown();
  EXPECT_EQ(happened_before_run, kEvents);
}

TEST_F(CallLoopTest, RequestsOfSeveralConnectionsAreRunTogether) {
  constexpr int kClients = 5;
  std::vector<int> calls_before_run;
  Start(1, [&](absl::FunctionRef<void()>) { calls_before_run.push_back(calls_); });
  std::deque<Client> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back(loop_->port()).Call("/weir.Test/Other", "");  // It is connected.
  }
  absl::Notification blocked;
  absl::Notification go;
  TestEvent first = Block(blocked, go);
  loop_->Post(first);
  EXPECT_TRUE(blocked.WaitForNotificationWithTimeout(kPatience));
  std::vector<int32_t> ids;
  for (Client& client : clients) {
    ids.push_back(client.http().Start(FakeClient::Call(kEcho), FakeClient::Framed("x"), true));
    client.Write();
  }
  go.Notify();
  for (int i = 0; i < kClients; ++i) {
    FakeClient& http = clients[i].http();
    EXPECT_TRUE(clients[i].Until([&] { return http.stream(ids[i]).closed; }));
    EXPECT_EQ(http.stream(ids[i]).body, FakeClient::Framed("x"));
  }
  loop_->Shutdown();
  // Not one by one; the system may bring some of them a little later.
  ASSERT_FALSE(calls_before_run.empty());
  EXPECT_EQ(calls_before_run.back(), kClients);
  EXPECT_LT(calls_before_run.size(), kClients);
}

TEST_F(CallLoopTest, WhileOneThreadDoesLongWorkAnotherHasTheTurn) {
  absl::Notification running;
  absl::Notification end_run;
  Start(2, [&](absl::FunctionRef<void()> before_long_work) {
    before_long_work();
    before_long_work();  // Once more does no harm.
    if (running.HasBeenNotified()) return;
    running.Notify();
    EXPECT_TRUE(end_run.WaitForNotificationWithTimeout(kPatience));
  });
  TestEvent submits([] { return true; });
  loop_->Post(submits);
  EXPECT_TRUE(running.WaitForNotificationWithTimeout(kPatience));
  InTurn([] {});
  Client client(loop_->port());
  EXPECT_EQ(client.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
  end_run.Notify();
}

TEST_F(CallLoopTest, AnswersAreWrittenBeforeLongWorkBegins) {
  absl::Notification end_run;
  Start(1, [&](absl::FunctionRef<void()> before_long_work) {
    before_long_work();
    EXPECT_TRUE(end_run.WaitForNotificationWithTimeout(kPatience));
  });
  Client client(loop_->port());
  EXPECT_EQ(client.Call(kEcho, "hello").body, FakeClient::Framed("hello"));
  end_run.Notify();
}

// ---- Timers

TEST_F(CallLoopTest, TimersHappenInTheirOrder) {
  Start(2);
  std::vector<int> order;
  absl::Notification last;
  std::deque<TestEvent> events;
  for (int i = 0; i < 4; ++i) {
    events.emplace_back([&, i] {
      order.push_back(i);
      if (i == 3) last.Notify();
      return false;
    });
  }
  std::deque<CallLoop::Timer> timers;
  const absl::Time now = MonotonicNow();
  InTurn([&] {
    timers.emplace_back(*loop_, now + absl::Milliseconds(20), events[3]);
    timers.emplace_back(*loop_, now + absl::Milliseconds(10), events[1]);
    timers.emplace_back(*loop_, now + absl::Milliseconds(10), events[2]);
    timers.emplace_back(*loop_, absl::InfinitePast(), events[0]);
  });
  EXPECT_TRUE(last.WaitForNotificationWithTimeout(kPatience));
  EXPECT_GE(MonotonicNow(), now + absl::Milliseconds(20));
  InTurn([&] {
    EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
    for (const CallLoop::Timer& timer : timers) EXPECT_TRUE(timer.over());
    timers.clear();
  });
}

TEST_F(CallLoopTest, ATimerThatIsDestroyedDoesNotHappen) {
  Start(1);
  TestEvent never([] {
    ADD_FAILURE() << "it happened";
    return false;
  });
  absl::Notification later;
  std::optional<CallLoop::Timer> timer;
  // Both are due at once: the first destroys the one behind it.
  TestEvent destroys([&] {
    EXPECT_FALSE(timer->over());
    timer.reset();
    return false;
  });
  TestEvent notifies([&] {
    later.Notify();
    return false;
  });
  std::deque<CallLoop::Timer> timers;
  InTurn([&] {
    const absl::Time now = MonotonicNow();
    timers.emplace_back(*loop_, now, destroys);
    timer.emplace(*loop_, now, never);
    timers.emplace_back(*loop_, now, notifies);
  });
  EXPECT_TRUE(later.WaitForNotificationWithTimeout(kPatience));
  InTurn([&] { timers.clear(); });
}

// ---- Connections

TEST_F(CallLoopTest, WhatTheSocketDoesNotTakeIsWrittenLater) {
  Start(1);
  Client client(loop_->port());
  client.http().OpenWindow(1 << 30);
  const std::string large(4 << 20, 'x');
  std::vector<int32_t> ids;
  for (int i = 0; i < 8; ++i) {
    ids.push_back(client.http().Start(FakeClient::Call(kEcho), FakeClient::Framed(large), true));
  }
  for (const int32_t id : ids) {
    EXPECT_TRUE(client.Until([&] { return client.http().stream(id).closed; }));
    EXPECT_EQ(client.http().stream(id).body.size(), FakeClient::Framed(large).size());
  }
}

TEST_F(CallLoopTest, ACallIsClosedWhenItsClientIsGone) {
  absl::Notification closed;
  on_closed_ = [&] { closed.Notify(); };
  Start(1);
  Client client(loop_->port());
  client.http().Start(FakeClient::Call(kHold));
  EXPECT_EQ(client.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
  EXPECT_FALSE(closed.HasBeenNotified());
  client.Close();
  EXPECT_TRUE(closed.WaitForNotificationWithTimeout(kPatience));
}

// As one that waits for room that another had.
TEST_F(CallLoopTest, ACallWhoseClientIsGoneMayAnswerAnotherOfTheSameClient) {
  TestCall* second = nullptr;
  absl::Notification closed;
  on_call_ = [&](TestCall& call) { second = &call; };
  on_closed_ = [&] {
    if (second == nullptr) return closed.Notify();
    std::exchange(second, nullptr)->Send(FakeClient::Framed("there is room"));
  };
  Start(1);
  Client client(loop_->port());
  client.http().Start(FakeClient::Call(kHold));
  client.http().Start(FakeClient::Call(kHold));
  EXPECT_EQ(client.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
  client.Close();
  EXPECT_TRUE(closed.WaitForNotificationWithTimeout(kPatience));
  Client other(loop_->port());
  EXPECT_EQ(other.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
}

TEST_F(CallLoopTest, AClientThatSpeaksSomethingElseIsHungUpOn) {
  Start(1);
  Client client(loop_->port());
  client.Write("GET / HTTP/1.1\r\nhost: weir\r\n\r\n");
  EXPECT_TRUE(client.UntilEnd());
}

// ---- The end

TEST_F(CallLoopTest, ShutdownWithoutStartIsNothing) {
  loop_->Shutdown();
  loop_->Shutdown();
}

TEST_F(CallLoopTest, ShutdownWaitsForTickets) {
  Start(2);
  Client client(loop_->port());
  EXPECT_EQ(client.Call(kEcho, "x").trailers["grpc-status"], "0");
  std::optional<CallLoop::Ticket> ticket;
  InTurn([&] { ticket.emplace(*loop_); });
  std::atomic<bool> given_back = false;
  std::future<bool> waited = std::async(std::launch::async, [&] {
    loop_->Shutdown();
    return given_back.load();
  });
  EXPECT_TRUE(client.UntilEnd());  // It has begun,
  InTurn([] {});                   // and events go on.
  EXPECT_FALSE(Client(loop_->port()).connected());
  InTurn([&] {
    given_back = true;
    ticket.reset();
  });
  EXPECT_TRUE(waited.get());
}

TEST_F(CallLoopTest, ShutdownEndsIdleConnectionsAtOnce) {
  // On a machine that is busy one may take its time, but not all.
  absl::Duration fastest = absl::InfiniteDuration();
  for (int i = 0; i < 3; ++i) {
    loop_ = *CallLoop::Listen({});
    Start(1);
    Client silent(loop_->port());
    Client client(loop_->port());
    EXPECT_EQ(client.Call(kEcho, "x").trailers["grpc-status"], "0");
    const absl::Time before = MonotonicNow();
    loop_->Shutdown();
    fastest = std::min(fastest, MonotonicNow() - before);
    EXPECT_TRUE(client.UntilEnd());
    EXPECT_TRUE(client.http().told_to_go());
    EXPECT_TRUE(silent.UntilEnd());
  }
  EXPECT_LT(fastest, absl::Seconds(1));
}

TEST_F(CallLoopTest, ShutdownEndsOpenCallsWhoseClientsGetToHearIt) {
  Start(1);
  Client client(loop_->port());
  const int32_t id = client.http().Start(FakeClient::Call(kHold));
  EXPECT_EQ(client.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
  std::future<void> shut_down = std::async(std::launch::async, [&] { loop_->Shutdown(); });
  EXPECT_TRUE(client.UntilEnd());
  EXPECT_EQ(client.http().stream(id).headers["grpc-status"], "14");
  EXPECT_EQ(client.http().stream(id).headers["grpc-message"], "the server shuts down");
  client.Close();
  shut_down.get();
}

TEST_F(CallLoopTest, ShutdownDoesNotWaitForAClientThatDoesNotListen) {
  Start(1);
  Client client(loop_->port());
  client.http().Start(FakeClient::Call(kHold));
  EXPECT_EQ(client.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
  loop_->Shutdown();  // The client says and hears nothing meanwhile.
}

TEST_F(CallLoopTest, WhoPostsTheLastEventMayStillBeAtItWhenTheLoopIsGone) {
  for (int i = 0; i < 200; ++i) {
    loop_ = *CallLoop::Listen({});
    Start(1);
    std::optional<CallLoop::Ticket> ticket;
    InTurn([&] { ticket.emplace(*loop_); });
    TestEvent last([&] {
      ticket.reset();
      return false;
    });
    std::thread thread([&loop = *loop_, &last] { loop.Post(last); });
    loop_ = nullptr;
    thread.join();
  }
}

}  // namespace
}  // namespace weir
