// weir-bench-python_stack: weir beside the usual Python stack around the same model file.
//
// Saturated, both are driven in a closed loop: the Python service by wrk, weir by its own
// generator. At the same fixed rate, 80 % of what the Python service carries, both get requests at
// the same times, which are random, and latency counts from then. wrk knows no rate; so a client of
// weir's own drives the Python service there. Both get the same images, and must answer them alike.
//
// The Python service has two methods, of which the one that is saturated only declares its body:
// see python_stack/server.py.
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/flags.h"
#include "base/status_macros.h"
#include "bench/image_inputs.h"
#include "bench/open_http_load.h"
#include "bench/python_load.h"
#include "bench/python_service.h"
#include "bench/repeats.h"
#include "bench/requests.h"
#include "bench/same_answers.h"
#include "bench/scratch_directory.h"
#include "bench/server_under_test.h"
#include "bench/wrk.h"
#include "loadgen/load/load_client.h"
#include "loadgen/load/pacer.h"
#include "server/model/model_settings.h"

ABSL_FLAG(std::string, server, "bazel-bin/server/weir-server", "The server to measure.");
ABSL_FLAG(std::string, python_stack, "bench/python_stack", "Where server.py and post.lua are.");
ABSL_FLAG(std::string, wrk, weir::WrkOptions().program, "The generator for the Python service.");
ABSL_FLAG(std::string, model_repository, "models/repository", "Where the models are.");
ABSL_FLAG(std::string, model, "fashion-fast", "The model that both serve; a model of images.");
ABSL_FLAG(std::string, scratch, "/tmp", "Where directories for files are made.");
ABSL_FLAG(std::vector<std::string>, callers, std::vector<std::string>({"1", "8", "64"}),
          "Requests in flight when saturated, with commas between the numbers.");
ABSL_FLAG(int, images, 1000, "How many different ones are sent, in turn.");
ABSL_FLAG(int, connections, 1, "Between weir's generator and weir; callers share them.");
ABSL_FLAG(double, seconds, 3, "How long each is measured in each repeat.");
ABSL_FLAG(int, repeats, 5, "How often all is measured.");

namespace weir {
namespace {

// Before each measurement, of either.
constexpr absl::Duration kWarmUp = absl::Seconds(1);
constexpr double kFixedLoad = 0.8;
constexpr char kOwnClient[] = "client of the fixed rate, Python, requests/s";

// A method of the Python service.
struct Endpoint {
  const char* path;
  const char* name;   // In the table.
  const char* ratio;  // In the last line.
};
constexpr Endpoint kLean = {"/predict", "Python", "rps_ratio"};
constexpr Endpoint kDeclared = {"/predict_declared", "Python declared", "declared_rps_ratio"};

class PythonStackBenchmark {
 public:
  PythonStackBenchmark(const ServerUnderTest& server, const PythonService& service,
                       std::vector<ImageInput> inputs)
      : server_(server),
        inputs_(std::move(inputs)),
        python_(service, inputs_,
                {.wrk = absl::GetFlag(FLAGS_wrk),
                 .script = absl::StrCat(absl::GetFlag(FLAGS_python_stack), "/post.lua"),
                 .scratch = absl::GetFlag(FLAGS_scratch)}) {}

  // That both give the same answers.
  absl::Status Compare() {
    return CheckSameAnswers(server_, python_, {kLean.path, kDeclared.path}, inputs_);
  }

  // Closed loops of so many callers.
  absl::Status MeasureSaturated(int callers);

  // What the Python service carries under either client, of what was measured.
  double PythonRate() const;

  // Keeps all connections of the client for the fixed rate busy.
  absl::Status SaturatePythonByOwnClient();

  // The same rate for both.
  absl::Status MeasureFixedRate(double per_second, uint64_t seed);

  // That the Python service has counted all that it was asked.
  absl::Status CheckCounts() const { return python_.CheckCounts(); }

  const Repeats& repeats() const { return repeats_; }

  // "BENCH python_stack rps_ratio_1=.. p99_ratio=.. declared_rps_ratio_1=..", by the medians.
  std::string Line() const;

 private:
  absl::StatusOr<std::unique_ptr<LoadClient>> Connect() const;
  absl::StatusOr<double> SaturateWeir(int callers);
  absl::StatusOr<double> SaturatePython(const Endpoint& endpoint, int callers);
  double MostByWrk() const;
  absl::StatusOr<double> WeirP99(double per_second, uint64_t seed);
  absl::StatusOr<double> PythonP99(double per_second, uint64_t seed);

  static std::string Name(int callers, absl::string_view what) {
    return absl::StrCat(callers, callers == 1 ? " caller, " : " callers, ", what);
  }

  std::unique_ptr<Pacer> Pace(double per_second, absl::Duration length, uint64_t seed) const {
    return PacePoisson({{.from = per_second, .to = per_second, .length = length}}, seed);
  }

