// A running server whose models change under load and on demand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <deque>
#include <filesystem>
#include <iostream>
#include <map>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/process.h"
#include "base/processors.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "tests/changing_repository.h"
#include "tests/serving_fixture.h"
#include "weir/v1/admin.grpc.pb.h"
#include "weir/v1/predictor.grpc.pb.h"

namespace weir {
namespace {

using grpc::health::v1::HealthCheckResponse;
using testing::HasSubstr;
using testing::SizeIs;

float FirstProbability(const v1::PredictResponse& response) {
  float probability = NAN;
  if (response.outputs_size() == 1 && response.outputs(0).data().size() >= sizeof(float)) {
    std::memcpy(&probability, response.outputs(0).data().data(), sizeof(float));
  }
  return probability;
}

// Threads that each ask a model, again as soon as there is an answer, for as long as it lives.
class ClosedLoops {
 public:
  ClosedLoops(const RunningServer& server, const std::string& model, int threads) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, &server, model, &answers = answers_.emplace_back()] {
        Ask(server, model, answers);
      });
    }
  }
  ~ClosedLoops() { Stop(); }

  struct Answers {
    std::map<int64_t, int> by_version;
    std::map<int64_t, float> lowest, highest;  // First probability, by version.
    std::vector<std::string> failures;
  };

  // What all threads got together.
  Answers Stop() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    Answers all;
    for (const Answers& answers : answers_) {
      for (const auto& [version, count] : answers.by_version) {
        const bool first = all.by_version.count(version) == 0;
        all.by_version[version] += count;
        float& lowest = all.lowest[version];
        float& highest = all.highest[version];
        lowest = first ? answers.lowest.at(version) : std::min(lowest, answers.lowest.at(version));
        highest =
            first ? answers.highest.at(version) : std::max(highest, answers.highest.at(version));
      }
      all.failures.insert(all.failures.end(), answers.failures.begin(), answers.failures.end());
    }
    return all;
  }

 private:
  void Ask(const RunningServer& server, const std::string& model, Answers& answers) {
    const v1::PredictRequest request = BlankImage(model);
    while (!stop_) {
      v1::PredictResponse response;
      const grpc::Status status = server.Predict(request, &response);
      if (!status.ok()) {
        answers.failures.push_back(status.error_message());
        continue;
      }
      const int64_t version = response.model().version();
      const float probability = FirstProbability(response);
      if (++answers.by_version[version] == 1) {
        answers.lowest[version] = answers.highest[version] = probability;
      }
      answers.lowest[version] = std::min(answers.lowest[version], probability);
      answers.highest[version] = std::max(answers.highest[version], probability);
    }
  }

  std::atomic<bool> stop_ = false;  // Relaxed would do: it guards nothing.
  std::deque<Answers> answers_;     // One for each thread, which do not move.
  std::vector<std::thread> threads_;
};

