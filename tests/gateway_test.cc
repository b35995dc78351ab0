// Servers, a gateway and a Prometheus, as real processes: from a request to the number that a
// query returns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/process.h"
#include "tests/faults/free_port.h"
#include "tests/faults/http_get.h"
#include "tests/faults/prometheus.h"
#include "tests/faults/scrape.h"
#include "tests/gateway_fixture.h"
#include "tests/metrics_page.h"
#include "tests/serving_fixture.h"
#include "weir/v1/predictor.grpc.pb.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kFast[] = "fashion-fast";

// Requests for fashion-fast that were answered with OK.
double Answered(const Scrape& scrape) {
  return scrape.Sum({"weir_requests_total", {{"model", kFast}, {"code", "OK"}}}).value_or(-1);
}

std::function<bool(const Scrape&)> AnsweredIs(double count) {
  return [count](const Scrape& scrape) { return Answered(scrape) == count; };
}

class GatewayTest : public testing::Test {
 protected:
  GatewayTest()
      : root_(absl::StrCat(testing::TempDir(), "/",
                           testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }

  std::vector<std::string> GatewayFlags(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> flags = {absl::StrCat("--state_dir=", root_, "/gateway")};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  }

  std::vector<std::string> ServerFlags(const RunningGateway& gateway,
                                       const std::string& push_interval,
                                       const std::string& models = kFast) const {
    return {absl::StrCat("--model_repository=", kShippedModels),
            "--models=" + models,
            "--gateway=" + gateway.push_address(),
            "--push_interval=" + push_interval,
            absl::StrCat("--state_dir=", root_, "/server"),
            "--replica=a"};
  }

  static void Predict(const RunningServer& server, int times, const std::string& model = kFast) {
    for (int i = 0; i < times; ++i) {
      v1::PredictResponse response;
      const grpc::Status status = server.Predict(BlankImage(model), &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
  }

  const std::string root_;
};

TEST_F(GatewayTest, OneRequestCountsOnceHoweverOftenItIsPushed) {
  const RunningGateway gateway(GatewayFlags());
  RunningServer server(ServerFlags(gateway, "20ms"));
  ASSERT_TRUE(server.WaitUntilReady(kFast)) << server.process().output();
  Process predict({"client/weir-predict", "--address=" + server.address(),
                   absl::StrCat("--model=", kFast), "0"});
  ASSERT_EQ(predict.Wait(), 0) << predict.output();
  const auto pushes = [](const Scrape& scrape) {
    return scrape.Sum({"weir_gateway_pushes_total", {{"result", "applied"}}}).value_or(0);
  };
  const double so_far = pushes(gateway.MetricsWhen(AnsweredIs(1)));
  const Scrape later =
      gateway.MetricsWhen([&](const Scrape& scrape) { return pushes(scrape) >= so_far + 5; });
  EXPECT_EQ(Answered(later), 1);
  const auto of_version_1 = [&later](const std::string& name) {
    return later.Sum({name, {{"model", kFast}, {"version", "1"}}});
  };
  EXPECT_EQ(of_version_1("weir_rows_total"), 1);
  EXPECT_EQ(of_version_1("weir_batches_total"), 1);
  EXPECT_EQ(of_version_1("weir_request_duration_seconds_count"), 1);
  EXPECT_EQ(of_version_1("weir_prediction_confidence_ratio_count"), 1);
  EXPECT_EQ(later.Sum({"weir_predictions_total", {{"model", kFast}, {"class", "Ankle boot"}}}), 1);
  EXPECT_EQ(later.Sum({"weir_requests_in_flight", {{"model", kFast}}}), 0);
  EXPECT_EQ(later.Sum({"weir_model_loaded", {{"model", kFast}}}), 1);
  EXPECT_EQ(later.Sum({"weir_gateway_source_up", {{"replica", "a"}}}), 1);
}

TEST_F(GatewayTest, AGatewayThatIsKilledForgetsNothingAndCountsNothingTwice) {
  auto gateway = std::make_unique<RunningGateway>(GatewayFlags());
  RunningServer server(ServerFlags(*gateway, "20ms"));
  ASSERT_TRUE(server.WaitUntilReady(kFast)) << server.process().output();
  Predict(server, 3);
  gateway->MetricsWhen(AnsweredIs(3));
  const std::vector<std::string> ports = gateway->SamePorts();
  gateway->process().Signal(SIGKILL);
  EXPECT_EQ(gateway->process().Wait(), -SIGKILL);
  Predict(server, 2);
  gateway = std::make_unique<RunningGateway>(GatewayFlags(ports));
  EXPECT_GE(Answered(gateway->Metrics()), 3) << "before the server has found it again";
  EXPECT_EQ(Answered(gateway->MetricsWhen(AnsweredIs(5))), 5);
}

TEST_F(GatewayTest, AServerThatDrainsTellsWhatItCountedLast) {
  const RunningGateway gateway(GatewayFlags());
  RunningServer server(ServerFlags(gateway, "1h"));
  ASSERT_TRUE(server.WaitUntilReady(kFast)) << server.process().output();
  Predict(server, 4);
  server.process().Signal(SIGTERM);
  EXPECT_EQ(server.process().Wait(), 0) << server.process().output();
  const Scrape scrape = gateway.Metrics();
  EXPECT_EQ(Answered(scrape), 4);
  EXPECT_EQ(scrape.Sum({"weir_model_loaded", {{"model", kFast}}}), std::nullopt)
      << "a server that has ended has no gauges";
  EXPECT_TRUE(fs::is_empty(root_ + "/server")) << "nothing is left for the next boot to push";
}

TEST_F(GatewayTest, WhatAKilledServerHadCountedComesWithItsNextBoot) {
  const RunningGateway gateway(GatewayFlags());
  {
    RunningServer server(ServerFlags(gateway, "1h"));
    ASSERT_TRUE(server.WaitUntilReady(kFast)) << server.process().output();
    Predict(server, 4);
    server.process().Signal(SIGKILL);
    EXPECT_EQ(server.process().Wait(), -SIGKILL);
  }
  RunningServer server(ServerFlags(gateway, "20ms"));
  gateway.MetricsWhen(AnsweredIs(4));
  ASSERT_TRUE(server.WaitUntilReady(kFast)) << server.process().output();
  Predict(server, 1);
  EXPECT_EQ(Answered(gateway.MetricsWhen(AnsweredIs(5))), 5);
}

TEST_F(GatewayTest, AServerServesWhileThereIsNoGateway) {
  auto gateway = std::make_unique<RunningGateway>(GatewayFlags());
  const std::vector<std::string> flags = ServerFlags(*gateway, "20ms");
  const std::vector<std::string> ports = gateway->SamePorts();
  gateway = nullptr;
  RunningServer server(flags);
  ASSERT_TRUE(server.WaitUntilReady(kFast)) << server.process().output();
  Predict(server, 3);
  gateway = std::make_unique<RunningGateway>(GatewayFlags(ports));
  EXPECT_EQ(Answered(gateway->MetricsWhen(AnsweredIs(3))), 3);
}

TEST_F(GatewayTest, SigtermEndsTheGatewayAndLosesNothing) {
  auto gateway = std::make_unique<RunningGateway>(GatewayFlags());
  {
    RunningServer server(ServerFlags(*gateway, "20ms"));
    ASSERT_TRUE(server.WaitUntilReady(kFast)) << server.process().output();
    Predict(server, 2);
    gateway->MetricsWhen(AnsweredIs(2));
    gateway->process().Signal(SIGTERM);
    EXPECT_EQ(gateway->process().Wait(), 0) << gateway->process().output();
  }
  gateway = std::make_unique<RunningGateway>(GatewayFlags());
  EXPECT_EQ(Answered(gateway->Metrics()), 2);
}

TEST_F(GatewayTest, WhatIsWrongWithItsFlagsIsOneLine) {
  const auto fails = [this](const std::vector<std::string>& flags, const std::string& why) {
    std::vector<std::string> command = {"gateway/weir-gateway", "--host=127.0.0.1", "--grpc_port=0",
                                        "--http_port=0",
                                        absl::StrCat("--state_dir=", root_, "/gateway")};
    command.insert(command.end(), flags.begin(), flags.end());
    Process gateway(command);
    EXPECT_EQ(gateway.Wait(), 1) << gateway.output();
    EXPECT_THAT(gateway.output(), HasSubstr(why));
  };
  fails({"--state_dir="}, "--state_dir is missing");
  fails({"--http_port=70000"}, "port 70000 is not 0 to 65535");
  fails({"--max_series=0"}, "max_series is not positive: 0");
  fails({"--max_push_bytes=67108865"}, "over the 67108864 that the journal takes");
  fails({"--forget_after=1m"}, "expected 0 < retire_after <= forget_after, got 1h and 1m");
  fails({"--durability=disk"}, "neither process nor power");
  fails({absl::StrCat("--state_dir=", root_, "/no/such")}, "/no/such");
  fails({"more"}, "unexpected argument: more");
  const RunningGateway gateway(GatewayFlags());
  fails({gateway.SamePorts()[0]}, "cannot listen on 127.0.0.1:");
  fails({gateway.SamePorts()[1]}, "Address already in use");
  fails({}, absl::StrCat(root_, "/gateway"));
}

TEST_F(GatewayTest, HealthAndReadinessAreSaid) {
  RunningGateway gateway(GatewayFlags());
  for (const auto& [path, text] : std::map<std::string, std::string>{
           {"/healthz", "ok"}, {"/readyz", "ready"}, {"/", "/metrics"}, {"/api/models", "{"}}) {
    const absl::StatusOr<std::string> page = HttpGet(gateway.http_port(), path, absl::Seconds(30));
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_THAT(*page, HasSubstr(text));
  }
  Process health({"client/weir-health", "--address=" + gateway.push_address()});
  EXPECT_EQ(health.Wait(), 0) << health.output();
}

// All shipped models, each asked once.
class ShownTest : public GatewayTest {
 protected:
  ShownTest()
      : gateway_(GatewayFlags()),
        server_(ServerFlags(gateway_, "50ms",
                            "fashion-fast,fashion-balanced,flats-price,accidents-forest")) {
    for (const char* model : {kFast, "fashion-balanced", "flats-price", "accidents-forest"}) {
      EXPECT_TRUE(server_.WaitUntilReady(model)) << server_.process().output();
    }
    Predict(server_, 2);
    gateway_.MetricsWhen(AnsweredIs(2));
  }

  RunningGateway gateway_;
  RunningServer server_;
};

// The type of each family on the page.
std::map<std::string, std::string> TypesOf(const std::string& page) {
  std::map<std::string, std::string> types;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (words.size() == 4 && words[0] == "#" && words[1] == "TYPE") types[words[2]] = words[3];
  }
  return types;
}

const char* TypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kSummary:
      return "summary";
  }
  return "";
}