  const ServerUnderTest& server_;
  const std::vector<ImageInput> inputs_;
  PythonLoad python_;
  const absl::Duration duration_ = absl::Seconds(absl::GetFlag(FLAGS_seconds));
  std::vector<int> callers_;
  Repeats repeats_;
};

absl::StatusOr<std::unique_ptr<LoadClient>> PythonStackBenchmark::Connect() const {
  std::vector<std::string> requests;
  for (const ImageInput& input : inputs_) requests.push_back(input.predict_request);
  return LoadClient::Create({.address = server_.address(),
                             .method = kPredictMethod,
                             .requests = std::move(requests),
                             .connections = absl::GetFlag(FLAGS_connections)});
}

absl::StatusOr<double> PythonStackBenchmark::SaturateWeir(int callers) {
  WEIR_ASSIGN_OR_RETURN(const auto client, Connect());
  const absl::Duration server_cpu = server_.Cpu();
  const LoadResult result = client->RunClosedLoop(callers, kWarmUp, duration_);
  if (result.ok() != result.calls() || result.ok() == 0) {
    return absl::InternalError(absl::StrCat("not all calls were answered: ", result.Codes()));
  }
  repeats_.Add(Name(callers, "weir, requests/s"), result.OkPerSecond());
  repeats_.Add(Name(callers, "weir, p99 ms"), absl::ToDoubleMilliseconds(result.Latency(0.99)));
  repeats_.Add(Name(callers, "weir, its processor us/request"),
               absl::ToDoubleMicroseconds(server_.Cpu() - server_cpu) /
                   static_cast<double>(result.all_calls));
  return result.OkPerSecond();
}

absl::StatusOr<double> PythonStackBenchmark::SaturatePython(const Endpoint& endpoint, int callers) {
  WEIR_ASSIGN_OR_RETURN(const PythonLoad::Saturated saturated,
                        python_.Saturate(endpoint.path, callers, kWarmUp, duration_));
  const auto add = [&](absl::string_view what, double value) {
    repeats_.Add(Name(callers, absl::StrCat(endpoint.name, ", ", what)), value);
  };
  add("requests/s", saturated.wrk.per_second);
  add("p99 ms", absl::ToDoubleMilliseconds(saturated.wrk.p99));
  add("its processor us/request", absl::ToDoubleMicroseconds(saturated.cpu_per_answer));
  add("wrk's processor us/request", absl::ToDoubleMicroseconds(saturated.wrk.cpu_per_answer));
  return saturated.wrk.per_second;
}

absl::Status PythonStackBenchmark::MeasureSaturated(int callers) {
  if (std::find(callers_.begin(), callers_.end(), callers) == callers_.end()) {
    callers_.push_back(callers);
  }
  WEIR_ASSIGN_OR_RETURN(const double weir, SaturateWeir(callers));
  for (const Endpoint& endpoint : {kLean, kDeclared}) {
    WEIR_ASSIGN_OR_RETURN(const double python, SaturatePython(endpoint, callers));
    repeats_.Add(Name(callers, absl::StrCat("weir / ", endpoint.name)), weir / python);
  }
  return absl::OkStatus();
}

absl::Status PythonStackBenchmark::SaturatePythonByOwnClient() {
  const double expected = MostByWrk() * absl::ToDoubleSeconds(duration_);
  const auto pacer = Replay(std::vector<absl::Duration>(static_cast<size_t>(expected) + 1));
  const absl::Time begin = MonotonicNow();
  WEIR_ASSIGN_OR_RETURN(const OpenHttpLoadReport report, python_.AtTimes(*pacer));
  repeats_.Add(kOwnClient,
               static_cast<double>(report.answers) / absl::ToDoubleSeconds(MonotonicNow() - begin));
  return absl::OkStatus();
}

double PythonStackBenchmark::MostByWrk() const {
  double most = 0;
  for (const int callers : callers_) {
    most = std::max(most, repeats_.MedianOf(Name(callers, "Python, requests/s")));
  }
  return most;
}

double PythonStackBenchmark::PythonRate() const {
  return std::min(MostByWrk(), repeats_.MedianOf(kOwnClient));
}

absl::StatusOr<double> PythonStackBenchmark::WeirP99(double per_second, uint64_t seed) {
  WEIR_ASSIGN_OR_RETURN(const auto client, Connect());
  client->RunOpenLoop(Pace(per_second, kWarmUp, seed));
  const LoadResult result = client->RunOpenLoop(Pace(per_second, duration_, seed));
  if (result.ok() != result.calls() || result.ok() == 0) {
    return absl::InternalError(absl::StrCat("not all calls were answered: ", result.Codes()));
  }
  const double p99 = absl::ToDoubleMilliseconds(result.Latency(0.99));
  repeats_.Add("fixed rate, weir, p50 ms", absl::ToDoubleMilliseconds(result.Latency(0.5)));
  repeats_.Add("fixed rate, weir, p99 ms", p99);
  repeats_.Add("fixed rate, weir, client's lag, p99 ms", result.send_lag_ns.Quantile(0.99) / 1e6);
  return p99;
}

absl::StatusOr<double> PythonStackBenchmark::PythonP99(double per_second, uint64_t seed) {
  WEIR_RETURN_IF_ERROR(python_.AtTimes(*Pace(per_second, kWarmUp, seed)).status());
  WEIR_ASSIGN_OR_RETURN(const OpenHttpLoadReport report,
                        python_.AtTimes(*Pace(per_second, duration_, seed)));
  const double p99 = report.latency_ns.Quantile(0.99) / 1e6;
  repeats_.Add("fixed rate, Python, p50 ms", report.latency_ns.Quantile(0.5) / 1e6);
  repeats_.Add("fixed rate, Python, p99 ms", p99);
  repeats_.Add("fixed rate, Python, client's lag, p99 ms", report.send_lag_ns.Quantile(0.99) / 1e6);
  return p99;
}

absl::Status PythonStackBenchmark::MeasureFixedRate(double per_second, uint64_t seed) {
  WEIR_ASSIGN_OR_RETURN(const double weir, WeirP99(per_second, seed));
  WEIR_ASSIGN_OR_RETURN(const double python, PythonP99(per_second, seed));
  repeats_.Add("fixed rate, requests/s", per_second);
  repeats_.Add("fixed rate, p99, weir / Python", weir / python);
  return absl::OkStatus();
}

std::string PythonStackBenchmark::Line() const {
  std::string line = "BENCH python_stack";
  const auto add_ratios = [&](const Endpoint& endpoint) {
    for (const int callers : callers_) {
      const std::string name = Name(callers, absl::StrCat("weir / ", endpoint.name));
      absl::StrAppendFormat(&line, " %s_%d=%.1f", endpoint.ratio, callers, repeats_.MedianOf(name));
    }
  };
  add_ratios(kLean);
  absl::StrAppendFormat(&line, " p99_ratio=%.3f",
                        repeats_.MedianOf("fixed rate, p99, weir / Python"));
  add_ratios(kDeclared);
  return line;
}

absl::StatusOr<std::vector<int>> Callers() {
  std::vector<int> callers;
  for (const std::string& number : absl::GetFlag(FLAGS_callers)) {
    if (!absl::SimpleAtoi(number, &callers.emplace_back()) || callers.back() < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--callers: \"", number, "\" is no number above 0"));
    }
  }
  return callers;
}

