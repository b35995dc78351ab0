#include "loadgen/load/load_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "loadgen/load/recorded_traffic.h"
#include "loadgen/load/scripted_server.h"

namespace weir {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

const CallMethod& Anything() {
  static const CallMethod& method = *new CallMethod{"/weir.Test/Anything", {}};
  return method;
}

Shot Plain(uint64_t /*n*/) {
  return {.method = &Anything(), .message = "a request", .timeout = absl::Seconds(20)};
}

// A loop with a server that answers when `answer_now` says so.
class LoadLoopTest : public testing::Test {
 protected:
  void Connect(ScriptedServer::AnswerNow answer_now, int connections = 1) {
    server_.emplace(std::move(answer_now));
    const auto target = client_.AddTarget(server_->address(), connections, absl::Seconds(10));
    ASSERT_TRUE(target.ok()) << target.status();
  }

  void ConnectToOneThatAnswers() {
    Connect([](int64_t, size_t) { return true; });
  }

  void ConnectToOneThatDoesNotAnswer() {
    Connect([](int64_t, size_t) { return false; });
  }

  static int Count(const RecordedTraffic& traffic, absl::StatusCode code) {
    return static_cast<int>(
        std::count_if(traffic.ended.begin(), traffic.ended.end(),
                      [code](const auto& ended) { return ended.status.code() == code; }));
  }

  std::optional<ScriptedServer> server_;
  CallClient client_;
  LoadLoop loop_{client_};
};

TEST_F(LoadLoopTest, AnOpenLoopSendsWhatIsDueBeforeItsEndAndReturnsAtItsEnd) {
  ConnectToOneThatAnswers();
  RecordedTraffic traffic(Plain);
  const absl::Time start = MonotonicNow();
  // On a busy machine there is time enough for what is late.
  const absl::Time end = start + absl::Milliseconds(500);
  const auto pacer = PaceEvenly({{1000, 1000, absl::Milliseconds(60)}});
  EXPECT_EQ(loop_.RunOpen(*pacer, start, end, traffic), 0);
  EXPECT_GE(MonotonicNow(), end) << "though nothing is due in most of it";
  loop_.Drain(absl::InfiniteFuture());
  ASSERT_EQ(traffic.sent.size(), 60U);
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(traffic.sent[i].due, start + absl::Microseconds(1000 * i + 500));
    EXPECT_GE(traffic.sent[i].sent, traffic.sent[i].due);
  }
  EXPECT_EQ(Count(traffic, absl::StatusCode::kOk), 60);
  EXPECT_EQ(traffic.ended[0].response, "a request") << "which the server says again";
  EXPECT_EQ(loop_.in_flight(), 0);
}

TEST_F(LoadLoopTest, AnOpenLoopWithoutAnEndReturnsWhenNothingMoreIsDue) {
  ConnectToOneThatAnswers();
  RecordedTraffic traffic(Plain);
  const auto pacer = Replay({absl::ZeroDuration(), absl::Milliseconds(20)});
  loop_.RunOpen(*pacer, MonotonicNow(), absl::InfiniteFuture(), traffic);
  EXPECT_EQ(traffic.sent.size(), 2U);
  loop_.Drain(absl::InfiniteFuture());
  EXPECT_EQ(Count(traffic, absl::StatusCode::kOk), 2);
}

TEST_F(LoadLoopTest, AnOpenLoopDoesNotWaitForAnswers) {
  ConnectToOneThatDoesNotAnswer();
  RecordedTraffic traffic(Plain);
  const absl::Time start = MonotonicNow();
  loop_.RunOpen(*Replay({absl::ZeroDuration()}), start, absl::InfiniteFuture(), traffic);
  EXPECT_LT(MonotonicNow() - start, absl::Seconds(10));
  EXPECT_EQ(loop_.in_flight(), 1);
  loop_.Drain(MonotonicNow());
  EXPECT_EQ(Count(traffic, absl::StatusCode::kCancelled), 1);
}

TEST_F(LoadLoopTest, ASilentPhaseLastsAsLongAsItShould) {
  ConnectToOneThatAnswers();
  RecordedTraffic traffic(Plain);
  const absl::Time end = MonotonicNow() + absl::Milliseconds(30);
  const auto pacer = PaceEvenly({{0, 0, absl::Seconds(1)}});
  EXPECT_EQ(loop_.RunOpen(*pacer, MonotonicNow(), end, traffic), 0);
  EXPECT_GE(MonotonicNow(), end);
  EXPECT_TRUE(traffic.sent.empty());
}

