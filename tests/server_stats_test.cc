// What a server counts reaches its gateway, be the server ended or killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/stats/decoded_push.h"
#include "server/stats/fake_gateway.h"
#include "server/stats/stats_directory.h"
#include "tests/serving_fixture.h"

namespace weir {
namespace {

constexpr char kModel[] = "fashion-fast";

bool IsLast(const v1::PushRequest& push) { return push.last() && !push.recovered(); }
bool IsRecovered(const v1::PushRequest& push) { return push.recovered(); }

bool IsLoaded(const v1::PushRequest& push) {
  const DecodedPush decoded(push);
  return decoded.Has("weir_model_loaded", {kModel}) &&
         decoded.Value("weir_model_loaded", {kModel}) == 1;
}

double Answered(const v1::PushRequest& push) {
  return DecodedPush(push).Value("weir_requests_total", {kModel, "1", "OK"});
}

class ServerStatsTest : public testing::Test {
 protected:
  std::vector<std::string> Flags(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> flags = {absl::StrCat("--model_repository=", kShippedModels),
                                      absl::StrCat("--models=", kModel),
                                      "--replica=r",
                                      "--push_interval=20ms",
                                      absl::StrCat("--gateway=", gateway_.address()),
                                      absl::StrCat("--state_dir=", directory_.path())};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  }

