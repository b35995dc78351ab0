// weir-server: serves the models of a repository over gRPC.
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/flags.h"
#include "base/log.h"
#include "grpc/support/log.h"
#include "server/model/torchscript_model.h"
#include "server/server.h"

ABSL_FLAG(std::string, model_repository, "",
          "The directory with the models: <model>/config.pbtxt and <model>/<version>/model.pt.");
ABSL_FLAG(std::vector<std::string>, models, {},
          "The models to serve, with commas between them; all of the repository if empty.");
ABSL_FLAG(std::string, host, "0.0.0.0", "The address to listen on.");
ABSL_FLAG(int, port, 8001, "The port to listen on; 0 for any free one, which the log tells.");
ABSL_FLAG(int, max_request_bytes, 32 << 20, "Larger requests are refused.");
ABSL_FLAG(absl::Duration, drain_timeout, absl::Seconds(30),
          "How long requests in flight may take to finish after SIGTERM.");

namespace {

int Fail(const absl::Status& status) {
  WEIR_LOG(kError, status.message());
  return 1;
}

void LogAsWeir(gpr_log_func_args* args) {
  WEIR_LOG(kWarning, "grpc: ", args->message);
}

int Run() {
  // Signals are waited for here; no thread is interrupted by one.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  gpr_set_log_function(LogAsWeir);

  const weir::ComputeBackend backend = weir::InitializeTorch();
  WEIR_LOG(kInfo, backend.description);
  if (backend.slow_blas) {
    WEIR_LOG(kWarning, "this BLAS is a slow one; OpenBLAS is many times faster");
  }

  absl::StatusOr<std::unique_ptr<weir::Server>> server = weir::Server::Create(
      {.model_repository = absl::GetFlag(FLAGS_model_repository),
       .models = absl::GetFlag(FLAGS_models),
       .host = absl::GetFlag(FLAGS_host),
       .port = absl::GetFlag(FLAGS_port),
       .max_request_bytes = absl::GetFlag(FLAGS_max_request_bytes)});
  if (!server.ok()) return Fail(server.status());
  if (const absl::Status status = (*server)->LoadModels(); !status.ok()) return Fail(status);

  int signal = 0;
  sigwait(&ending, &signal);
  WEIR_LOG(kInfo, "draining after ", strsignal(signal), "; a second signal ends at once");
  // From here on the signals do what they do by default.
  pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
  (*server)->Drain(absl::GetFlag(FLAGS_drain_timeout));
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