// As wrk and its like do not see it: while nothing is answered, requests go on being due.
TEST_F(LoadLoopTest, AServerThatStallsTwoSecondsShowsInThePercentiles) {
  // At 200 a second, 400 requests that wait are two seconds.
  Connect([](int64_t arrived, size_t) { return arrived <= 200 || arrived > 600; });
  RecordedTraffic traffic(Plain);
  const absl::Time start = MonotonicNow();
  const auto pacer = PaceEvenly({{200, 200, absl::Seconds(4)}});
  EXPECT_EQ(loop_.RunOpen(*pacer, start, absl::InfiniteFuture(), traffic), 0);
  loop_.Drain(absl::InfiniteFuture());
  ASSERT_EQ(Count(traffic, absl::StatusCode::kOk), 800);
  Histogram latency_ns;
  for (const auto& ended : traffic.ended) {
    latency_ns.Record(absl::ToInt64Nanoseconds(ended.now - ended.due));
  }
  // Half of all waited, evenly from nothing to two seconds. On a busy machine it is longer.
  EXPECT_GT(latency_ns.Quantile(0.75) / 1e9, 0.9);
  EXPECT_GT(latency_ns.Quantile(0.99) / 1e9, 1.85);
  EXPECT_LT(latency_ns.Quantile(0.25) / 1e9, 0.5);
}

TEST_F(LoadLoopTest, WhatIsSentLateKeepsItsDueTime) {
  ConnectToOneThatAnswers();
  RecordedTraffic traffic(Plain);
  const absl::Time start = MonotonicNow() - absl::Seconds(2);
  const auto pacer = PaceEvenly({{100, 100, absl::Seconds(1)}});
  loop_.RunOpen(*pacer, start, absl::InfiniteFuture(), traffic);
  loop_.Drain(absl::InfiniteFuture());
  ASSERT_EQ(Count(traffic, absl::StatusCode::kOk), 100);
  for (const auto& ended : traffic.ended) EXPECT_GT(ended.now - ended.due, absl::Seconds(1));
}

TEST_F(LoadLoopTest, WhatCannotBeSentShortlyAfterTheEndIsCounted) {
  ConnectToOneThatAnswers();
  RecordedTraffic traffic(Plain);
  // The end is long past before the loop begins.
  const absl::Time start = MonotonicNow() - absl::Seconds(10);
  const auto pacer = PaceEvenly({{100, 100, absl::Seconds(5)}});
  EXPECT_EQ(loop_.RunOpen(*pacer, start, start + absl::Seconds(5), traffic), 500);
  EXPECT_TRUE(traffic.sent.empty());
}

TEST_F(LoadLoopTest, AClosedLoopKeepsAsManyInFlightAsItIsTold) {
  // Eight are answered at once or nobody is.
  Connect([](int64_t, size_t waiting) { return waiting == 8; }, /*connections=*/4);
  RecordedTraffic traffic(Plain);
  traffic.on_end = [&] {
    if (traffic.ended.size() == 80) loop_.Stop();
  };
  loop_.RunClosed(8, MonotonicNow() + kPatience, traffic);
  loop_.Drain(MonotonicNow());
  EXPECT_GE(Count(traffic, absl::StatusCode::kOk), 80);
  EXPECT_LT(Count(traffic, absl::StatusCode::kCancelled), 9);
  EXPECT_EQ(traffic.ended.size(), traffic.sent.size());
}

TEST_F(LoadLoopTest, WhatIsInFlightCountsInTheNextRun) {
  ConnectToOneThatDoesNotAnswer();
  RecordedTraffic first(Plain), second(Plain);
  loop_.RunClosed(5, MonotonicNow() + absl::Milliseconds(20), first);
  loop_.RunClosed(8, MonotonicNow() + absl::Milliseconds(20), second);
  EXPECT_EQ(first.sent.size(), 5U);
  EXPECT_EQ(second.sent.size(), 3U);
  EXPECT_EQ(loop_.in_flight(), 8);
  loop_.Drain(MonotonicNow());
  EXPECT_EQ(Count(first, absl::StatusCode::kCancelled), 5) << "each traffic learns of its own";
  EXPECT_EQ(Count(second, absl::StatusCode::kCancelled), 3);
}

TEST_F(LoadLoopTest, WithoutAServerAClosedLoopRestsBetweenAttempts) {
  ConnectToOneThatAnswers();
  server_.reset();
  RecordedTraffic traffic(Plain);
  traffic.on_end = [&] {
    if (traffic.ended.size() == 40) loop_.Stop();
  };
  const absl::Time start = MonotonicNow();
  loop_.RunClosed(4, start + kPatience, traffic);
  // One of the four has tried ten times, and rested nine times.
  EXPECT_GE(MonotonicNow() - start, absl::Milliseconds(90));
  loop_.Drain(absl::InfiniteFuture());
  EXPECT_GE(traffic.ended.size(), 40U) << "it tries again";
  EXPECT_EQ(Count(traffic, absl::StatusCode::kUnavailable), static_cast<int>(traffic.ended.size()));
}