class ReloadTest : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& models, std::vector<std::string> flags = {}) {
    for (const std::string& model : models) repository_.Add(model);
    flags.push_back("--model_repository=" + repository_.root());
    server_ = std::make_unique<RunningServer>(flags);
    for (const std::string& model : models) {
      ASSERT_TRUE(server_->WaitUntilReady(model)) << server_->process().output();
    }
    admin_ = v1::Admin::NewStub(server_->channel());
  }

  // The states of the models after the repository was looked through.
  std::map<std::string, v1::ModelState> Reload() {
    grpc::ClientContext context;
    v1::ReloadRepositoryResponse response;
    const grpc::Status status = admin_->ReloadRepository(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return ByName(response);
  }

  std::map<std::string, v1::ModelState> List() {
    grpc::ClientContext context;
    v1::ListModelsResponse response;
    const grpc::Status status = admin_->ListModels(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return ByName(response);
  }

  template <typename Response>
  static std::map<std::string, v1::ModelState> ByName(const Response& response) {
    std::map<std::string, v1::ModelState> states;
    for (const v1::ModelState& model : response.models()) states[model.name()] = model;
    return states;
  }

  // The version that answers, or what the caller is told.
  std::string Ask(const std::string& model, int64_t version = 0) {
    v1::PredictRequest request = BlankImage(model);
    request.mutable_model()->set_version(version);
    v1::PredictResponse response;
    const grpc::Status status = server_->Predict(request, &response);
    return status.ok() ? absl::StrCat(response.model().version()) : status.error_message();
  }

  HealthCheckResponse::ServingStatus Health(const std::string& model) {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(model);
    HealthCheckResponse response;
    const grpc::Status status =
        grpc::health::v1::Health::NewStub(server_->channel())->Check(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.status();
  }

  // What weir-admin prints.
  std::string RunAdmin(std::vector<std::string> arguments, int exit_code) {
    arguments.insert(arguments.begin(), {"client/weir-admin", "--address=" + server_->address()});
    Process program(arguments);
    EXPECT_EQ(program.Wait(), exit_code) << program.output();
    return program.output();
  }

  ChangingRepository repository_;
  std::unique_ptr<RunningServer> server_;
  std::unique_ptr<v1::Admin::Stub> admin_;
};

TEST_F(ReloadTest, TwentyReloadsUnderFullLoadFailNoRequest) {
  constexpr int kReloads = 20;
  Start({"fashion-fast", "fashion-balanced"});
  ClosedLoops changing(*server_, "fashion-fast", 4);
  ClosedLoops other(*server_, "fashion-balanced", 2);
  const absl::Time begin = absl::Now();
  for (int i = 0; i < kReloads; ++i) {
    // By turns a new version takes over, or its predecessor again, whose file has changed.
    const int version = i % 2 == 0 ? 2 : 1;
    if (version == 2) {
      repository_.AddVersion("fashion-fast", 2, "fashion-balanced");
    } else {
      repository_.Remove("fashion-fast/2");
      repository_.Touch("fashion-fast/1/model.pt");
    }
    const v1::ModelState state = Reload()["fashion-fast"];
    ASSERT_EQ(state.load_failures(), 0) << state.DebugString();
    ASSERT_EQ(Ask("fashion-fast"), absl::StrCat(version));
  }
  const absl::Duration taken = absl::Now() - begin;
  const ClosedLoops::Answers answers = changing.Stop();
  const ClosedLoops::Answers others = other.Stop();
  std::cout << kReloads << " reloads in " << absl::FormatDuration(taken)
            << ", answered meanwhile: ";
  for (const auto& [version, count] : answers.by_version) {
    std::cout << count << " by version " << version << ", ";
  }
  std::cout << others.by_version.at(1) << " by the other model\n";
  EXPECT_THAT(answers.failures, SizeIs(0)) << answers.failures.front();
  EXPECT_THAT(others.failures, SizeIs(0)) << others.failures.front();
  ASSERT_THAT(answers.by_version, SizeIs(2));
  // Each answer is that of the version which it names.
  for (const int version : {1, 2}) {
    EXPECT_NEAR(answers.lowest.at(version), answers.highest.at(version), 1e-4) << version;
  }
  EXPECT_GT(std::abs(answers.lowest.at(1) - answers.lowest.at(2)), 1e-3);
}

// Of each thread that reads requests: the processors that it may run on, as the system lists them.
std::vector<std::string> ProcessorsOfPollers(pid_t server) {
  std::vector<std::string> lists;
  for (const auto& task :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", server, "/task"))) {
    const std::string status = ReadFile(task.path() / "status").value_or("");
    if (!absl::StartsWith(status, "Name:\tweir-poller\n")) continue;
    for (absl::string_view line : absl::StrSplit(status, '\n')) {
      if (absl::ConsumePrefix(&line, "Cpus_allowed_list:\t")) lists.emplace_back(line);
    }
  }
  return lists;
}

TEST_F(ReloadTest, WhileAModelLoadsTheThreadsThatServeStayApart) {
  if (AllowedProcessors().size() < 2) GTEST_SKIP() << "there is one processor";
  Start({"fashion-fast", "fashion-accurate"}, {"--pollers=2"});
  const pid_t pid = server_->process().pid();
  const std::vector<std::string> before = ProcessorsOfPollers(pid);
  ASSERT_THAT(before, SizeIs(2));
  EXPECT_EQ(before[0], before[1]);
  std::atomic<bool> loaded = false;
  std::thread loads([&] {
    repository_.Touch("fashion-accurate/1/model.pt");
    Reload();
    loaded = true;
  });
  bool were_apart = false;
  while (!loaded && !were_apart) {
    const std::vector<std::string> now = ProcessorsOfPollers(pid);
    were_apart = now.size() == 2 && now[0] != now[1];
  }
  loads.join();
  EXPECT_TRUE(were_apart);
  EXPECT_EQ(ProcessorsOfPollers(pid), before);
}

TEST_F(ReloadTest, ACorruptVersionLeavesItsPredecessorServingAndShowsItsReason) {
  Start({"fashion-fast"});
  repository_.Write("fashion-fast/2/model.pt", "this is no model");
  const v1::ModelState state = Reload()["fashion-fast"];
  ASSERT_EQ(state.versions_size(), 2) << state.DebugString();
  EXPECT_EQ(state.versions(0).state(), v1::VersionState::READY);
  EXPECT_EQ(state.versions(1).state(), v1::VersionState::FAILED);
  EXPECT_THAT(state.versions(1).reason(), HasSubstr("not a TorchScript file or a damaged one"));
  EXPECT_EQ(state.load_failures(), 1);
  EXPECT_EQ(Ask("fashion-fast"), "1");
  EXPECT_EQ(Ask("fashion-fast", 2), "version 2 of model \"fashion-fast\" failed to load");
  EXPECT_EQ(Health("fashion-fast"), HealthCheckResponse::SERVING);
  EXPECT_TRUE(
      server_->process().WaitForLine("model fashion-fast version 2 failed to load: ").has_value());

  repository_.Remove("fashion-fast/2");
  repository_.AddVersion("fashion-fast", 2, "fashion-balanced");
  Reload();
  EXPECT_EQ(Ask("fashion-fast"), "2");
}

TEST_F(ReloadTest, AVersionThatDoesNotFitItsConfigLeavesItsPredecessorServing) {
  Start({"fashion-fast"});
  repository_.AddVersion("fashion-fast", 2, "flats-price");
  const v1::ModelState state = Reload()["fashion-fast"];
  ASSERT_EQ(state.versions_size(), 2) << state.DebugString();
  EXPECT_EQ(state.versions(1).state(), v1::VersionState::FAILED);
  EXPECT_THAT(state.versions(1).reason(), HasSubstr("fashion-fast/2/model.pt"));
  EXPECT_EQ(Ask("fashion-fast"), "1");
}

TEST_F(ReloadTest, AConfigThatBecameInvalidLeavesTheModelServing) {
  Start({"fashion-fast"});
  repository_.Write("fashion-fast/config.pbtxt", "max_bach_size: 8");
  const v1::ModelState state = Reload()["fashion-fast"];
  EXPECT_THAT(state.reason(), HasSubstr("config.pbtxt:1:14: "));
  EXPECT_EQ(state.load_failures(), 1);
  EXPECT_EQ(Ask("fashion-fast"), "1");
}

TEST_F(ReloadTest, AModelIsUnloadedAndLoadedOnDemand) {
  Start({"fashion-fast", "fashion-balanced"});
  EXPECT_EQ(RunAdmin({"unload", "fashion-fast"}, 0), "model fashion-fast takes no more requests\n");
  EXPECT_EQ(Ask("fashion-fast"), "model \"fashion-fast\" is unloaded");
  EXPECT_EQ(Health("fashion-fast"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Ask("fashion-balanced"), "1");
  Reload();
  EXPECT_EQ(List()["fashion-fast"].versions(0).state(), v1::VersionState::UNLOADED);

  EXPECT_THAT(RunAdmin({"load", "fashion-fast"}, 0), HasSubstr("fashion-fast        1  ready"));
  EXPECT_EQ(Ask("fashion-fast"), "1");
  EXPECT_EQ(Health("fashion-fast"), HealthCheckResponse::SERVING);
}

TEST_F(ReloadTest, AModelThatComesIsServedAndOneThatGoesIsNot) {
  Start({"fashion-fast"});
  repository_.Add("fashion-balanced");
  Reload();
  EXPECT_EQ(Ask("fashion-balanced"), "1");
  EXPECT_EQ(Health("fashion-balanced"), HealthCheckResponse::SERVING);
  repository_.Remove("fashion-balanced");
  Reload();
  EXPECT_EQ(Ask("fashion-balanced"), "model \"fashion-balanced\" is not served here");
  EXPECT_EQ(Health("fashion-balanced"), HealthCheckResponse::NOT_SERVING);
}

TEST_F(ReloadTest, TheAdminProgramShowsTheModelsAndSaysWhatItCannotDo) {
  Start({"fashion-fast", "fashion-balanced"});
  EXPECT_EQ(Ask("fashion-fast"), "1");
  repository_.Write("fashion-fast/2/model.pt", "this is no model");
  const std::string table = RunAdmin({"reload"}, 0);
  EXPECT_EQ(RunAdmin({"list"}, 0), table);
  EXPECT_THAT(table, testing::StartsWith(
                         "MODEL             VERSION  STATE   ROWS  REFUSED  QUEUED  EXECUTION\n"
                         "fashion-balanced        1  ready      0        0       0  "));
  EXPECT_THAT(table, HasSubstr("\nfashion-fast            1  ready      1        0       0  "));
  EXPECT_THAT(table, HasSubstr("\n                        2  failed\n    "));
  EXPECT_THAT(table, HasSubstr("loads that failed since the start: 1\n"));
  EXPECT_THAT(RunAdmin({"load", "fashion-fst"}, 1),
              HasSubstr("has no model \"fashion-fst\"; it has: fashion-balanced, fashion-fast"));
  EXPECT_THAT(RunAdmin({"load", "fashion-fast"}, 1), HasSubstr("not a TorchScript file"));
  EXPECT_THAT(RunAdmin({}, 2), HasSubstr("expected one of: list, load NAME"));
}

}  // namespace
}  // namespace weir
