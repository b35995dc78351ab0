#include "bench/load_client.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "bench/arrivals.h"
#include "bench/scripted_server.h"

namespace weir {
namespace {

constexpr absl::Duration kShort = absl::Milliseconds(100);

bool Always(int64_t, size_t) { return true; }

std::unique_ptr<LoadClient> Connected(const ScriptedServer& server, LoadClient::Options options) {
  options.address = server.address();
  options.method = "/weir.Test/Anything";
  options.request = "the same every time";
  absl::StatusOr<std::unique_ptr<LoadClient>> client = LoadClient::Create(std::move(options));
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

TEST(LoadClientTest, AClosedLoopCountsEveryAnswerOnce) {
  ScriptedServer server(Always);
  const LoadReport report = Connected(server, {})->RunClosedLoop(16, absl::ZeroDuration(), kShort);
  EXPECT_EQ(report.all_calls, server.answered());
  EXPECT_TRUE(server.all_alike());
  EXPECT_EQ(report.calls(), report.ok());
  EXPECT_EQ(report.latency_ns.Count(), report.ok());
  EXPECT_GT(report.ok(), 0);
  EXPECT_EQ(report.all_calls - report.calls(), 16) << "those that were in flight at the end";
  EXPECT_EQ(report.duration, kShort);
  EXPECT_GT(report.client_cpu, absl::ZeroDuration());
}

TEST(LoadClientTest, AClosedLoopKeepsAsManyInFlightAsItIsTold) {
  // The server answers eight at once or nobody. At the end the last few wait in vain.
  ScriptedServer server([](int64_t, size_t waiting) { return waiting == 8; });
  const LoadReport report =
      Connected(server, {.connections = 4, .threads = 2, .timeout = absl::Milliseconds(500)})
          ->RunClosedLoop(8, absl::ZeroDuration(), kShort);
  EXPECT_GT(report.ok(), 8);
  EXPECT_EQ(report.calls(), report.ok());
}

TEST(LoadClientTest, WhatEndsDuringTheWarmUpIsNotMeasured) {
  ScriptedServer server(Always);
  const LoadReport report = Connected(server, {})->RunClosedLoop(4, kShort, kShort);
  EXPECT_EQ(report.all_calls, server.answered());
  EXPECT_GT(report.all_calls, report.calls() + 4);
}

TEST(LoadClientTest, AnOpenLoopSendsEachCallAtItsTime) {
  ScriptedServer server(Always);
  const auto arrivals = PoissonArrivals(2000, absl::ZeroDuration(), 2 * kShort, 1);
  const LoadReport report =
      Connected(server, {.connections = 2, .threads = 2, .keep_outcomes = true})
          ->RunOpenLoop(arrivals);
  EXPECT_EQ(report.ok(), static_cast<int64_t>(arrivals.size()));
  EXPECT_EQ(report.duration, arrivals.back());
  EXPECT_EQ(server.answered(), report.ok());
  std::vector<absl::Duration> due;
  for (const CallOutcome& outcome : report.outcomes) due.push_back(outcome.due);
  std::sort(due.begin(), due.end());
  EXPECT_EQ(due, arrivals);
}

TEST(LoadClientTest, AServerThatStallsShowsInTheLatencyOfAllCallsThatWereDueMeanwhile) {
  // At 1000 a second, the 50 requests that the server lets wait are 50 ms.
  ScriptedServer server([](int64_t arrived, size_t) { return arrived <= 100 || arrived >= 150; });
  const LoadReport report =
      Connected(server, {.keep_outcomes = true})
          ->RunOpenLoop(ConstantArrivals(1000, absl::ZeroDuration(), absl::Milliseconds(300)));
  EXPECT_EQ(report.ok(), 300);
  for (const CallOutcome& outcome : report.outcomes) {
    if (outcome.due < absl::Milliseconds(100) || outcome.due > absl::Milliseconds(149)) continue;
    EXPECT_GE(outcome.latency, absl::Milliseconds(149) - outcome.due);
  }
  EXPECT_GE(report.Latency(0.99), absl::Milliseconds(46));
}

TEST(LoadClientTest, AClientThatFallsBehindSaysSoAndCountsFromWhenCallsWereDue) {
  ScriptedServer server(Always);
  const std::vector<absl::Duration> due_before_the_beginning(10, -absl::Milliseconds(50));
  const LoadReport report = Connected(server, {})->RunOpenLoop(due_before_the_beginning);
  EXPECT_EQ(report.ok(), 10);
  EXPECT_GE(report.send_lag_ns.Quantile(0), 49e6);
  EXPECT_GE(report.latency_ns.Quantile(0), report.send_lag_ns.Quantile(0));
}

TEST(LoadClientTest, CallsThatTakeTooLongEndWithDeadlineExceeded) {
  ScriptedServer server([](int64_t, size_t) { return false; });
  const LoadReport report = Connected(server, {.timeout = absl::Milliseconds(20)})
                                ->RunOpenLoop(ConstantArrivals(1000, absl::ZeroDuration(), kShort));
  EXPECT_EQ(report.Codes(), "100 DEADLINE_EXCEEDED");
  EXPECT_EQ(report.latency_ns.Count(), 0) << "only answers have a latency";
}

TEST(LoadClientTest, RefusalsAreCountedByTheirCode) {
  ScriptedServer server(Always, grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full"));
  const LoadReport report =
      Connected(server, {})->RunOpenLoop(ConstantArrivals(1000, absl::ZeroDuration(), kShort));
  EXPECT_EQ(report.calls_by_code[grpc::StatusCode::RESOURCE_EXHAUSTED], 100);
  EXPECT_EQ(report.Codes(), "100 RESOURCE_EXHAUSTED");
  EXPECT_EQ(report.unanswered_by_code[grpc::StatusCode::RESOURCE_EXHAUSTED], 0);
}

TEST(LoadClientTest, WhatIsNoAnswerIsToldApart) {
  ScriptedServer server(Always, grpc::Status(grpc::StatusCode::UNAVAILABLE, "loading"));
  for (const char* const answer : {"loading", "draining"}) {
    const auto is_answer = [&](const grpc::Status& status) {
      return status.error_message() == answer;
    };
    const LoadReport report =
        Connected(server, {.is_answer = is_answer})
            ->RunOpenLoop(ConstantArrivals(100, absl::ZeroDuration(), kShort));
    EXPECT_EQ(report.calls_by_code[grpc::StatusCode::UNAVAILABLE], 10);
    EXPECT_EQ(report.unanswered_by_code[grpc::StatusCode::UNAVAILABLE],
              answer == std::string("loading") ? 0 : 10);
  }
}

TEST(LoadClientTest, ItDoesNotBeginWithoutAServer) {
  const auto client = LoadClient::Create({.address = "127.0.0.1:1", .method = "/a.B/C"});
  EXPECT_EQ(client.status().code(), absl::StatusCode::kUnavailable);
}

TEST(LoadReportTest, MergedReportsAreSums) {
  LoadReport one, other;
  one.calls_by_code[0] = 2;
  one.latency_ns.Record(10, 2);
  one.duration = other.duration = absl::Seconds(2);
  one.client_cpu = other.client_cpu = absl::Seconds(1);
  other.calls_by_code[0] = 4;
  other.calls_by_code[14] = 1;
  one.Merge(other);
  EXPECT_EQ(one.Codes(), "6 OK, 1 UNAVAILABLE");
  EXPECT_EQ(one.OkPerSecond(), 3);
  EXPECT_EQ(one.client_cpu, absl::Seconds(2));
}

}  // namespace
}  // namespace weir
