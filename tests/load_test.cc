// weir-loadgen against real servers and a real gateway: what it reports is what they counted, and
// whatever goes wrong on the way is said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/process.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "tests/faults/scrape.h"
#include "tests/gateway_fixture.h"
#include "tests/serving_fixture.h"
#include "weir/v1/load_report.pb.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;

constexpr char kFast[] = "fashion-fast";
constexpr char kVariants[] = "fashion-fast,fashion-balanced,fashion-accurate";

double CountOf(const v1::LoadModel& model, const std::string& code) {
  for (const auto& ended : model.codes()) {
    if (ended.code() == code) return ended.count();
  }
  return 0;
}

double Ended(const v1::LoadModel& model) {
  double sum = 0;
  for (const auto& ended : model.codes()) sum += ended.count();
  return sum;
}

class LoadTest : public testing::Test {
 protected:
  LoadTest()
      : root_(absl::StrCat(testing::TempDir(), "/",
                           testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }

  // A server of `models`, all of which are ready.
  static std::unique_ptr<RunningServer> Serve(const std::string& models,
                                              std::vector<std::string> flags = {}) {
    flags.push_back(absl::StrCat("--model_repository=", kShippedModels));
    flags.push_back("--models=" + models);
    auto server = std::make_unique<RunningServer>(flags);
    for (const auto& model : absl::StrSplit(models, ',')) {
      EXPECT_TRUE(server->WaitUntilReady(std::string(model))) << server->process().output();
    }
    return server;
  }

  std::vector<std::string> Command(const std::string& target,
                                   const std::vector<std::string>& flags) const {
    std::vector<std::string> command = {"loadgen/weir-loadgen", "--targets=" + target,
                                        "--json=" + root_ + "/report.json"};
    command.insert(command.end(), flags.begin(), flags.end());
    return command;
  }

  // A run that is all right. Whether the generator kept up is the machine's affair.
  static auto IsFine() { return AnyOf(Optional(0), Optional(4)); }

  // Runs to the end; what it printed.
  std::string Load(const RunningServer& server, const std::vector<std::string>& flags,
                   int exit_code = 0) const {
    Process load(Command(server.address(), flags));
    const std::optional<int> code = load.Wait();
    if (exit_code == 0) {
      EXPECT_THAT(code, IsFine()) << load.output();
    } else {
      EXPECT_EQ(code, exit_code) << load.output();
    }
    return load.output();
  }

  v1::LoadReport Report() const {
    v1::LoadReport report;
    const absl::StatusOr<std::string> json = ReadFile(root_ + "/report.json");
    EXPECT_TRUE(json.ok()) << json.status();
    if (!json.ok()) return report;
    const auto status = google::protobuf::util::JsonStringToMessage(*json, &report);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return report;
  }

  // The path of a scenario with this text.
  std::string ScenarioFile(const std::string& text) const {
    std::string path = root_ + "/scenario.textproto";
    std::ofstream(path) << "description: \"of a test\"\n" << text;
    return path;
  }

  const std::string root_;
};

TEST_F(LoadTest, WhatHelloReportsIsWhatTheGatewayCounted) {
  const RunningGateway gateway({absl::StrCat("--state_dir=", root_, "/gateway")});
  const auto server =
      Serve(kVariants, {"--gateway=" + gateway.push_address(), "--push_interval=50ms"});
  const std::string output =
      Load(*server, {"hello", "--duration=3s", "--html=" + root_ + "/report.html"});
  EXPECT_THAT(output, AllOf(HasSubstr(kFast), HasSubstr("at=1"), Not(HasSubstr("\033["))));
  const v1::LoadReport report = Report();
  EXPECT_EQ(report.scenario(), "hello");
  EXPECT_FALSE(report.interrupted());
  EXPECT_NEAR(report.seconds(), 3, 0.1);
  ASSERT_EQ(report.models_size(), 3);
  double sent = 0;
  for (const v1::LoadModel& model : report.models()) {
    EXPECT_GT(model.answered(), 50) << model.model();
    EXPECT_EQ(model.answered(), model.sent()) << model.model();
    EXPECT_EQ(model.family(), "fashion");
    EXPECT_GT(model.slo_latency_seconds(), 0);
    EXPECT_EQ(model.quality().metric(), "accuracy");
    EXPECT_GT(model.quality().value(), 0.8) << model.model();
    EXPECT_LT(model.quality().low(), model.quality().value());
    sent += model.sent();
    const Selector ok = {"weir_requests_total", {{"model", model.model()}, {"code", "OK"}}};
    gateway.MetricsWhen([&](const Scrape& page) { return page.Sum(ok) == model.answered(); });
  }
  EXPECT_NEAR(sent, 300, 75);
  const absl::StatusOr<std::string> page = ReadFile(root_ + "/report.html");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(*page, HasSubstr("fashion-accurate"));
}

TEST_F(LoadTest, RequestsOnStreamsCountAsOthers) {
  const RunningGateway gateway({absl::StrCat("--state_dir=", root_, "/gateway")});
  const auto server = Serve(kFast, {"--gateway=" + gateway.push_address(), "--push_interval=50ms"});
  Load(*server, {"--models=fashion-fast", "--stream", "--rate=200", "--duration=2s", "--rows=4"});
  const v1::LoadReport report = Report();
  ASSERT_EQ(report.models_size(), 1);
  EXPECT_EQ(report.models(0).sent(), 400);
  EXPECT_EQ(report.models(0).answered(), 400);
  EXPECT_NEAR(report.models(0).rows_per_second(), 800, 20);
  EXPECT_GT(report.models(0).quality().value(), 0.8);
  const Selector ok = {"weir_requests_total", {{"model", kFast}, {"code", "OK"}}};
  gateway.MetricsWhen([&](const Scrape& page) { return page.Sum(ok) == 400; });
}

TEST_F(LoadTest, AClosedLoopOfSoManyRequestsSendsNoMore) {
  const auto server = Serve(kFast);
  Load(*server, {"--concurrency=8", "--requests=1000", "--duration=1h", "--warm_up=200ms"});
  const v1::LoadReport report = Report();
  EXPECT_FALSE(report.interrupted());
  ASSERT_EQ(report.models_size(), 1);
  EXPECT_EQ(report.models(0).sent(), 1000);
  EXPECT_EQ(report.models(0).answered(), 1000);
  ASSERT_EQ(report.phases_size(), 2);
  EXPECT_TRUE(report.phases(0).warm_up());
}

TEST_F(LoadTest, ShiftedInputsAreJudgedPhaseByPhase) {
  const auto server = Serve(kFast);
  const std::string output =
      Load(*server,
           {ScenarioFile("phases { name: 'usual' duration: '1s' rate: 100\n"
                         "         traffic { model: 'fashion-fast' } }\n"
                         "phases { name: 'inverted' duration: '1s' rate: 100\n"
                         "         traffic { model: 'fashion-fast' shift { invert: true } } }\n"),
            "--require=fashion-fast.quality>1%"},
           3);
  EXPECT_THAT(output, HasSubstr("not all shifted alike"));
  const v1::LoadReport report = Report();
  ASSERT_EQ(report.models_size(), 1);
  EXPECT_FALSE(report.models(0).has_quality());
  ASSERT_EQ(report.phases_size(), 2);
  EXPECT_GT(report.phases(0).models(0).quality().value(), 0.7);
  EXPECT_LT(report.phases(1).models(0).quality().value(), 0.5);
}

TEST_F(LoadTest, RowsThatAreNotSentAreSaid) {
  const auto server = Serve(kFast);
  const std::string path = root_ + "/images";
  std::ofstream(path) << "a";
  fs::resize_file(path, 784 * 100'000);
  const std::string output = Load(
      *server, {"--models=fashion-fast", "--rate=50", "--duration=200ms", "--input=file:" + path});
  EXPECT_THAT(output, HasSubstr("WARNING: Of 100000 rows of file:"));
}

TEST_F(LoadTest, AFlagWithItsDefaultDescribesALoadToo) {
  const auto server = Serve(kFast);
  Load(*server, {"--concurrency=1", "--duration=200ms"});
  const v1::LoadReport report = Report();
  EXPECT_EQ(report.scenario(), "command line");
  EXPECT_GT(report.all_models().answered(), 0);
}

TEST_F(LoadTest, AMultipleOfTheCapacityIsARate) {
  const auto server = Serve(kFast);
  Load(*server, {ScenarioFile("traffic { model: 'fashion-fast' }\n"
                              "phases { name: 'closed' duration: '1s' concurrency: 4 }\n"
                              "phases { name: 'open' duration: '1s' capacity_multiple: 0.1 }\n")});
  const v1::LoadReport report = Report();
  ASSERT_EQ(report.phases_size(), 2);
  const double capacity = report.phases(0).models(0).answered_per_second();
  EXPECT_NEAR(report.phases(1).models(0).sent_per_second(), 0.1 * capacity, 0.02 * capacity);
}

TEST_F(LoadTest, AMultipleOfACapacityThatIsNoneIsAFailure) {
  const auto server = Serve(kFast, {"--enable_fault_injection"});
  const std::string output =
      Load(*server,
           {ScenarioFile("traffic { model: 'fashion-fast' faults { fail_ratio: 1 } }\n"
                         "phases { name: 'closed' duration: '1s' concurrency: 4 }\n"
                         "phases { name: 'open' duration: '1s' capacity_multiple: 3 }\n")},
           1);
  const v1::LoadReport report = Report();
  ASSERT_EQ(report.warnings_size(), 1);
  EXPECT_THAT(report.warnings(0), AllOf(HasSubstr("open"), HasSubstr("closed")));
  EXPECT_THAT(output, HasSubstr(report.warnings(0)));
}

TEST_F(LoadTest, AServerThatStallsShowsInThePercentiles) {
  const auto server = Serve(kFast);
  Process load(Command(server->address(), {"--rate=100", "--duration=6s", "--require=p99<20ms"}));
  ASSERT_TRUE(load.WaitForLine("at=2 ")) << load.output();
  server->process().Signal(SIGSTOP);
  ASSERT_TRUE(load.WaitForLine("at=4 ")) << load.output();
  server->process().Signal(SIGCONT);
  EXPECT_EQ(load.Wait(), 3) << load.output();
  const v1::LoadReport report = Report();
  ASSERT_EQ(report.models_size(), 1);
  const v1::LoadModel& model = report.models(0);
  EXPECT_GT(CountOf(model, "DEADLINE_EXCEEDED"), 50);
  EXPECT_GE(model.latency().p99(), 0.98);
  EXPECT_FALSE(report.requirements(0).met());
}

TEST_F(LoadTest, CtrlCEndsTheSendingAndPrintsTheReport) {
  const auto server = Serve(kFast);
  Process load(Command(server->address(), {"--rate=100", "--duration=1h"}));
  ASSERT_TRUE(load.WaitForLine("at=2 ")) << load.output();
  load.Signal(SIGINT);
  EXPECT_THAT(load.Wait(), IsFine()) << load.output();
  EXPECT_THAT(load.output(), HasSubstr("stopping"));
  const v1::LoadReport report = Report();
  EXPECT_TRUE(report.interrupted());
  ASSERT_EQ(report.models_size(), 1);
  EXPECT_GT(report.models(0).sent(), 100);
  EXPECT_EQ(report.models(0).answered(), report.models(0).sent());
  EXPECT_NEAR(report.models(0).sent_per_second(), 100, 5);
}

TEST_F(LoadTest, ASecondSignalDoesNotWaitForAnswers) {
  const auto server = Serve(kFast, {"--enable_fault_injection"});
  Process load(Command(
      server->address(),
      {ScenarioFile("traffic { model: 'fashion-fast' timeout: '1h' faults { delay: '50s' } }\n"
                    "phases { name: 'held back' duration: '1h' concurrency: 1 }\n")}));
  ASSERT_TRUE(load.WaitForLine("at=1 ")) << load.output();
  load.Signal(SIGINT);
  ASSERT_TRUE(load.WaitForLine("stopping")) << load.output();
  load.Signal(SIGINT);
  EXPECT_EQ(load.Wait(absl::Seconds(10)), -SIGINT) << load.output();
}

TEST_F(LoadTest, FaultsAndMalformedRequestsAreCountedByTheirCodes) {
  const auto server = Serve(kVariants, {"--enable_fault_injection"});
  Load(*server, {"errors", "--duration=5s"});
  const v1::LoadReport report = Report();
  double invalid = 0;
  double failed = 0;
  for (const v1::LoadModel& model : report.models()) {
    invalid += CountOf(model, "INVALID_ARGUMENT");
    failed += model.sent() - model.answered();
    EXPECT_EQ(Ended(model), model.sent());
    EXPECT_GT(model.quality().value(), 0.8) << "malformed requests are not judged";
  }
  EXPECT_GT(invalid, 0);
  EXPECT_GT(failed, invalid);
}

TEST_F(LoadTest, AModelThatIsSlowOnPurposeIsMeasuredSo) {
  const auto server = Serve("fashion-fast,flats-price", {"--enable_fault_injection"});
  Load(*server, {ScenarioFile("traffic { model: 'fashion-fast' faults { delay: '300ms' } }\n"
                              "traffic { model: 'flats-price' }\n"
                              "phases { name: 'slow' duration: '2s' rate: 50 }\n")});
  const v1::LoadReport report = Report();
  ASSERT_EQ(report.models_size(), 2);
  EXPECT_GT(report.models(0).latency().p50(), 0.29);  // Its bucket is 1.6 % wide.
  EXPECT_LT(report.models(1).latency().p50(), 0.2);
  EXPECT_EQ(report.models(1).quality().metric(), "median_error");
}

TEST_F(LoadTest, AServerThatDiesIsCountedAndFoundAgain) {
  auto server = Serve(kFast);
  const std::string address = server->address();
  Process load(Command(address, {"--rate=200", "--duration=1h", "--connections=2"}));
  ASSERT_TRUE(load.WaitForLine("at=1 ")) << load.output();
  server->process().Signal(SIGKILL);
  EXPECT_EQ(server->process().Wait(), -SIGKILL);
  server = Serve(kFast, {"--port=" + address.substr(address.rfind(':') + 1)});
  // Two seconds of answers again.
  const std::string so_far = load.output();
  int seconds = 0;
  const size_t last = so_far.rfind("at=");
  ASSERT_NE(last, std::string::npos);
  ASSERT_TRUE(
      absl::SimpleAtoi(so_far.substr(last + 3, so_far.find(' ', last) - last - 3), &seconds));
  ASSERT_TRUE(load.WaitForLine(absl::StrCat("at=", seconds + 4, " "))) << load.output();
  load.Signal(SIGINT);
  EXPECT_THAT(load.Wait(), IsFine()) << load.output();
  const v1::LoadReport report = Report();
  ASSERT_EQ(report.models_size(), 1);
  const v1::LoadModel& model = report.models(0);
  EXPECT_GT(CountOf(model, "UNAVAILABLE"), 0);
  EXPECT_EQ(Ended(model), model.sent());
  // It failed for a while, and then no more.
  bool failed = false;
  bool found_again = false;
  for (const v1::LoadMoment& moment : model.timeline()) {
    failed = failed || moment.failed() > 0;
    found_again = found_again || (failed && moment.failed() == 0 && moment.answered() > 100);
  }
  EXPECT_TRUE(found_again) << load.output();
}

TEST_F(LoadTest, NothingRunsWithoutAServer) {
  std::string address;
  {
    const auto server = Serve(kFast);
    address = server->address();
  }
  const absl::Time start = MonotonicNow();
  Process load(Command(address, {"hello"}));
  EXPECT_EQ(load.Wait(), 2) << load.output();
  EXPECT_LT(MonotonicNow() - start, absl::Seconds(6));
  EXPECT_THAT(load.output(), AllOf(HasSubstr("weir-loadgen: "), HasSubstr(address)));
  EXPECT_FALSE(fs::exists(root_ + "/report.json"));
}

TEST_F(LoadTest, BadInputIsSaidBeforeAnythingIsSent) {
  const auto server = Serve(kFast);
  const auto says = [&](const std::vector<std::string>& flags) { return Load(*server, flags, 2); };
  EXPECT_THAT(says({"hello"}), AllOf(HasSubstr("not serve fashion-accurate, fashion-balanced"),
                                     HasSubstr("only fashion-fast")));
  EXPECT_THAT(says({"--models=mnist"}), HasSubstr("not serve mnist"));
  EXPECT_THAT(says({"spikes"}), AllOf(HasSubstr("spikes"), HasSubstr("steady")));
  EXPECT_THAT(says({ScenarioFile("trafic { model: 'fashion-fast' }\n")}),
              HasSubstr("scenario.textproto:2:"));
  EXPECT_THAT(says({ScenarioFile("traffic { model: 'fashion-fast' input: 'flats' }\n"
                                 "phases { name: 'a' duration: '1s' rate: 1 }\n")}),
              HasSubstr("input"));
  EXPECT_THAT(says({ScenarioFile("traffic { model: 'fashion-fast' version: 7 }\n"
                                 "phases { name: 'a' duration: '1s' rate: 1 }\n")}),
              HasSubstr("fashion-fast in version 7"));
  EXPECT_THAT(says({"--rate=1", "--require=fashion-fst.p99<1ms"}), HasSubstr("fashion-fst"));
  EXPECT_THAT(says({"--rate=1", "--require", "p99<1"}), HasSubstr("p99<1"));
  EXPECT_THAT(says({"--rate=1", "--html=" + root_ + "/no/such/report.html"}),
              HasSubstr("no/such/report.html"));
  EXPECT_THAT(says({"--rate=1", "--concurrency=2"}), HasSubstr("do not go together"));
  EXPECT_THAT(says({"--rate=5", "--concurrency=1"}), HasSubstr("do not go together"));
  EXPECT_THAT(says({"--rate=0"}), HasSubstr("--rate must be above 0"));
  EXPECT_THAT(says({"--rate=1", "--html=" + root_}), HasSubstr("Is a directory"));
  EXPECT_THAT(says({"steady", "--nostream"}), HasSubstr("--stream does not go with a scenario"));
  EXPECT_THAT(says({"steady", "--rate=1"}), HasSubstr("--rate does not go with a scenario"));
  EXPECT_THAT(says({"steady", "spike"}), HasSubstr("unexpected argument: spike"));
  EXPECT_THAT(says({"--frontier=fashions"}), HasSubstr("there is no fashions"));
  EXPECT_THAT(says({"--rate=1", "--cpu=4000"}), HasSubstr("--cpu=4000"));
}

TEST_F(LoadTest, WhatIsRequiredDecidesTheExitCode) {
  const auto server = Serve(kFast);
  EXPECT_THAT(Load(*server, {"--rate=100", "--duration=1s", "--require=fashion-fast.p99<10s",
                             "--require", "error_ratio<0.01,sent>50"}),
              HasSubstr("fashion-fast.p99<10s"));
  Load(*server, {"--rate=100", "--duration=1s", "--require=p99<10s", "--require=mean<1ns"}, 3);
  const v1::LoadReport report = Report();
  ASSERT_EQ(report.requirements_size(), 2);
  EXPECT_TRUE(report.requirements(0).met());
  EXPECT_FALSE(report.requirements(1).met());
  EXPECT_GT(report.requirements(1).value(), 0);
}

TEST_F(LoadTest, AFullDiskUnderTheReportIsNamedAndTheTerminalShowsIt) {
  const auto server = Serve(kFast);
  const std::string output = Load(*server, {"--rate=100", "--duration=1s", "--json=/dev/full"}, 1);
  EXPECT_THAT(output, AllOf(HasSubstr("/dev/full"), HasSubstr("No space left on device"),
                            HasSubstr(kFast), HasSubstr("p99")));
}

TEST_F(LoadTest, AGeneratorThatCannotKeepUpSaysSo) {
  const auto server = Serve(kFast);
  // 50 GB a second, each message of which a stream copies.
  const std::string output =
      Load(*server, {"--rate=1000000", "--rows=64", "--stream", "--duration=1s", "--quiet"}, 4);
  const v1::LoadReport report = Report();
  EXPECT_FALSE(report.generator().kept_up());
  ASSERT_FALSE(report.warnings().empty());
  EXPECT_THAT(output, HasSubstr(report.warnings(0)));
}

TEST_F(LoadTest, AFrontierComparesTheVariantsOfAFamily) {
  const auto server = Serve("fashion-fast,fashion-balanced,flats-price");
  const std::string file = root_ + "/frontier.textproto";
  const std::string output =
      Load(*server, {"--frontier", "--duration=200ms", "--frontier_out=" + file,
                     "--html=" + root_ + "/frontier.html", "--require=fashion-fast.quality>85%",
                     "--require=answered>0"});
  EXPECT_THAT(output, AllOf(HasSubstr("capacity/s"), HasSubstr("fashion-balanced"),
                            HasSubstr("answered>0"), Not(HasSubstr("FAILED"))));
  EXPECT_THAT(output, Not(HasSubstr("at=1 "))) << "seconds of trials";
  const absl::StatusOr<std::string> text = ReadFile(file);
  ASSERT_TRUE(text.ok()) << text.status();
  v1::Frontier frontier;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(*text, &frontier)) << *text;
  EXPECT_EQ(frontier.family(), "fashion");
  ASSERT_EQ(frontier.variants_size(), 2);
  EXPECT_EQ(frontier.variants(0).model(), "fashion-balanced");
  EXPECT_GT(frontier.variants(0).quality(), frontier.variants(1).quality());
  for (const v1::FrontierVariant& variant : frontier.variants()) {
    EXPECT_GT(variant.capacity_per_second(), 0) << variant.model();
    EXPECT_GT(variant.latency_unloaded().p99(), 0) << variant.model();
  }
  EXPECT_TRUE(fs::exists(root_ + "/frontier.html"));
  EXPECT_GT(Report().all_models().answered(), 0);
}

TEST_F(LoadTest, AFrontierThatIsInterruptedTellsWhatItHasMeasured) {
  const auto server = Serve("fashion-fast,fashion-balanced");
  const std::string file = root_ + "/frontier.textproto";
  Process load(
      Command(server->address(), {"--frontier", "--duration=200ms", "--frontier_out=" + file}));
  ASSERT_TRUE(load.WaitForLine("fashion-fast ")) << load.output();  // The second one.
  load.Signal(SIGINT);
  EXPECT_THAT(load.Wait(), IsFine()) << load.output();
  EXPECT_THAT(load.output(), HasSubstr("Not all variants were measured"));
  const absl::StatusOr<std::string> text = ReadFile(file);
  ASSERT_TRUE(text.ok()) << text.status();
  v1::Frontier frontier;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(*text, &frontier)) << *text;
  EXPECT_TRUE(frontier.interrupted());
  ASSERT_EQ(frontier.variants_size(), 1);
  EXPECT_EQ(frontier.variants(0).model(), "fashion-balanced");
  EXPECT_TRUE(Report().interrupted());
}

