// weir-bench-serving: how much of what is possible a server answers when it has all it can do.
//
// The limit is what a server would reach that spends on each request what an empty call costs and
// what the bare model costs, and nothing else: 1 / (1 / echo + 1 / bare). All three are measured in
// turns on the same machine.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/cpu.h"
#include "base/flags.h"
#include "base/status_macros.h"
#include "bench/bare_model.h"
#include "bench/precedence.h"
#include "bench/repeats.h"
#include "bench/requests.h"
#include "bench/server_under_test.h"
#include "loadgen/load/load_client.h"
#include "server/model/compute_backend.h"

ABSL_FLAG(std::string, server, "bazel-bin/server/weir-server", "The server to measure.");
ABSL_FLAG(std::string, model_repository, "models/repository", "Where the models are.");
ABSL_FLAG(std::vector<std::string>, models,
          std::vector<std::string>({"fashion-fast", "fashion-balanced", "fashion-accurate"}),
          "The models to measure, with commas between them.");
ABSL_FLAG(std::vector<std::string>, server_flags, {}, "More flags for the server.");
ABSL_FLAG(double, seconds, 1.5, "How long each of the three is measured in each repeat.");
ABSL_FLAG(int, repeats, 5, "How often all is measured.");
ABSL_FLAG(int, connections, 1, "Between the client and the server.");
ABSL_FLAG(int, less_nice, 5, "By how much the client goes before the server's threads.");

