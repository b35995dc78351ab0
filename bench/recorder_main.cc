// weir-bench-recorder: what it costs to count.
//
// First the recorder alone: the time of everything that one request records, on one thread and on
// several, beside the same through prometheus-cpp, in turns. Then the whole: two servers, of which
// one does not record, answer as much as they can, in turns; pairs of them are started several
// times, because two processes of one program are not equally fast either.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/flags.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "bench/recorded_request.h"
#include "bench/repeats.h"
#include "bench/requests.h"
#include "bench/scratch_directory.h"
#include "bench/server_under_test.h"
#include "loadgen/load/load_client.h"
#include "models/data/fashion_mnist.h"
#include "models/evaluate/held_out.h"
#include "server/model/model_settings.h"
#include "server/stats/recorder.h"

ABSL_FLAG(std::string, server, "bazel-bin/server/weir-server", "The server to measure.");
ABSL_FLAG(std::string, model_repository, "models/repository", "Where the models are.");
ABSL_FLAG(std::string, model, "fashion-fast", "The model that the servers serve.");
ABSL_FLAG(std::vector<std::string>, server_flags, {}, "More flags for the servers.");
ABSL_FLAG(int, requests, 2'000'000, "That are recorded in each repeat, on each thread.");
ABSL_FLAG(int, repeats, 11, "How often the recorder is measured.");
ABSL_FLAG(int, starts, 5, "How often the servers are started; 0 leaves them out.");
ABSL_FLAG(int, pairs, 6, "How often they are measured in turns after each start.");
ABSL_FLAG(double, seconds, 1, "How long each of them is measured.");
ABSL_FLAG(int, in_flight, 64, "Requests that the servers have to answer at any time.");

namespace weir {
namespace {

constexpr absl::Duration kWarmUp = absl::Milliseconds(100);

// Nanoseconds a request, of the slowest of `threads` that each record all requests.
double NsPerRequest(int threads, absl::FunctionRef<void(const RecordedRequest&)> record) {
  const int requests = absl::GetFlag(FLAGS_requests);
  std::vector<double> ns(threads);
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      const std::vector<RecordedRequest> made = MakeRequests(4096, t);
      for (const RecordedRequest& request : made) record(request);  // Warms up.
      const absl::Time begin = MonotonicNow();
      for (int i = 0; i < requests; ++i) record(made[i % made.size()]);
      ns[t] = absl::ToDoubleNanoseconds(MonotonicNow() - begin) / requests;
    });
  }
  for (std::thread& thread : running) thread.join();
  return *std::max_element(ns.begin(), ns.end());
}

absl::StatusOr<Repeats> MeasureRecorder() {
  const ScratchDirectory directory(std::filesystem::temp_directory_path());
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<Recorder> recorder,
                        Recorder::Create({.state_dir = directory.path(), .replica = "weir-bench"}));
  VersionStats& stats = recorder->ForVersion(RecordedModel());
  PrometheusStats prometheus_stats;
  Repeats repeats;
  std::vector<int> thread_counts = {1};
  if (UsableCpus().Count() > 1) thread_counts.push_back(UsableCpus().Count());
  for (int repeat = 0; repeat < absl::GetFlag(FLAGS_repeats); ++repeat) {
    for (const int threads : thread_counts) {
      const std::string on = threads == 1 ? "one thread" : absl::StrCat(threads, " threads");
      repeats.Add(absl::StrCat("weir, ns/request, ", on),
                  NsPerRequest(threads, [&](const RecordedRequest& r) { Record(r, stats); }));
      repeats.Add(
          absl::StrCat("prometheus-cpp, ns/request, ", on),
          NsPerRequest(threads, [&](const RecordedRequest& r) { prometheus_stats.Record(r); }));
    }
    v1::PushRequest push;
    const absl::Time begin = MonotonicNow();
    recorder->FillPush(push);
    repeats.Add("weir, a snapshot of one model, us",
                absl::ToDoubleMicroseconds(MonotonicNow() - begin));
  }
  std::cout << repeats.Table("what one request records") << "\n" << std::flush;
  return repeats;
}

// A server with a client that keeps it busy.
struct BusyServer {
  std::unique_ptr<ServerUnderTest> server;
  std::unique_ptr<LoadClient> client;
};