TEST_F(ShownTest, AllOfTheCatalogueIsShownAndNothingElse) {
  const std::string page = gateway_.MetricsText();
  std::map<std::string, std::string> known;
  for (const Metric* metric : MetricCatalogue()) {
    known.emplace(metric->name, TypeName(metric->type));
    EXPECT_THAT(page, HasSubstr(absl::StrCat("# HELP ", metric->name, " ", metric->help, "\n")));
  }
  EXPECT_EQ(TypesOf(page), known);
}

TEST_F(ShownTest, SeriesHaveTheLabelsOfTheCatalogue) {
  const Scrape scrape = gateway_.Metrics();
  for (const auto& [series, sample] : scrape.samples()) {
    std::string family = sample.name;
    for (const absl::string_view suffix : {"_bucket", "_sum", "_count"}) {
      const std::string shorter(absl::StripSuffix(sample.name, suffix));
      const Metric* const metric = FindMetric(shorter);
      if (metric != nullptr && metric->type == MetricType::kHistogram) family = shorter;
    }
    const Metric* const metric = FindMetric(family);
    ASSERT_NE(metric, nullptr) << series;
    std::set<std::string> labels;
    for (const auto& [name, value] : sample.labels) labels.insert(name);
    std::set<std::string> expected(metric->labels.begin(), metric->labels.end());
    if (absl::EndsWith(sample.name, "_bucket")) expected.insert("le");
    EXPECT_EQ(labels, expected) << series;
  }
}

