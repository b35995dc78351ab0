#include "loadgen/load/load_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "loadgen/load/scripted_server.h"

namespace weir {
namespace {

constexpr absl::Duration kShort = absl::Milliseconds(100);

bool Always(int64_t, size_t) { return true; }

int64_t Unanswered(const LoadResult& result) {
  const auto& counts = result.unanswered_by_code;
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

std::unique_ptr<LoadClient> Connected(const ScriptedServer& server, LoadClient::Options options) {
  options.address = server.address();
  options.method = "/weir.Test/Anything";
  if (options.requests.empty()) options.requests = {"the same every time"};
  absl::StatusOr<std::unique_ptr<LoadClient>> client = LoadClient::Create(std::move(options));
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

TEST(LoadClientTest, AClosedLoopCountsEveryAnswerOnce) {
  ScriptedServer server(Always);
  const LoadResult result = Connected(server, {})->RunClosedLoop(16, absl::ZeroDuration(), kShort);
  EXPECT_EQ(result.all_calls, server.answered());
  EXPECT_TRUE(server.all_alike());
  EXPECT_EQ(result.calls(), result.ok());
  EXPECT_EQ(result.latency_ns.Count(), result.ok());
  EXPECT_GT(result.ok(), 0);
  EXPECT_LE(result.all_calls - result.calls(), 16) << "those that were in flight at the end";
  EXPECT_EQ(result.duration, kShort);
  EXPECT_GT(result.client_cpu, absl::ZeroDuration());
}

TEST(LoadClientTest, AClosedLoopKeepsAsManyInFlightAsItIsTold) {
  // The server answers eight at once or nobody. At the end the last few wait in vain.
  ScriptedServer server([](int64_t, size_t waiting) { return waiting == 8; });
  const LoadResult result =
      Connected(server, {.connections = 4, .timeout = absl::Milliseconds(500)})
          ->RunClosedLoop(8, absl::ZeroDuration(), kShort);
  EXPECT_GT(result.ok(), 8);
  EXPECT_EQ(result.calls(), result.ok());
}

TEST(LoadClientTest, WhatEndsDuringTheWarmUpIsNotMeasured) {
  ScriptedServer server(Always);
  const LoadResult result = Connected(server, {})->RunClosedLoop(4, kShort, kShort);
  EXPECT_EQ(result.all_calls, server.answered());
  EXPECT_GT(result.all_calls, result.calls() + 4) << "those in flight at the end, and more";
}

std::vector<absl::Duration> TimesOf(std::unique_ptr<Pacer> pacer) {
  std::vector<absl::Duration> times;
  for (absl::Duration time; (time = pacer->Next()) < absl::InfiniteDuration();) {
    times.push_back(time);
  }
  return times;
}

std::unique_ptr<Pacer> ThousandASecond(absl::Duration length) {
  return PaceEvenly({{1000, 1000, length}});
}

TEST(LoadClientTest, AnOpenLoopSendsEachCallAtItsTime) {
  ScriptedServer server(Always);
  const std::vector<RatePiece> curve = {{2000, 2000, 2 * kShort}};
  const std::vector<absl::Duration> times = TimesOf(PacePoisson(curve, 1));
  const LoadResult result = Connected(server, {.connections = 2, .keep_outcomes = true})
                                ->RunOpenLoop(PacePoisson(curve, 1));
  EXPECT_EQ(result.ok(), static_cast<int64_t>(times.size()));
  EXPECT_EQ(result.duration, times.back());
  EXPECT_EQ(server.answered(), result.ok());
  std::vector<absl::Duration> due;
  for (const CallOutcome& outcome : result.outcomes) due.push_back(outcome.due);
  std::sort(due.begin(), due.end());
  EXPECT_EQ(due, times);
}

TEST(LoadClientTest, RequestsAreSentInTurn) {
  ScriptedServer server(Always);
  const auto client = Connected(server, {.requests = {"one", "two"}});
  EXPECT_EQ(client->RunOpenLoop(Replay({absl::ZeroDuration()})).ok(), 1);
  EXPECT_TRUE(server.all_alike());
  EXPECT_EQ(client->RunOpenLoop(Replay({absl::ZeroDuration()})).ok(), 1);
  EXPECT_FALSE(server.all_alike());
}

TEST(LoadClientTest, AServerThatStallsShowsInTheLatencyOfAllCallsThatWereDueMeanwhile) {
  // At 1000 a second, the 50 requests that the server lets wait are 50 ms.
  ScriptedServer server([](int64_t arrived, size_t) { return arrived <= 100 || arrived >= 150; });
  const LoadResult result = Connected(server, {.keep_outcomes = true})
                                ->RunOpenLoop(ThousandASecond(absl::Milliseconds(300)));
  EXPECT_EQ(result.ok(), 300);
  for (const CallOutcome& outcome : result.outcomes) {
    if (outcome.due < absl::Milliseconds(100) || outcome.due > absl::Milliseconds(149)) continue;
    EXPECT_GE(outcome.latency, absl::Milliseconds(149) - outcome.due);
  }
  EXPECT_GE(result.Latency(0.99), absl::Milliseconds(46));
}

TEST(LoadClientTest, AClientThatFallsBehindSaysSoAndCountsFromWhenCallsWereDue) {
  ScriptedServer server(Always);
  const std::vector<absl::Duration> due_before_the_beginning(10, -absl::Milliseconds(50));
  const LoadResult result = Connected(server, {})->RunOpenLoop(Replay(due_before_the_beginning));
  EXPECT_EQ(result.ok(), 10);
  EXPECT_GE(result.send_lag_ns.Quantile(0), 49e6);
  EXPECT_GE(result.latency_ns.Quantile(0), result.send_lag_ns.Quantile(0));
}

TEST(LoadClientTest, CallsThatTakeTooLongEndWithDeadlineExceeded) {
  ScriptedServer server([](int64_t, size_t) { return false; });
  const LoadResult result =
      Connected(server, {.timeout = absl::Milliseconds(20)})->RunOpenLoop(ThousandASecond(kShort));
  EXPECT_EQ(result.Codes(), "100 DEADLINE_EXCEEDED");
  EXPECT_EQ(result.latency_ns.Count(), 0) << "only answers have a latency";
}

TEST(LoadClientTest, RefusalsAreCountedByTheirCode) {
  ScriptedServer server(Always, grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full"));
  const LoadResult result = Connected(server, {})->RunOpenLoop(ThousandASecond(kShort));
  EXPECT_EQ(result.Ended(absl::StatusCode::kResourceExhausted), 100);
  EXPECT_EQ(result.Codes(), "100 RESOURCE_EXHAUSTED");
  EXPECT_EQ(Unanswered(result), 0);
}

TEST(LoadClientTest, WhatIsNoAnswerIsToldApart) {
  std::optional<ScriptedServer> server;
  server.emplace(Always, grpc::Status(grpc::StatusCode::UNAVAILABLE, "loading"));
  const auto client = Connected(*server, {});
  const LoadResult refused = client->RunOpenLoop(ThousandASecond(kShort));
  EXPECT_EQ(refused.Codes(), "100 UNAVAILABLE");
  EXPECT_EQ(Unanswered(refused), 0);
  server.reset();
  const LoadResult lost = client->RunOpenLoop(ThousandASecond(kShort));
  EXPECT_EQ(lost.Codes(), "100 UNAVAILABLE");
  EXPECT_EQ(Unanswered(lost), 100);
}

TEST(LoadClientTest, CallsThatWaitForAServerEndWithTheirDeadlineAtTheLatest) {
  std::optional<ScriptedServer> server;
  server.emplace(Always);
  const auto client =
      Connected(*server, {.timeout = absl::Milliseconds(50), .wait_for_server = true});
  server.reset();
  // The connection is found to be broken by the first call at the latest.
  client->RunOpenLoop(Replay({absl::ZeroDuration()}));
  EXPECT_EQ(client->RunOpenLoop(ThousandASecond(kShort)).Codes(), "100 DEADLINE_EXCEEDED");
}

TEST(LoadClientTest, CallsThatWaitForAServerAreAnsweredOnceItIsBack) {
  std::optional<ScriptedServer> server;
  server.emplace(Always);
  const std::string address = server->address();
  const auto client = Connected(*server, {.timeout = absl::Seconds(20), .wait_for_server = true});
  server.reset();
  LoadResult result;
  std::thread run([&] { result = client->RunOpenLoop(ThousandASecond(kShort)); });
  server.emplace(Always, grpc::Status::OK, address);
  run.join();
  EXPECT_EQ(result.Codes(), "100 OK");
}

TEST(LoadClientTest, ItDoesNotBeginWithoutAServer) {
  const auto client =
      LoadClient::Create({.address = "127.0.0.1:1", .method = "/a.B/C", .requests = {""}});
  EXPECT_EQ(client.status().code(), absl::StatusCode::kUnavailable);
}

TEST(LoadResultTest, MergedReportsAreSums) {
  LoadResult one, other;
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

TEST(LoadResultTest, OfNoTimeThereIsNoRate) {
  LoadResult result;
  EXPECT_EQ(result.OkPerSecond(), 0);
  result.calls_by_code[0] = 1;
  EXPECT_EQ(result.OkPerSecond(), 0);
}

}  // namespace
}  // namespace weir