absl::StatusOr<BusyServer> StartServer(bool record, const std::string& state_dir,
                                       const std::string& request) {
  std::vector<std::string> flags = absl::GetFlag(FLAGS_server_flags);
  flags.push_back(absl::StrCat("--record_stats=", record));
  if (record) flags.push_back(absl::StrCat("--state_dir=", state_dir));
  BusyServer busy;
  WEIR_ASSIGN_OR_RETURN(busy.server, ServerUnderTest::Start(
                                         {.program = absl::GetFlag(FLAGS_server),
                                          .model_repository = absl::GetFlag(FLAGS_model_repository),
                                          .models = {absl::GetFlag(FLAGS_model)},
                                          .more_flags = flags}));
  WEIR_ASSIGN_OR_RETURN(busy.client, LoadClient::Create({.address = busy.server->address(),
                                                         .method = kPredictMethod,
                                                         .requests = {request}}));
  return busy;
}

absl::StatusOr<double> RequestsPerSecond(BusyServer& busy) {
  const LoadResult result = busy.client->RunClosedLoop(absl::GetFlag(FLAGS_in_flight), kWarmUp,
                                                       absl::Seconds(absl::GetFlag(FLAGS_seconds)));
  if (result.ok() == result.calls() && result.ok() > 0) return result.OkPerSecond();
  return absl::InternalError(absl::StrCat("not all calls were answered: ", result.Codes()));
}

// Starts the two servers once and measures them in turns, now one of them first and now the other.
absl::Status MeasureStart(const std::string& request, Repeats& repeats) {
  const ScratchDirectory directory(std::filesystem::temp_directory_path());
  WEIR_ASSIGN_OR_RETURN(BusyServer off, StartServer(false, "", request));
  WEIR_ASSIGN_OR_RETURN(BusyServer on, StartServer(true, directory.path(), request));
  Repeats of_start;
  for (int pair = 0; pair < absl::GetFlag(FLAGS_pairs); ++pair) {
    double off_rate = 0;
    double on_rate = 0;
    for (const bool record : {pair % 2 == 0, pair % 2 != 0}) {
      WEIR_ASSIGN_OR_RETURN((record ? on_rate : off_rate), RequestsPerSecond(record ? on : off));
    }
    repeats.Add("recording off, requests/s", off_rate);
    repeats.Add("recording on, requests/s", on_rate);
    repeats.Add("off / on, of each pair", off_rate / on_rate);
    of_start.Add("ratio", off_rate / on_rate);
  }
  repeats.Add("off / on, of each start", of_start.MedianOf("ratio"));
  WEIR_RETURN_IF_ERROR(off.server->Stop());
  return on.server->Stop();
}

absl::StatusOr<Repeats> MeasureServers() {
  const std::string model_directory =
      absl::StrCat(absl::GetFlag(FLAGS_model_repository), "/", absl::GetFlag(FLAGS_model));
  WEIR_ASSIGN_OR_RETURN(const ModelSettings settings, LoadModelSettings(model_directory));
  WEIR_ASSIGN_OR_RETURN(const HeldOut held_out,
                        LoadHeldOut(settings.family, kFashionMnistDirectory));
  const std::string request = PredictRequestBytes(settings, held_out, 1);
  Repeats repeats;
  for (int start = 0; start < absl::GetFlag(FLAGS_starts); ++start) {
    WEIR_RETURN_IF_ERROR(MeasureStart(request, repeats));
  }
  std::cout << repeats.Table(settings.name) << "\n" << std::flush;
  return repeats;
}

absl::StatusOr<std::string> Measure() {
  WEIR_ASSIGN_OR_RETURN(const Repeats recorder, MeasureRecorder());
  std::string line = absl::StrFormat("BENCH recorder ns_per_request=%.1f prometheus_cpp_ns=%.1f",
                                     recorder.MedianOf("weir, ns/request, one thread"),
                                     recorder.MedianOf("prometheus-cpp, ns/request, one thread"));
  if (absl::GetFlag(FLAGS_starts) == 0) return line;
  WEIR_ASSIGN_OR_RETURN(const Repeats servers, MeasureServers());
  absl::StrAppendFormat(&line, " off_on_ratio=%.4f", servers.MedianOf("off / on, of each pair"));
  return line;
}

int Main() {
  SetMinLogSeverity(LogSeverity::kWarning);
  const absl::StatusOr<std::string> line = Measure();
  if (!line.ok()) {
    std::cerr << "weir-bench-recorder: " << line.status().message() << "\n";
    return 1;
  }
  std::cout << *line << "\n";
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  weir::ParseFlags(argc, argv, "measures what it costs to count");
  return weir::Main();
}
