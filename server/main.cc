// weir-server: serves the models of a repository over gRPC.
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/cpu.h"
#include "base/flags.h"
#include "base/log.h"
#include "base/program.h"
#include "base/termination.h"
#include "server/model/compute_backend.h"
#include "server/server.h"

ABSL_FLAG(std::string, model_repository, "",
          "The directory with the models: <model>/config.pbtxt and <model>/<version>/model.pt.");
ABSL_FLAG(std::vector<std::string>, models, {},
          "The models to serve, with commas between them; all of the repository if empty.");
ABSL_FLAG(std::string, host, "0.0.0.0", "The address to listen on.");
ABSL_FLAG(int, port, 8001, "The port to listen on; 0 for any free one, which the log tells.");
ABSL_FLAG(int, max_request_bytes, 8 << 20, "Larger requests are refused before they are parsed.");
ABSL_FLAG(absl::Duration, repository_poll, absl::ZeroDuration(),
          "How often to look for changes in the repository; 0 for on demand only.");
ABSL_FLAG(
    int, pollers, 0,
    "Threads that read requests and run the small models; 0 for one for each usable processor.");
ABSL_FLAG(absl::Duration, inline_threshold, absl::Microseconds(250),
          "Models whose single row takes no longer run on the threads that read requests.");
ABSL_FLAG(int64_t, max_bytes_in_flight, int64_t{1} << 30,
          "Requests are refused while those in flight together are larger.");
ABSL_FLAG(absl::Duration, slow_request_threshold, absl::Seconds(1),
          "Requests that take as long are logged, with the times of their stages.");
ABSL_FLAG(bool, enable_fault_injection, false,
          "Obey the metadata weir-delay-ms, weir-fail-code and weir-fail-ratio of requests.");
ABSL_FLAG(weir::LogSeverity, min_log_severity, weir::LogSeverity::kInfo,
          "Lines below it are not logged: debug, info, warning or error.");
ABSL_FLAG(bool, record_stats, true, "Count what is served.");
ABSL_FLAG(
    std::vector<std::string>, gateway, {},
    "The gateways that get what is counted, HOST:PORT with commas between them; none if empty.");
ABSL_FLAG(absl::Duration, push_interval, absl::Seconds(1), "How often they do.");
ABSL_FLAG(absl::Duration, push_deadline, absl::Seconds(5),
          "How long a gateway may take to acknowledge a push.");
ABSL_FLAG(absl::Duration, last_push_timeout, absl::Seconds(5),
          "How long the server waits at its end until all gateways have acknowledged everything.");
ABSL_FLAG(std::string, state_dir, "",
          "Where counts are kept, so that a server that is killed loses none; in memory only if "
          "empty.");
ABSL_FLAG(std::string, replica, "",
          "The stable name of this server among others; its host's name and its port if empty.");
ABSL_FLAG(absl::Duration, drain_timeout, absl::Seconds(30),
          "How long requests in flight may take to finish after SIGTERM.");

namespace {

int Fail(const absl::Status& status) {
  WEIR_LOG(kError, status.message());
  return 1;
}

int Run() {
  weir::StartProgram(absl::GetFlag(FLAGS_min_log_severity));

  const weir::ComputeBackend backend = weir::InitializeTorch();
  WEIR_LOG(kInfo, backend.description);
  if (backend.slow_blas) {
    WEIR_LOG(kWarning, "this BLAS is a slow one; OpenBLAS is many times faster");
  }

  const weir::CpuBudget cpus = weir::UsableCpus();
  WEIR_LOG(kInfo, "uses ", cpus.Description());
  const int pollers = absl::GetFlag(FLAGS_pollers);
  absl::StatusOr<std::unique_ptr<weir::Server>> created = weir::Server::Create(
      {.model_repository = absl::GetFlag(FLAGS_model_repository),
       .models = absl::GetFlag(FLAGS_models),
       .repository_poll = absl::GetFlag(FLAGS_repository_poll),
       .host = absl::GetFlag(FLAGS_host),
       .port = absl::GetFlag(FLAGS_port),
       .max_request_bytes = absl::GetFlag(FLAGS_max_request_bytes),
       .max_bytes_in_flight = absl::GetFlag(FLAGS_max_bytes_in_flight),
       .batching = {.usable_cpus = cpus.Count(),
                    .pollers = pollers > 0 ? pollers : cpus.Count(),
                    .inline_threshold = absl::GetFlag(FLAGS_inline_threshold)},
       .prediction = {.slow_request_threshold = absl::GetFlag(FLAGS_slow_request_threshold),
                      .fault_injection = absl::GetFlag(FLAGS_enable_fault_injection)},
       .stats = {.record = absl::GetFlag(FLAGS_record_stats),
                 .replica = absl::GetFlag(FLAGS_replica),
                 .state_dir = absl::GetFlag(FLAGS_state_dir),
                 .gateways = absl::GetFlag(FLAGS_gateway),
                 .push_interval = absl::GetFlag(FLAGS_push_interval),
                 .push_deadline = absl::GetFlag(FLAGS_push_deadline),
                 .last_push_timeout = absl::GetFlag(FLAGS_last_push_timeout)}});
  if (!created.ok()) return Fail(created.status());
  weir::Server& server = **created;

  // Models load aside, so that a signal is obeyed meanwhile.
  absl::Status loaded;
  std::thread loader([&server, &loaded] {
    loaded = server.LoadModels();
    if (!loaded.ok()) weir::CancelWait();
  });
  const int signal = weir::WaitForTermination();
  if (signal != 0) {
    WEIR_LOG(kInfo, "draining after ", strsignal(signal), "; a second signal ends at once");
    server.Drain(absl::GetFlag(FLAGS_drain_timeout));
  }
  loader.join();
  if (signal == 0) return Fail(loaded);
  WEIR_LOG(kInfo, "drained");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments =
      weir::ParseFlags(argc, argv, "serves the models of a repository over gRPC");
  if (!arguments.empty()) {
    return Fail(absl::InvalidArgumentError("unexpected argument: " + arguments[0]));
  }
  if (absl::GetFlag(FLAGS_model_repository).empty()) {
    return Fail(absl::InvalidArgumentError("--model_repository is missing"));
  }
  return Run();
}
