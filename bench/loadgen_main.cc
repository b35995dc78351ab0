// weir-bench-loadgen: how many calls a second weir's load generator makes, beside h2load.
//
// A do-nothing method of a server that has one processor; each generator in turn has another, and
// sends the same message. weir's does for each call all that weir-loadgen does for a request: see
// bench/echo_load.h. Both are tried with one connection that has all calls in flight, and with
// a connection for each call; what each of them does better counts.
#include <algorithm>
#include <fstream>
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
#include "base/flags.h"
#include "base/processors.h"
#include "base/status_macros.h"
#include "bench/echo_load.h"
#include "bench/h2load.h"
#include "bench/repeats.h"
#include "bench/requests.h"
#include "bench/scratch_directory.h"
#include "bench/server_under_test.h"

ABSL_FLAG(std::string, server, "bazel-bin/server/weir-server", "The server to put load on.");
ABSL_FLAG(std::string, model_repository, "models/repository", "Where the models are.");
ABSL_FLAG(std::string, model, "fashion-fast", "Messages are as large as a request to it.");
ABSL_FLAG(std::string, h2load, weir::H2loadOptions().program, "The generator beside weir's.");
ABSL_FLAG(std::string, scratch, "/tmp", "Where a directory for the request is made.");
ABSL_FLAG(std::vector<std::string>, in_flight, std::vector<std::string>({"8", "64"}),
          "How many calls, with commas between the numbers.");
ABSL_FLAG(double, seconds, 2, "How long each is measured in each repeat.");
ABSL_FLAG(int, repeats, 9, "How often all is measured.");

namespace weir {
namespace {

constexpr absl::Duration kWarmUp = absl::Milliseconds(200);

// One generator with one number of connections, again and again.
struct Way {
  std::string generator;
  int connections = 1;
  std::vector<double> per_second = {};
};

class LoadgenBenchmark {
 public:
  LoadgenBenchmark(std::string address, EchoLoad load)
      : address_(std::move(address)),
        load_(std::move(load)),
        scratch_(absl::GetFlag(FLAGS_scratch)) {
    WriteRequestFile();
  }

  // How many times the calls of h2load weir makes.
  absl::StatusOr<double> Measure(int in_flight);

 private:
  // A message of gRPC has five bytes before it: that it is not compressed, and its size.
  static constexpr int64_t kPrefixBytes = 5;

  void WriteRequestFile() const;
  std::string RequestFile() const { return scratch_.path() + "/request"; }

  // Calls a second. The processor time of a call goes into `repeats`.
  absl::StatusOr<double> MeasureWeir(int in_flight, const Way& way, Repeats& repeats) const;
  absl::StatusOr<double> MeasureH2load(int in_flight, const Way& way, Repeats& repeats) const;