  static void Predict(RunningServer& server, int times) {
    for (int i = 0; i < times; ++i) {
      v1::PredictResponse response;
      const grpc::Status status = server.Predict(BlankImage(kModel), &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
  }

  const StatsDirectory directory_;
  FakeGateway gateway_;
};

TEST_F(ServerStatsTest, AServerThatEndsHasToldEverything) {
  RunningServer server(Flags());
  ASSERT_TRUE(server.WaitUntilReady(kModel));
  Predict(server, 5);
  v1::PredictResponse response;
  EXPECT_FALSE(server.Predict(BlankImage("fashion-slow"), &response).ok());
  server.process().Signal(SIGTERM);
  EXPECT_EQ(server.process().Wait(), 0);
  const v1::PushRequest last = gateway_.pushes().back();
  EXPECT_TRUE(IsLast(last));
  EXPECT_EQ(Answered(last), 5);
  const DecodedPush push(last);
  EXPECT_EQ(push.Value("weir_requests_total", {"(unknown)", "", "NOT_FOUND"}), 1);
  EXPECT_EQ(push.Value("weir_rows_total", {kModel, "1"}), 5);
  EXPECT_EQ(push.Value("weir_batches_total", {kModel, "1"}), 5);
  EXPECT_EQ(push.Get("weir_prediction_confidence_ratio", {kModel, "1"}).Count(), 5u);
  EXPECT_EQ(push.Value("weir_model_load_failures_total", {kModel}), 0);
  EXPECT_TRUE(directory_.Files("").empty()) << "nothing is left to the next start";
}

TEST_F(ServerStatsTest, WhatAKilledServerHadCountedIsPushedByTheNextOne) {
  std::string killed;
  {
    RunningServer server(Flags());
    ASSERT_TRUE(server.WaitUntilReady(kModel));
    killed = gateway_.Await(IsLoaded).boot_id();
    // From here on nothing of it gets through.
    gateway_.Stop();
    Predict(server, 7);
    server.process().Signal(SIGKILL);
    EXPECT_EQ(server.process().Wait(), -SIGKILL);
  }
  gateway_.Start();
  RunningServer server(Flags());
  const v1::PushRequest recovered = gateway_.Await(IsRecovered);
  EXPECT_EQ(recovered.boot_id(), killed);
  EXPECT_EQ(Answered(recovered), 7);
  EXPECT_GT(recovered.acknowledged_seq(), 0u);
  gateway_.AwaitMore(1);  // The answer before has come.
  ASSERT_TRUE(server.WaitUntilReady(kModel));
  Predict(server, 1);
  server.process().Signal(SIGTERM);
  EXPECT_EQ(server.process().Wait(), 0);
  const v1::PushRequest last = gateway_.pushes().back();
  EXPECT_TRUE(IsLast(last));
  EXPECT_EQ(Answered(last), 1);
  EXPECT_NE(last.boot_id(), killed);
  EXPECT_TRUE(directory_.Files("").empty());
}

TEST_F(ServerStatsTest, AServerWhoseGatewayIsAwayEndsAllTheSameAndTheNextOneTells) {
  gateway_.Stop();
  {
    RunningServer server(Flags({"--last_push_timeout=100ms"}));
    ASSERT_TRUE(server.WaitUntilReady(kModel));
    Predict(server, 3);
    server.process().Signal(SIGTERM);
    EXPECT_EQ(server.process().Wait(), 0);
  }
  gateway_.Start();
  RunningServer server(Flags());
  EXPECT_EQ(Answered(gateway_.Await(IsRecovered)), 3);
}

TEST_F(ServerStatsTest, GaugesSayWhatIsServed) {
  RunningServer server(Flags());
  const DecodedPush push(gateway_.Await(IsLoaded));
  EXPECT_EQ(push.families().at("weir_model_info").merge(), v1::GAUGE_MERGE_UNION);
  std::set<std::string> info;
  for (const auto& [key, series] : push.series()) {
    if (key.rfind("weir_model_info", 0) == 0) info.insert(key);
  }
  ASSERT_EQ(info.size(), 1u);
  EXPECT_THAT(*info.begin(),
              testing::MatchesRegex("weir_model_info.fashion-fast,1,fashion,fast,cpu,[0-9a-f]+."));
  EXPECT_EQ(push.Value("weir_requests_in_flight", {kModel, "1"}), 0);
  EXPECT_EQ(push.Value("weir_queue_rows", {kModel, "1"}), 0);
  EXPECT_EQ(push.Value("weir_queue_capacity_rows", {kModel, "1"}), 1024);
  EXPECT_GE(push.Value("weir_instances", {kModel, "1"}), 1);
  EXPECT_GT(push.Value("weir_model_load_timestamp_seconds", {kModel, "1"}), 1.7e9);
  EXPECT_GT(push.Value("weir_model_load_duration_seconds", {kModel, "1"}), 0);
  EXPECT_EQ(push.Value("weir_model_slo_latency_seconds", {kModel}), 0.02);
  EXPECT_EQ(push.Value("weir_model_slo_objective_ratio", {kModel, "latency"}), 0.99);
  EXPECT_GT(push.Value("weir_model_quality_ratio", {kModel, "accuracy"}), 0.5);
  EXPECT_GT(push.Value("weir_process_cpu_limit_cores", {"r"}), 0);
  EXPECT_GT(push.Value("weir_process_resident_memory_bytes", {"r"}), 1 << 20);
  EXPECT_GT(push.Value("weir_process_memory_limit_bytes", {"r"}), 1 << 20);
  EXPECT_GT(push.Value("weir_process_start_time_seconds", {"r"}), 1.7e9);
}

// The names that a process's threads have. How many there are of a name comes and goes: threads
// that load models, and those of gRPC's timers, of which there may be none.
std::set<std::string> Threads(pid_t pid) {
  std::set<std::string> names;
  for (const auto& task :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/task"))) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name != "grpc_global_tim") names.insert(name);
  }
  return names;
}

TEST_F(ServerStatsTest, AServerThatDoesNotPushHasNoThreadsOfGrpc) {
  RunningServer server(Flags({"--gateway="}));
  ASSERT_TRUE(server.WaitUntilReady(kModel));
  Predict(server, 1);
  std::set<std::string> threads = Threads(server.process().pid());
  threads.erase("jemalloc_bg_thd");  // Not with a sanitizer.
  EXPECT_EQ(threads, std::set<std::string>({"weir-poller", "weir-server", "weir-worker"}));
}

TEST_F(ServerStatsTest, RecordingCanBeSwitchedOff) {
  RunningServer server(Flags({"--record_stats=false", "--gateway=", "--state_dir="}));
  ASSERT_TRUE(server.WaitUntilReady(kModel));
  Predict(server, 2);
  server.process().Signal(SIGTERM);
  EXPECT_EQ(server.process().Wait(), 0);
  EXPECT_TRUE(gateway_.pushes().empty());
  EXPECT_TRUE(directory_.Files("").empty());
}

TEST_F(ServerStatsTest, BadFlagsAreRefusedByName) {
  const auto refusal = [&](const std::string& flag, const std::string& more = "--record_stats") {
    Process process({"server/weir-server", absl::StrCat("--model_repository=", kShippedModels),
                     "--host=127.0.0.1", "--port=0", flag, more});
    EXPECT_EQ(process.Wait(), 1) << flag;
    return process.output();
  };
  EXPECT_THAT(refusal("--gateway=localhost"), testing::HasSubstr("expected HOST:PORT"));
  EXPECT_THAT(refusal("--push_interval=0s"), testing::HasSubstr("1ms to 1h"));
  EXPECT_THAT(refusal(absl::StrCat("--replica=", std::string(129, 'r'))),
              testing::HasSubstr("1 to 128 bytes"));
  EXPECT_THAT(refusal("--state_dir=/no/such/directory"), testing::HasSubstr("/no/such/directory"));
  EXPECT_THAT(refusal("--push_deadline=2h"), testing::HasSubstr("1h at most"));
  EXPECT_THAT(refusal("--last_push_timeout=0s"), testing::HasSubstr("positive and 1h at most"));
  EXPECT_THAT(refusal("--last_push_timeout=inf"), testing::HasSubstr("positive and 1h at most"));
  EXPECT_THAT(refusal("--gateway=localhost:9401", "--record_stats=false"),
              testing::HasSubstr("--gateway is named but --record_stats is false"));
  EXPECT_THAT(refusal("--state_dir=/tmp", "--record_stats=false"),
              testing::HasSubstr("--state_dir is named but --record_stats is false"));
}

}  // namespace
}  // namespace weir