TEST_F(ShownTest, PromtoolFindsNothingToSay) {
  const std::string path = root_ + "/metrics.txt";
  std::ofstream(path) << gateway_.MetricsText();
  Process promtool({"/bin/sh", "-c", absl::StrCat("/usr/bin/promtool check metrics <", path)});
  EXPECT_EQ(promtool.Wait(), 0) << promtool.output();
  EXPECT_EQ(promtool.output(), "");
}

TEST_F(ShownTest, PrometheusReturnsTheNumberAndAnswersTheQueriesOfTheDocuments) {
  std::mt19937_64 random(std::random_device{}());
  const absl::StatusOr<std::unique_ptr<Prometheus>> prometheus =
      Prometheus::Start({.directory = root_,
                         .port = FreePort(random),
                         .target_port = gateway_.http_port(),
                         .interval = absl::Milliseconds(100)});
  ASSERT_TRUE(prometheus.ok()) << prometheus.status();
  using Samples = std::vector<std::vector<double>>;
  const auto await = [&](const std::string& query, const Samples& expected) {
    const absl::Time deadline = MonotonicNow() + absl::Seconds(30);
    absl::StatusOr<Samples> answer;
    do {
      answer = (*prometheus)->Query(query);
    } while ((!answer.ok() || *answer != expected) && MonotonicNow() < deadline);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(*answer, expected) << query;
  };
  const std::string requests = "sum(weir_requests_total{model=\"fashion-fast\",code=\"OK\"})";
  await(requests, {{2}});
  Predict(server_, 3);
  await(requests, {{5}});
  await("count(up == 1)", {{1}});
  for (const MetricSection& section : ReadMetricsPage()) {
    for (const std::string& query : section.queries) {
      const absl::StatusOr<Samples> answer = (*prometheus)->Query(query);
      EXPECT_TRUE(answer.ok()) << query << answer.status();
      if (section.name != "weir_model_slo_latency_seconds") continue;
      // Its bounds are chosen by the text of the SLO's latency.
      ASSERT_TRUE(answer.ok());
      EXPECT_FALSE(answer->empty()) << query;
      for (const std::vector<double>& share : *answer) EXPECT_FALSE(share[0] > 1) << share[0];
    }
  }
}

}  // namespace
}  // namespace weir
