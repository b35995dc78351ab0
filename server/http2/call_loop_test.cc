// Listening, events, the turn, timers.
#include "server/http2/call_loop.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http2/call_loop_fixture.h"
#include "server/http2/fake_client.h"

namespace weir {
namespace {

using ::testing::ElementsAre;

using CallLoopTest = CallLoopFixture;

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
  SocketClient client(loop_->port());
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
    return false;
  });
  InTurn([] {});
  TestEvent submits([] { return true; });
  loop_->Post(submits);
  EXPECT_TRUE(ran.WaitForNotificationWithTimeout(kPatience));
  loop_->Shutdown();
  EXPECT_EQ(runs, 1);
}

// Their task waits to be run, whatever became of their connection.
TEST_F(CallLoopTest, WhatComesInOneReadWithAnErrorIsRun) {
  std::atomic<int> runs = 0;
  absl::Notification ran;
  Start(1, [&](absl::FunctionRef<void()>) {
    if (++runs == 1) ran.Notify();
    return false;
  });
  SocketClient client(loop_->port());
  EXPECT_EQ(client.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
  client.http().Start(FakeClient::Call(kEcho), FakeClient::Framed("hello"));
  // More pings than are answered one by one.
  constexpr int kFlood = 10'000;
  const std::string ping("\0\0\x8\6\0\0\0\0\0weirweir", 17);
  std::string bytes = client.http().Output();
  for (int i = 0; i < kFlood; ++i) bytes += ping;
  client.Write(bytes);
  EXPECT_TRUE(ran.WaitForNotificationWithTimeout(kPatience));
  EXPECT_TRUE(client.UntilEnd());
}

TEST_F(CallLoopTest, WhatHasComeMeanwhileIsRunTogether) {
  constexpr int kEvents = 5;
  int happened = 0;
  int happened_before_run = 0;
  absl::Notification ran;
  Start(1, [&](absl::FunctionRef<void()>) {
    if (ran.HasBeenNotified()) return false;
    happened_before_run = happened;
    ran.Notify();
    return false;
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

TEST_F(CallLoopTest, RequestsThatComeTogetherAreRunTogether) {
  constexpr int kRequests = 5;
  std::vector<int> calls_before_run;
  Start(1, [&](absl::FunctionRef<void()>) {
    calls_before_run.push_back(calls_);
    return false;
  });
  SocketClient client(loop_->port());
  std::vector<int32_t> ids;
  for (int i = 0; i < kRequests; ++i) {
    ids.push_back(client.http().Start(FakeClient::Call(kEcho), FakeClient::Framed("x"), true));
  }
  for (const int32_t id : ids) {
    EXPECT_TRUE(client.Until([&] { return client.http().stream(id).closed; }));
    EXPECT_EQ(client.http().stream(id).body, FakeClient::Framed("x"));
  }
  loop_->Shutdown();
  EXPECT_THAT(calls_before_run, ElementsAre(kRequests));
}

TEST_F(CallLoopTest, WhileOneThreadDoesLongWorkAnotherHasTheTurn) {
  absl::Notification running;
  absl::Notification end_run;
  Start(2, [&](absl::FunctionRef<void()> before_long_work) {
    before_long_work();
    before_long_work();  // Once more does no harm.
    if (running.HasBeenNotified()) return false;
    running.Notify();
    EXPECT_TRUE(end_run.WaitForNotificationWithTimeout(kPatience));
    return false;
  });
  TestEvent submits([] { return true; });
  loop_->Post(submits);
  EXPECT_TRUE(running.WaitForNotificationWithTimeout(kPatience));
  InTurn([] {});
  SocketClient client(loop_->port());
  EXPECT_EQ(client.Call("/weir.Test/Other", "").headers["grpc-status"], "12");
  end_run.Notify();
  loop_->Shutdown();  // It uses what is here.
}

TEST_F(CallLoopTest, AnswersAreWrittenBeforeLongWorkBegins) {
  absl::Notification end_run;
  Start(1, [&](absl::FunctionRef<void()> before_long_work) {
    before_long_work();
    EXPECT_TRUE(end_run.WaitForNotificationWithTimeout(kPatience));
    return false;
  });
  SocketClient client(loop_->port());
  EXPECT_EQ(client.Call(kEcho, "hello").body, FakeClient::Framed("hello"));
  end_run.Notify();
  loop_->Shutdown();  // It uses what is here.
}

TEST_F(CallLoopTest, WhatIsSubmittedIsRunPartByPartToItsEnd) {
  constexpr int kParts = 5;
  std::atomic<int> runs = 0;
  absl::Notification ran;
  Start(2, [&](absl::FunctionRef<void()> before_long_work) {
    before_long_work();
    if (++runs <= kParts) return true;
    ran.Notify();
    return false;
  });
  TestEvent submits([] { return true; });
  loop_->Post(submits);
  EXPECT_TRUE(ran.WaitForNotificationWithTimeout(kPatience));
  loop_->Shutdown();
  EXPECT_EQ(runs, kParts + 1);
}

TEST_F(CallLoopTest, WhatAPartHasAnsweredHappensBeforeTheNextOneIsRun) {
  std::vector<std::string> log;
  absl::Notification over;
  TestEvent answer([&] {
    log.push_back("answer");
    return false;
  });
  int parts = 0;
  Start(1, [&](absl::FunctionRef<void()> before_long_work) {
    if (parts == 1) before_long_work();  // Then it has no turn.
    log.push_back("part");
    loop_->Post(answer);
    if (++parts < 3) return true;
    over.Notify();
    return false;
  });
  TestEvent submits([] { return true; });
  loop_->Post(submits);
  EXPECT_TRUE(over.WaitForNotificationWithTimeout(kPatience));
  loop_->Shutdown();
  EXPECT_THAT(log, ElementsAre("part", "answer", "part", "answer", "part", "answer"));
}

TEST_F(CallLoopTest, AThreadRunsOnWhileAnotherHasTheTurnAndHandsItsAnswersOut) {
  absl::Notification blocked, go, answered, over;
  TestEvent block = Block(blocked, go);
  TestEvent answer([&] {
    answered.Notify();
    return false;
  });
  std::atomic<int> parts = 0;
  Start(2, [&](absl::FunctionRef<void()> before_long_work) {
    before_long_work();
    switch (++parts) {
      case 1:
        loop_->Post(answer);
        // By a thread of its own, for which the other thread of the loop is woken.
        std::thread([&] { loop_->Post(block); }).join();
        EXPECT_TRUE(blocked.WaitForNotificationWithTimeout(kPatience));
        return true;
      case 2:
        EXPECT_FALSE(answered.HasBeenNotified());
        go.Notify();
        EXPECT_TRUE(answered.WaitForNotificationWithTimeout(kPatience));
        over.Notify();
        return true;
      default:
        return false;
    }
  });
  TestEvent submits([] { return true; });
  loop_->Post(submits);
  EXPECT_TRUE(over.WaitForNotificationWithTimeout(kPatience));
  loop_->Shutdown();  // It uses what is here.
}

// ---- What is deferred

TEST_F(CallLoopTest, DeferredEventsHappenInTheirOrderBeforeWhatTheySubmitIsRun) {
  std::vector<int> log;
  absl::Notification ran;
  Start(1, [&](absl::FunctionRef<void()>) {
    if (log.empty() || ran.HasBeenNotified()) return false;
    log.push_back(0);
    ran.Notify();
    return false;
  });
  std::deque<TestEvent> events;
  for (int i = 1; i <= 3; ++i) {
    events.emplace_back([&log, i] {
      log.push_back(i);
      return false;
    });
  }
  InTurn([&] {
    for (TestEvent& event : events) loop_->Defer(event);
  });
  EXPECT_TRUE(ran.WaitForNotificationWithTimeout(kPatience));
  loop_->Shutdown();
  EXPECT_THAT(log, ElementsAre(1, 2, 3, 0));
}

TEST_F(CallLoopTest, WhileAThreadDoesMuchThatWasDeferredAnotherHasTheTurn) {
  Start(2);
  absl::Notification blocked, go;
  TestEvent block = Block(blocked, go);
  TestEvent other([] { return false; });
  InTurn([&] {
    loop_->Defer(block);
    for (int i = 0; i < 100; ++i) loop_->Defer(other);
  });
  EXPECT_TRUE(blocked.WaitForNotificationWithTimeout(kPatience));
  InTurn([] {});
  go.Notify();
  loop_->Shutdown();  // It uses what is here.
}

TEST_F(CallLoopTest, WhatDeferredEventsPostHappensBeforeLongWorkIsOver) {
  absl::Notification answered;
  TestEvent answer([&] {
    answered.Notify();
    return false;
  });
  TestEvent deferred([] { return false; });
  TestEvent last([&] {
    loop_->Post(answer);
    return false;
  });
  std::atomic<bool> begun = false;
  Start(2, [&](absl::FunctionRef<void()> before_long_work) {
    if (!begun) return false;
    before_long_work();
    EXPECT_TRUE(answered.WaitForNotificationWithTimeout(kPatience));
    return false;
  });
  InTurn([&] {
    begun = true;
    for (int i = 0; i < 100; ++i) loop_->Defer(deferred);
    loop_->Defer(last);
  });
  EXPECT_TRUE(answered.WaitForNotificationWithTimeout(kPatience));
  loop_->Shutdown();  // It uses what is here.
}

// The loop wakes up once a second anyway: it must not take so long. The fastest of three, since
// others may have the machine.
absl::Duration FastestOfThree(const std::function<void()>& act) {
  absl::Duration fastest = absl::InfiniteDuration();
  for (int i = 0; i < 3; ++i) {
    const absl::Time begin = MonotonicNow();
    act();
    fastest = std::min(fastest, MonotonicNow() - begin);
  }
  return fastest;
}

TEST_F(CallLoopTest, NoThreadSleepsOnWhatAPostedEventDefers) {
  Start(1);
  const absl::Duration fastest = FastestOfThree([&] {
    absl::Notification happened;
    TestEvent second([&] {
      happened.Notify();
      return false;
    });
    TestEvent posted([&] {
      loop_->Defer(second);
      return false;
    });
    TestEvent first([&] {
      loop_->Post(posted);
      return false;
    });
    InTurn([&] { loop_->Defer(first); });
    EXPECT_TRUE(happened.WaitForNotificationWithTimeout(kPatience));
  });
  EXPECT_LT(fastest, absl::Milliseconds(500));
}

TEST_F(CallLoopTest, ATimerIsNotLateBecauseAnotherThreadSleepsAlready) {
  std::atomic<bool> runs = false;
  absl::Notification* ran = nullptr;
  TestEvent* answer = nullptr;
  Start(2, [&](absl::FunctionRef<void()> before_long_work) {
    if (!runs.exchange(false)) return false;
    before_long_work();
    // The other thread has the turn now, does this, and then sleeps.
    std::thread([&] { InTurn([] {}); }).join();
    loop_->Post(*answer);
    ran->Notify();
    return true;
  });
  const absl::Duration fastest = FastestOfThree([&] {
    absl::Notification has_run, happened;
    TestEvent event([&] {
      happened.Notify();
      return false;
    });
    std::optional<CallLoop::Timer> timer;
    TestEvent adds_timer([&] {
      timer.emplace(*loop_, MonotonicNow() + absl::Milliseconds(1), event);
      return false;
    });
    ran = &has_run;
    answer = &adds_timer;
    TestEvent submits([&] {
      runs = true;
      return true;
    });
    loop_->Post(submits);
    EXPECT_TRUE(has_run.WaitForNotificationWithTimeout(kPatience));
    EXPECT_TRUE(happened.WaitForNotificationWithTimeout(kPatience));
    InTurn([&] { timer.reset(); });
  });
  EXPECT_LT(fastest, absl::Milliseconds(500));
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

}  // namespace
}  // namespace weir