absl::StatusOr<std::string> Measure() {
  WEIR_ASSIGN_OR_RETURN(const std::vector<int> callers, Callers());
  const std::string repository = absl::GetFlag(FLAGS_model_repository);
  const std::string model = absl::GetFlag(FLAGS_model);
  const std::string directory = absl::StrCat(repository, "/", model);
  WEIR_ASSIGN_OR_RETURN(const ModelSettings settings, LoadModelSettings(directory));
  WEIR_ASSIGN_OR_RETURN(std::vector<ImageInput> inputs,
                        ImageInputs(settings, absl::GetFlag(FLAGS_images)));
  const ScratchDirectory metrics(absl::GetFlag(FLAGS_scratch));
  WEIR_ASSIGN_OR_RETURN(
      const auto service,
      PythonService::Start({.server = absl::StrCat(absl::GetFlag(FLAGS_python_stack), "/server.py"),
                            .model_file = absl::StrCat(directory, "/1/model.pt"),
                            .metrics_dir = metrics.path(),
                            .workers = UsableCpus().Count()}));
  WEIR_ASSIGN_OR_RETURN(const auto server,
                        ServerUnderTest::Start({.program = absl::GetFlag(FLAGS_server),
                                                .model_repository = repository,
                                                .models = {model}}));
  PythonStackBenchmark benchmark(*server, *service, std::move(inputs));
  WEIR_RETURN_IF_ERROR(benchmark.Compare());
  const int repeats = absl::GetFlag(FLAGS_repeats);
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (const int count : callers) WEIR_RETURN_IF_ERROR(benchmark.MeasureSaturated(count));
  }
  for (int repeat = 0; repeat < repeats; ++repeat) {
    WEIR_RETURN_IF_ERROR(benchmark.SaturatePythonByOwnClient());
  }
  const double rate = kFixedLoad * benchmark.PythonRate();
  for (int repeat = 0; repeat < repeats; ++repeat) {
    WEIR_RETURN_IF_ERROR(benchmark.MeasureFixedRate(rate, repeat + 1));
  }
  WEIR_RETURN_IF_ERROR(benchmark.CheckCounts());
  WEIR_RETURN_IF_ERROR(server->Stop());
  std::cout << benchmark.repeats().Table(
                   absl::StrCat(model, ", ", service->addresses().size(), " Python workers"))
            << "\n";
  return benchmark.Line();
}

int Main() {
  const absl::StatusOr<std::string> line = Measure();
  if (!line.ok()) {
    std::cerr << "weir-bench-python_stack: " << line.status().message() << "\n";
    return 1;
  }
  std::cout << *line << "\n";
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  weir::ParseFlags(argc, argv, "measures weir beside the usual Python stack");
  return weir::Main();
}