TEST_F(LoadLoopTest, WhatTakesLongerThanItsTimeoutEndsWithDeadlineExceeded) {
  ConnectToOneThatDoesNotAnswer();
  RecordedTraffic traffic([](uint64_t n) {
    Shot shot = Plain(n);
    shot.timeout = absl::Milliseconds(20);
    return shot;
  });
  traffic.on_end = [&] {
    if (traffic.ended.size() == 9) loop_.Stop();
  };
  loop_.RunClosed(3, MonotonicNow() + kPatience, traffic);
  loop_.Drain(absl::InfiniteFuture());
  EXPECT_GE(traffic.ended.size(), 9U);
  EXPECT_EQ(Count(traffic, absl::StatusCode::kDeadlineExceeded),
            static_cast<int>(traffic.ended.size()));
}

TEST_F(LoadLoopTest, AnAnswerThatComesAfterItsTimeoutIsNone) {
  ConnectToOneThatAnswers();
  // Between what no server can do and what this one can.
  for (const absl::Duration timeout : {absl::Microseconds(1), absl::Microseconds(300)}) {
    RecordedTraffic traffic([timeout](uint64_t n) {
      Shot shot = Plain(n);
      shot.timeout = timeout;
      return shot;
    });
    loop_.RunClosed(1, MonotonicNow() + absl::Milliseconds(50), traffic);
    loop_.Drain(absl::InfiniteFuture());
    EXPECT_GT(traffic.ended.size(), 10U);
    for (const auto& ended : traffic.ended) {
      EXPECT_TRUE(!ended.status.ok() || ended.now - ended.due <= timeout);
      EXPECT_EQ(ended.status.ok() ? "a request" : "", ended.response);
    }
  }
}

TEST_F(LoadLoopTest, WhatWaitsForAServerWithoutATimeoutIsSentWhenItIsBack) {
  ConnectToOneThatAnswers();
  const std::string address = server_->address();
  server_.reset();
  const absl::Time deadline = MonotonicNow() + kPatience;
  while (client_.connected(0) && MonotonicNow() < deadline) client_.Poll(deadline);
  LoadLoop loop(client_, {.wait_for_servers = true});
  RecordedTraffic traffic([](uint64_t n) {
    Shot shot = Plain(n);
    shot.timeout = absl::InfiniteDuration();
    return shot;
  });
  loop.RunOpen(*Replay({absl::ZeroDuration()}), MonotonicNow(), absl::InfiniteFuture(), traffic);
  EXPECT_TRUE(traffic.sent.empty());
  server_.emplace([](int64_t, size_t) { return true; }, grpc::Status::OK, address);
  loop.Drain(MonotonicNow() + kPatience);
  EXPECT_EQ(Count(traffic, absl::StatusCode::kOk), 1);
}

TEST_F(LoadLoopTest, StopEndsARunFromAnotherThreadAndLaterOnesAtOnce) {
  ConnectToOneThatDoesNotAnswer();
  RecordedTraffic traffic(Plain);
  std::thread stopper([&] { loop_.Stop(); });
  loop_.RunClosed(1, absl::InfiniteFuture(), traffic);
  stopper.join();
  EXPECT_TRUE(loop_.stopped());
  const size_t sent = traffic.sent.size();
  const auto pacer = PaceEvenly({{1000, 1000, absl::InfiniteDuration()}});
  EXPECT_EQ(loop_.RunOpen(*pacer, MonotonicNow(), absl::InfiniteFuture(), traffic), 0);
  EXPECT_EQ(traffic.sent.size(), sent);
  loop_.Drain(MonotonicNow());
  EXPECT_EQ(traffic.ended.size(), sent);
}

TEST_F(LoadLoopTest, ATrafficThatStopsTheLoopSendsNoMoreThanItMeantTo) {
  ConnectToOneThatAnswers();
  for (const bool closed : {true, false}) {
    LoadLoop loop(client_);
    RecordedTraffic traffic([&](uint64_t n) {
      if (n == 9) loop.Stop();
      return Plain(n);
    });
    if (closed) {
      loop.RunClosed(100, absl::InfiniteFuture(), traffic);
    } else {
      const auto pacer = PaceEvenly({{1e6, 1e6, absl::InfiniteDuration()}});
      const absl::Time start = MonotonicNow() - absl::Seconds(1);
      const int64_t unsent = loop.RunOpen(*pacer, start, absl::InfiniteFuture(), traffic);
      EXPECT_GE(unsent, 999990) << "were due until the stop";
    }
    loop.Drain(absl::InfiniteFuture());
    EXPECT_EQ(traffic.sent.size(), 10U);
    EXPECT_EQ(Count(traffic, absl::StatusCode::kOk), 10);
  }
}

TEST_F(LoadLoopTest, RequestsInFlightDoNotOutliveTheLoop) {
  ConnectToOneThatDoesNotAnswer();
  RecordedTraffic traffic(Plain);
  {
    LoadLoop loop(client_);
    loop.RunClosed(2, MonotonicNow() + absl::Milliseconds(5), traffic);
  }
  EXPECT_EQ(Count(traffic, absl::StatusCode::kCancelled), 2);
  EXPECT_EQ(client_.open_calls(), 0);
}

}  // namespace
}  // namespace weir