TEST_F(LoadTest, AFrontierWithoutAnObjectiveIsRefusedBeforeAnythingIsSent) {
  const std::string model = root_ + "/models/fashion-fast";
  fs::create_directories(root_ + "/models");
  fs::copy(absl::StrCat(kShippedModels, "/fashion-fast"), model, fs::copy_options::recursive);
  const absl::StatusOr<std::string> config = ReadFile(model + "/config.pbtxt");
  ASSERT_TRUE(config.ok()) << config.status();
  std::string without;
  for (const absl::string_view line : absl::StrSplit(*config, '\n')) {
    if (line.find("weir.slo_latency") == absl::string_view::npos) {
      absl::StrAppend(&without, line, "\n");
    }
  }
  fs::remove(model + "/config.pbtxt");
  std::ofstream(model + "/config.pbtxt") << without;
  RunningServer server({"--model_repository=" + root_ + "/models"});
  ASSERT_TRUE(server.WaitUntilReady(kFast)) << server.process().output();
  Process load(Command(server.address(), {"--frontier=fashion"}));
  EXPECT_EQ(load.Wait(), 2) << load.output();
  EXPECT_THAT(load.output(), HasSubstr("fashion-fast has no latency objective"));
}

TEST_F(LoadTest, TheListExplainsEachScenario) {
  Process list({"loadgen/weir-loadgen", "--list"});
  EXPECT_EQ(list.Wait(), 0) << list.output();
  for (const char* name : {"hello", "spike", "overload", "silence", "drift"}) {
    EXPECT_THAT("\n" + list.output(), HasSubstr(absl::StrCat("\n", name, " ")));
  }
}

}  // namespace
}  // namespace weir