namespace weir {
namespace {

constexpr absl::Duration kWarmUp = absl::Milliseconds(200);
constexpr absl::Duration kTrial = absl::Milliseconds(500);
constexpr int kMaxTrials = 20;
constexpr int kRounds = 3;

// Of the most that were answered: what is as much, give or take the noise.
constexpr double kAsMuch = 0.99;

// One method of the server and how it is put under load.
struct Saturation {
  std::unique_ptr<LoadClient> client;
  int in_flight = 0;
  int niceness = 0;  // Of the client, when it was measured last.
};

absl::StatusOr<LoadResult> Saturate(Saturation& saturation, absl::Duration duration) {
  const Precedence precedence(absl::GetFlag(FLAGS_less_nice));
  saturation.niceness = precedence.niceness();
  LoadResult result;
  // Others may have the machine for all of a short time.
  for (int trial = 0; trial < kMaxTrials && result.calls() == 0; ++trial) {
    result = saturation.client->RunClosedLoop(saturation.in_flight, kWarmUp, duration);
  }
  if (result.ok() == result.calls() && result.ok() > 0) return result;
  return absl::InternalError(absl::StrCat("not all calls were answered: ", result.Codes()));
}

// Finds with how many calls in flight the server answers the most; with the fewest of those with
// which it answers as much, since more would only wait. One trial of each would find the one during
// which the machine was quiet.
absl::StatusOr<Saturation> FindSaturation(const ServerUnderTest& server, std::string method,
                                          std::string request) {
  Saturation best;
  WEIR_ASSIGN_OR_RETURN(best.client,
                        LoadClient::Create({.address = server.address(),
                                            .method = std::move(method),
                                            .requests = {std::move(request)},
                                            .connections = absl::GetFlag(FLAGS_connections)}));
  std::map<int, std::vector<double>> rates;  // By calls in flight.
  for (int round = 0; round < kRounds; ++round) {
    for (const int in_flight : {32, 64, 128, 256, 384, 512}) {
      best.in_flight = in_flight;
      WEIR_ASSIGN_OR_RETURN(const LoadResult result, Saturate(best, kTrial));
      rates[in_flight].push_back(result.OkPerSecond());
    }
  }
  std::map<int, double> medians;
  double most = 0;
  for (auto& [in_flight, of_rounds] : rates) {
    std::sort(of_rounds.begin(), of_rounds.end());
    medians[in_flight] = of_rounds[kRounds / 2];
    most = std::max(most, medians[in_flight]);
  }
  const auto fewest = std::find_if(medians.begin(), medians.end(), [most](const auto& entry) {
    return entry.second >= kAsMuch * most;
  });
  best.in_flight = fewest->first;
  return best;
}

// Measures one method once.
absl::StatusOr<double> MeasureCalls(absl::string_view name, const ServerUnderTest& server,
                                    Saturation& saturation, Repeats& repeats) {
  const absl::Duration server_cpu = server.Cpu();
  WEIR_ASSIGN_OR_RETURN(const LoadResult result,
                        Saturate(saturation, absl::Seconds(absl::GetFlag(FLAGS_seconds))));
  const auto calls = static_cast<double>(result.calls());
  repeats.Add(absl::StrCat(name, ", requests/s"), result.OkPerSecond());
  repeats.Add(absl::StrCat(name, ", p99 ms"), absl::ToDoubleMilliseconds(result.Latency(0.99)));
  repeats.Add(absl::StrCat(name, ", server's processor us/request"),
              absl::ToDoubleMicroseconds(server.Cpu() - server_cpu) /
                  static_cast<double>(result.all_calls));
  repeats.Add(absl::StrCat(name, ", client's processor us/request"),
              absl::ToDoubleMicroseconds(result.client_cpu) / calls);
  return result.OkPerSecond();
}

// The ratio of what is answered to the limit.
absl::StatusOr<double> MeasureModel(const BareModel& model, const ServerUnderTest& server) {
  const std::string predict_request = PredictRequestBytes(model.settings(), model.held_out(), 1);
  WEIR_ASSIGN_OR_RETURN(const std::string echo_request,
                        EchoRequestLike(predict_request, server.channel()));
  const int threads = UsableCpus().Count();
  WEIR_ASSIGN_OR_RETURN(const int batch_rows, model.BestBatchRows(threads, kTrial));
  WEIR_ASSIGN_OR_RETURN(Saturation echo, FindSaturation(server, kEchoMethod, echo_request));
  WEIR_ASSIGN_OR_RETURN(Saturation predict,
                        FindSaturation(server, kPredictMethod, predict_request));
  const absl::Duration duration = absl::Seconds(absl::GetFlag(FLAGS_seconds));
  Repeats repeats;
  for (int repeat = 0; repeat < absl::GetFlag(FLAGS_repeats); ++repeat) {
    WEIR_ASSIGN_OR_RETURN(const double echo_rate, MeasureCalls("echo", server, echo, repeats));
    WEIR_ASSIGN_OR_RETURN(const double rate, MeasureCalls("predict", server, predict, repeats));
    WEIR_ASSIGN_OR_RETURN(const double bare_rate,
                          model.RowsPerSecond(batch_rows, threads, duration));
    const double limit = 1 / (1 / echo_rate + 1 / bare_rate);
    repeats.Add("bare model, rows/s", bare_rate);
    repeats.Add("limit, requests/s", limit);
    repeats.Add("ratio", rate / limit);
  }
  std::cout << repeats.Table(model.settings().name)
            << absl::StreamFormat(
                   "  (in flight: echo %d, predict %d; bare: %d threads, %d rows a batch; the "
                   "client's niceness: %d)\n\n",
                   echo.in_flight, predict.in_flight, threads, batch_rows, predict.niceness)
            << std::flush;
  return repeats.MedianOf("ratio");
}

absl::StatusOr<std::string> Measure() {
  const std::vector<std::string> models = absl::GetFlag(FLAGS_models);
  const std::string repository = absl::GetFlag(FLAGS_model_repository);
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<ServerUnderTest> server,
                        ServerUnderTest::Start({.program = absl::GetFlag(FLAGS_server),
                                                .model_repository = repository,
                                                .models = models,
                                                .more_flags = absl::GetFlag(FLAGS_server_flags)}));
  std::string line = "BENCH serving";
  for (const std::string& name : models) {
    WEIR_ASSIGN_OR_RETURN(const BareModel model, BareModel::Load(repository, name));
    WEIR_ASSIGN_OR_RETURN(const double ratio, MeasureModel(model, *server));
    absl::StrAppendFormat(&line, " %s=%.3f", model.settings().variant, ratio);
  }
  WEIR_RETURN_IF_ERROR(server->Stop());
  return line;
}

int Main() {
  InitializeTorch();
  const absl::StatusOr<std::string> line = Measure();
  if (!line.ok()) {
    std::cerr << "weir-bench-serving: " << line.status().message() << "\n";
    return 1;
  }
  std::cout << *line << "\n";
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  weir::ParseFlags(argc, argv, "measures how much of what is possible a server answers");
  return weir::Main();
}
