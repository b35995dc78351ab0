// Connections, and how the loop ends.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "gtest/gtest.h"
#include "server/http2/call_loop.h"
#include "server/http2/call_loop_fixture.h"
#include "server/http2/fake_client.h"

namespace weir {
namespace {

using CallLoopConnectionsTest = CallLoopFixture;

// ---- Connections

TEST_F(CallLoopConnectionsTest, WhatTheSocketDoesNotTakeIsWrittenLater) {
  Start(1);
  SocketClient client(loop_->port(), {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30}});
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

TEST_F(CallLoopConnectionsTest, ACallIsClosedWhenItsClientIsGone) {
  absl::Notification closed;
  on_closed_ = [&] { closed.Notify(); };
  Start(1);
  SocketClient client(loop_->port());
  client.http().Start(FakeClient::Call(kHold));
  EXPECT_EQ(client.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
  EXPECT_FALSE(closed.HasBeenNotified());
  client.Close();
  EXPECT_TRUE(closed.WaitForNotificationWithTimeout(kPatience));
}

TEST_F(CallLoopConnectionsTest, ACallIsOverSoonAfterItsDeadlineWhateverItsClientDoes) {
  absl::Notification closed;
  on_closed_ = [&] { closed.Notify(); };
  Start(1);
  SocketClient client(loop_->port());
  const int32_t id = client.http().Start(FakeClient::Call(kHold, {{"grpc-timeout", "1m"}}));
  EXPECT_TRUE(client.Until([&] { return client.http().stream(id).closed; }));
  EXPECT_TRUE(closed.WaitForNotificationWithTimeout(kPatience));
}

// As one that waits for room that another had.
TEST_F(CallLoopConnectionsTest, ACallWhoseClientIsGoneMayAnswerAnotherOfTheSameClient) {
  TestCall* second = nullptr;
  absl::Notification closed;
  on_call_ = [&](TestCall& call) { second = &call; };
  on_closed_ = [&] {
    if (second == nullptr) return closed.Notify();
    std::exchange(second, nullptr)->Send(FakeClient::Framed("there is room"));
  };
  Start(1);
  SocketClient client(loop_->port());
  client.http().Start(FakeClient::Call(kHold));
  client.http().Start(FakeClient::Call(kHold));
  EXPECT_EQ(client.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
  client.Close();
  EXPECT_TRUE(closed.WaitForNotificationWithTimeout(kPatience));
  SocketClient other(loop_->port());
  EXPECT_EQ(other.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
}

TEST_F(CallLoopConnectionsTest, AClientThatSpeaksSomethingElseIsHungUpOn) {
  Start(1);
  SocketClient client(loop_->port());
  client.Write("GET / HTTP/1.1\r\nhost: weir\r\n\r\n");
  EXPECT_TRUE(client.UntilEnd());
}

// ---- The end

TEST_F(CallLoopConnectionsTest, ShutdownWithoutStartIsNothing) {
  loop_->Shutdown();
  loop_->Shutdown();
}

TEST_F(CallLoopConnectionsTest, ShutdownWaitsForTickets) {
  Start(2);
  SocketClient client(loop_->port());
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
  EXPECT_FALSE(SocketClient(loop_->port()).connected());
  InTurn([&] {
    given_back = true;
    ticket.reset();
  });
  EXPECT_TRUE(waited.get());
}

TEST_F(CallLoopConnectionsTest, ShutdownEndsIdleConnectionsAtOnce) {
  // On a machine that is busy one may take its time, but not all.
  absl::Duration fastest = absl::InfiniteDuration();
  for (int i = 0; i < 3; ++i) {
    loop_ = *CallLoop::Listen({});
    Start(1);
    SocketClient silent(loop_->port());
    SocketClient client(loop_->port());
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

TEST_F(CallLoopConnectionsTest, ShutdownEndsOpenCallsWhoseClientsGetToHearIt) {
  Start(1);
  SocketClient client(loop_->port());
  const int32_t id = client.http().Start(FakeClient::Call(kHold));
  EXPECT_EQ(client.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
  std::future<void> shut_down = std::async(std::launch::async, [&] { loop_->Shutdown(); });
  EXPECT_TRUE(client.UntilEnd());
  EXPECT_EQ(client.http().stream(id).headers["grpc-status"], "14");
  EXPECT_EQ(client.http().stream(id).headers["grpc-message"], "the server shuts down");
  client.Close();
  shut_down.get();
}

TEST_F(CallLoopConnectionsTest, ShutdownDoesNotWaitForAClientThatDoesNotListen) {
  Start(1);
  SocketClient client(loop_->port());
  client.http().Start(FakeClient::Call(kHold));
  EXPECT_EQ(client.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
  const absl::Time began = MonotonicNow();
  loop_->Shutdown();  // The client says and hears nothing meanwhile.
  EXPECT_LT(MonotonicNow() - began, kPatience / 4);
}

TEST_F(CallLoopConnectionsTest, TheLastEventMayComeFromAnotherThreadDuringShutdown) {
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
