// weir-bench-latency: what a server adds to the latency of a lone request.
//
// One client has one request of one row in flight. What the server adds is the latency of Predict
// less that of an empty call and less that of the bare model, which runs in a loop. Of what it
// adds, no server can avoid what the model takes longer when other code runs between its runs: that
// is shown too.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/flags.h"
#include "base/status_macros.h"
#include "bench/bare_model.h"
#include "bench/repeats.h"
#include "bench/requests.h"
#include "bench/server_under_test.h"
#include "loadgen/load/load_client.h"
#include "server/model/compute_backend.h"

ABSL_FLAG(std::string, server, "bazel-bin/server/weir-server", "The server to measure.");
ABSL_FLAG(std::string, model_repository, "models/repository", "Where the models are.");
ABSL_FLAG(std::vector<std::string>, models,
          std::vector<std::string>({"fashion-fast", "fashion-balanced", "fashion-accurate"}),
          "The models to measure, with commas between them; the last line is about the first.");
ABSL_FLAG(std::vector<std::string>, server_flags, {}, "More flags for the server.");
ABSL_FLAG(double, seconds, 0.5, "How long each of the three is measured in each repeat.");
ABSL_FLAG(int, repeats, 15, "How often all is measured.");

namespace weir {
namespace {

constexpr absl::Duration kWarmUp = absl::Milliseconds(50);

struct Latency {
  double p50_us = 0;
  double p99_us = 0;
};

double QuantileUs(const std::vector<absl::Duration>& sorted, double q) {
  const double rank = std::ceil(q * static_cast<double>(sorted.size()));
  return absl::ToDoubleMicroseconds(sorted[std::max<size_t>(1, static_cast<size_t>(rank)) - 1]);
}

Latency LatencyOf(std::vector<absl::Duration> latencies) {
  std::sort(latencies.begin(), latencies.end());
  return {QuantileUs(latencies, 0.5), QuantileUs(latencies, 0.99)};
}

absl::StatusOr<Latency> MeasureCalls(LoadClient& client, absl::Duration duration) {
  const LoadResult result = client.RunClosedLoop(1, kWarmUp, duration);
  if (result.ok() != result.calls() || result.ok() == 0) {
    return absl::InternalError(absl::StrCat("not all calls were answered: ", result.Codes()));
  }
  std::vector<absl::Duration> latencies;
  for (const CallOutcome& outcome : result.outcomes) latencies.push_back(outcome.latency);
  return LatencyOf(std::move(latencies));
}

absl::StatusOr<Latency> MeasureBare(const BareModel& model, absl::Duration duration,
                                    const std::function<absl::Status()>& before_each) {
  WEIR_ASSIGN_OR_RETURN(std::vector<absl::Duration> latencies,
                        model.OneRowLatencies(duration, before_each));
  return LatencyOf(std::move(latencies));
}

absl::StatusOr<std::unique_ptr<LoadClient>> Connect(const ServerUnderTest& server,
                                                    std::string method, std::string request) {
  return LoadClient::Create({.address = server.address(),
                             .method = std::move(method),
                             .requests = {std::move(request)},
                             .keep_outcomes = true});
}

void Add(absl::string_view name, const Latency& latency, Repeats& repeats) {
  repeats.Add(absl::StrCat(name, ", p50 us"), latency.p50_us);
  repeats.Add(absl::StrCat(name, ", p99 us"), latency.p99_us);
}

// What the server adds.
absl::StatusOr<Latency> MeasureModel(const BareModel& model, const ServerUnderTest& server) {
  const std::string predict_request = PredictRequestBytes(model.settings(), model.held_out(), 1);
  WEIR_ASSIGN_OR_RETURN(const std::string echo_request,
                        EchoRequestLike(predict_request, server.channel()));
  WEIR_ASSIGN_OR_RETURN(const auto echo, Connect(server, kEchoMethod, echo_request));
  WEIR_ASSIGN_OR_RETURN(const auto predict, Connect(server, kPredictMethod, predict_request));
  const absl::Duration duration = absl::Seconds(absl::GetFlag(FLAGS_seconds));
  Repeats repeats;
  for (int repeat = 0; repeat < absl::GetFlag(FLAGS_repeats); ++repeat) {
    WEIR_ASSIGN_OR_RETURN(const Latency of_echo, MeasureCalls(*echo, duration));
    WEIR_ASSIGN_OR_RETURN(const Latency of_predict, MeasureCalls(*predict, duration));
    WEIR_ASSIGN_OR_RETURN(const Latency of_bare, MeasureBare(model, duration, absl::OkStatus));
    // As in a server, the model then finds the processor's caches full of other things.
    WEIR_ASSIGN_OR_RETURN(const Latency of_bare_between_calls,
                          MeasureBare(model, duration, EchoCaller(echo_request, server.channel())));
    Add("predict", of_predict, repeats);
    Add("echo", of_echo, repeats);
    Add("bare model", of_bare, repeats);
    Add("bare model between empty calls", of_bare_between_calls, repeats);
    Add("added",
        {of_predict.p50_us - of_echo.p50_us - of_bare.p50_us,
         of_predict.p99_us - of_echo.p99_us - of_bare.p99_us},
        repeats);
  }
  std::cout << repeats.Table(model.settings().name) << "\n" << std::flush;
  return Latency{repeats.MedianOf("added, p50 us"), repeats.MedianOf("added, p99 us")};
}

absl::StatusOr<std::string> Measure() {
  const std::vector<std::string> models = absl::GetFlag(FLAGS_models);
  const std::string repository = absl::GetFlag(FLAGS_model_repository);
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<ServerUnderTest> server,
                        ServerUnderTest::Start({.program = absl::GetFlag(FLAGS_server),
                                                .model_repository = repository,
                                                .models = models,
                                                .more_flags = absl::GetFlag(FLAGS_server_flags)}));
  std::optional<Latency> of_first;
  for (const std::string& name : models) {
    WEIR_ASSIGN_OR_RETURN(const BareModel model, BareModel::Load(repository, name));
    WEIR_ASSIGN_OR_RETURN(const Latency added, MeasureModel(model, *server));
    if (!of_first) of_first = added;
  }
  WEIR_RETURN_IF_ERROR(server->Stop());
  if (!of_first) return absl::InvalidArgumentError("--models is empty");
  return absl::StrFormat("BENCH latency added_p50_us=%.1f added_p99_us=%.1f", of_first->p50_us,
                         of_first->p99_us);
}

int Main() {
  InitializeTorch();
  const absl::StatusOr<std::string> line = Measure();
  if (!line.ok()) {
    std::cerr << "weir-bench-latency: " << line.status().message() << "\n";
    return 1;
  }
  std::cout << *line << "\n";
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  weir::ParseFlags(argc, argv, "measures what a server adds to the latency of a lone request");
  return weir::Main();
}