  const std::string address_;
  const EchoLoad load_;
  const ScratchDirectory scratch_;
  const absl::Duration duration_ = absl::Seconds(absl::GetFlag(FLAGS_seconds));
};

void LoadgenBenchmark::WriteRequestFile() const {
  const auto size = static_cast<uint32_t>(load_.message().size());
  std::ofstream file(RequestFile(), std::ios::binary);
  file.put(0);
  for (const int shift : {24, 16, 8, 0}) file.put(static_cast<char>(size >> shift));
  file << load_.message();
}

std::string Name(const Way& way, absl::string_view what) {
  return absl::StrFormat("%s, %d connection%s, %s", way.generator, way.connections,
                         way.connections == 1 ? "" : "s", what);
}

absl::StatusOr<double> LoadgenBenchmark::MeasureWeir(int in_flight, const Way& way,
                                                     Repeats& repeats) const {
  WEIR_ASSIGN_OR_RETURN(const EchoLoadReport report,
                        load_.Run(in_flight, way.connections, kWarmUp, duration_));
  repeats.Add(Name(way, "processor us/call"), absl::ToDoubleMicroseconds(report.cpu_per_call));
  return report.per_second;
}

absl::StatusOr<double> LoadgenBenchmark::MeasureH2load(int in_flight, const Way& way,
                                                       Repeats& repeats) const {
  WEIR_ASSIGN_OR_RETURN(const H2loadReport report,
                        RunH2load({.program = absl::GetFlag(FLAGS_h2load),
                                   .address = address_,
                                   .method = kEchoMethod,
                                   .request_file = RequestFile(),
                                   .connections = way.connections,
                                   .streams = in_flight / way.connections,
                                   .warm_up = kWarmUp,
                                   .duration = duration_}));
  const int64_t answer_bytes = kPrefixBytes + static_cast<int64_t>(load_.answer_bytes());
  const int64_t all_answers = report.data_bytes / answer_bytes;
  if (all_answers < report.answers) {
    return absl::InternalError(absl::StrCat("h2load got ", report.data_bytes, " bytes in ",
                                            report.answers, " answers, which have ", answer_bytes,
                                            " each"));
  }
  repeats.Add(Name(way, "processor us/call"),
              absl::ToDoubleMicroseconds(report.cpu) / static_cast<double>(all_answers));
  return report.per_second;
}

// The way with the most calls a second, by the median.
const Way& Better(const Way& a, const Way& b) {
  return Median(a.per_second) > Median(b.per_second) ? a : b;
}

absl::StatusOr<double> LoadgenBenchmark::Measure(int in_flight) {
  Way weir[] = {{.generator = "weir"}, {.generator = "weir", .connections = in_flight}};
  Way h2load[] = {{.generator = "h2load"}, {.generator = "h2load", .connections = in_flight}};
  Repeats repeats;
  for (int repeat = 0; repeat < absl::GetFlag(FLAGS_repeats); ++repeat) {
    for (int i = 0; i < 2; ++i) {
      WEIR_ASSIGN_OR_RETURN(weir[i].per_second.emplace_back(),
                            MeasureWeir(in_flight, weir[i], repeats));
      WEIR_ASSIGN_OR_RETURN(h2load[i].per_second.emplace_back(),
                            MeasureH2load(in_flight, h2load[i], repeats));
      repeats.Add(Name(weir[i], "calls/s"), weir[i].per_second.back());
      repeats.Add(Name(h2load[i], "calls/s"), h2load[i].per_second.back());
    }
  }
  const Way& best = Better(weir[0], weir[1]);
  const Way& best_h2load = Better(h2load[0], h2load[1]);
  for (size_t i = 0; i < best.per_second.size(); ++i) {
    repeats.Add("best weir / best h2load", best.per_second[i] / best_h2load.per_second[i]);
  }
  std::cout << repeats.Table(absl::StrCat(in_flight, " in flight")) << "\n" << std::flush;
  return repeats.MedianOf("best weir / best h2load");
}

absl::StatusOr<std::string> Measure() {
  const std::vector<int> processors = AllowedProcessors();
  if (processors.size() < 2) {
    std::cout << "There is only one processor, which the generators share with the server: their"
                 " ratio says little.\n\n";
  }
  const std::string model = absl::GetFlag(FLAGS_model);
  WEIR_RETURN_IF_ERROR(StayOn({processors.front()}));
  WEIR_ASSIGN_OR_RETURN(
      const auto server,
      ServerUnderTest::Start({.program = absl::GetFlag(FLAGS_server),
                              .model_repository = absl::GetFlag(FLAGS_model_repository),
                              .models = {model}}));
  WEIR_RETURN_IF_ERROR(StayOn({processors.size() < 2 ? processors.front() : processors[1]}));
  WEIR_ASSIGN_OR_RETURN(EchoLoad load, EchoLoad::Create(*server, model));
  LoadgenBenchmark benchmark(server->address(), std::move(load));

  std::string line;
  double lowest = 0;
  for (const std::string& number : absl::GetFlag(FLAGS_in_flight)) {
    int in_flight = 0;
    if (!absl::SimpleAtoi(number, &in_flight) || in_flight < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--in_flight: \"", number, "\" is no number above 0"));
    }
    WEIR_ASSIGN_OR_RETURN(const double ratio, benchmark.Measure(in_flight));
    absl::StrAppendFormat(&line, " ratio_%d=%.3f", in_flight, ratio);
    lowest = lowest == 0 ? ratio : std::min(lowest, ratio);
  }
  WEIR_RETURN_IF_ERROR(server->Stop());
  return absl::StrFormat("BENCH loadgen h2load_ratio=%.3f%s", lowest, line);
}

int Main() {
  const absl::StatusOr<std::string> line = Measure();
  if (!line.ok()) {
    std::cerr << "weir-bench-loadgen: " << line.status().message() << "\n";
    return 1;
  }
  std::cout << *line << "\n";
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  weir::ParseFlags(argc, argv, "measures how many calls a second a load generator makes");
  return weir::Main();
}
