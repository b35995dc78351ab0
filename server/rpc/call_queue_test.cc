#include "server/rpc/call_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace weir {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

// Happens as soon as the queue is polled after Set.
class TestEvent : public Event {
 public:
  explicit TestEvent(std::function<bool()> happened) : happened_(std::move(happened)) {}

  void Set(CallQueue& queue) { alarm_.Set(&queue.queue(), gpr_time_0(GPR_CLOCK_MONOTONIC), this); }

  bool Happened(bool) override { return happened_(); }

 private:
  const std::function<bool()> happened_;
  grpc::Alarm alarm_;
};

// A queue of a server without services.
class CallQueueTest : public testing::Test {
 protected:
  CallQueueTest() {
    grpc::ServerBuilder builder;
    queue_.emplace(builder.AddCompletionQueue());
    server_ = builder.BuildAndStart();
  }

  ~CallQueueTest() override { Shutdown(); }

  void ShutdownServer() { server_->Shutdown(std::chrono::system_clock::now()); }

  // Before the test's events go.
  void Shutdown() {
    ShutdownServer();
    queue_->Shutdown();
  }

  // Lets the queue's threads do nothing else until `go` is notified.
  TestEvent Block(absl::Notification& blocked, absl::Notification& go, bool submits = false) {
    return TestEvent([&blocked, &go, submits] {
      blocked.Notify();
      EXPECT_TRUE(go.WaitForNotificationWithTimeout(kPatience));
      return submits;
    });
  }

  std::unique_ptr<grpc::Server> server_;
  std::optional<CallQueue> queue_;
};

TEST_F(CallQueueTest, WhatWasSubmittedIsRunAndNothingElse) {
  std::atomic<int> runs = 0;
  absl::Notification ran;
  queue_->Start(1, [&](absl::FunctionRef<void()>) {
    if (++runs == 1) ran.Notify();
  });
  absl::Notification happened;
  TestEvent submits_nothing([&] {
    happened.Notify();
    return false;
  });
  TestEvent submits([] { return true; });
  submits_nothing.Set(*queue_);
  EXPECT_TRUE(happened.WaitForNotificationWithTimeout(kPatience));
  submits.Set(*queue_);
  EXPECT_TRUE(ran.WaitForNotificationWithTimeout(kPatience));
  Shutdown();
  EXPECT_EQ(runs, 1);
}

TEST_F(CallQueueTest, WhatHasComeMeanwhileIsRunTogether) {
  constexpr int kEvents = 5;
  std::atomic<int> happened = 0;
  std::atomic<int> happened_before_run = 0;
  absl::Notification ran;
  queue_->Start(1, [&](absl::FunctionRef<void()>) {
    if (ran.HasBeenNotified()) return;
    happened_before_run = happened.load();
    ran.Notify();
  });
  absl::Notification blocked;
  absl::Notification go;
  TestEvent first = Block(blocked, go, /*submits=*/true);
  first.Set(*queue_);
  EXPECT_TRUE(blocked.WaitForNotificationWithTimeout(kPatience));
  std::deque<TestEvent> events;
  for (int i = 0; i < kEvents; ++i) {
    events.emplace_back([&happened] {
      ++happened;
      return true;
    });
    events.back().Set(*queue_);
  }
  go.Notify();
  EXPECT_TRUE(ran.WaitForNotificationWithTimeout(kPatience));
  Shutdown();
  EXPECT_EQ(happened_before_run, kEvents);
}

TEST_F(CallQueueTest, WhileOneThreadDoesLongWorkAnotherPolls) {
  absl::Notification running;
  absl::Notification end_run;
  queue_->Start(2, [&](absl::FunctionRef<void()> before_long_work) {
    before_long_work();
    before_long_work();  // Once more does no harm.
    if (!running.HasBeenNotified()) running.Notify();
    EXPECT_TRUE(end_run.WaitForNotificationWithTimeout(kPatience));
  });
  absl::Notification blocked;
  absl::Notification go;
  TestEvent first = Block(blocked, go, /*submits=*/true);
  first.Set(*queue_);
  EXPECT_TRUE(blocked.WaitForNotificationWithTimeout(kPatience));
  std::deque<TestEvent> events;
  for (int i = 0; i < 100; ++i) events.emplace_back([] { return true; }).Set(*queue_);
  go.Notify();
  EXPECT_TRUE(running.WaitForNotificationWithTimeout(kPatience));
  absl::Notification happened;
  TestEvent late([&happened] {
    happened.Notify();
    return false;
  });
  late.Set(*queue_);
  EXPECT_TRUE(happened.WaitForNotificationWithTimeout(kPatience));
  end_run.Notify();
  Shutdown();
}

TEST_F(CallQueueTest, ShutdownKeepsTheQueueOpenUntilTheLastCallHasEnded) {
  queue_->Start(2, [](absl::FunctionRef<void()>) {});
  std::optional<CallQueue::Ticket> call;
  call.emplace(*queue_);
  ShutdownServer();
  auto shut_down = std::async(std::launch::async, [this] { queue_->Shutdown(); });
  EXPECT_EQ(shut_down.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  absl::Notification happened;
  TestEvent event([&happened] {
    happened.Notify();
    return false;
  });
  event.Set(*queue_);  // gRPC would abort the process if the queue were shut down.
  EXPECT_TRUE(happened.WaitForNotificationWithTimeout(kPatience));
  call.reset();
  shut_down.get();
}

TEST_F(CallQueueTest, WithoutThreadsWhatIsLeftHappensInShutdown) {
  bool happened = false;
  TestEvent event([&happened] { return happened = true; });
  event.Set(*queue_);
  Shutdown();
  EXPECT_TRUE(happened);
}

}  // namespace
}  // namespace weir
