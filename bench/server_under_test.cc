#include "bench/server_under_test.h"

#include <signal.h>

#include <optional>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "bench/process_usage.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace weir {
namespace {

constexpr absl::string_view kListening = "listening on ";

}  // namespace

absl::StatusOr<std::unique_ptr<ServerUnderTest>> ServerUnderTest::Start(const Options& options) {
  std::vector<std::string> command = {
      options.program, "--host=127.0.0.1", "--port=0",
      absl::StrCat("--model_repository=", options.model_repository),
      absl::StrCat("--models=", absl::StrJoin(options.models, ","))};
  command.insert(command.end(), options.more_flags.begin(), options.more_flags.end());
  auto server = absl::WrapUnique(new ServerUnderTest(command));
  WEIR_RETURN_IF_ERROR(server->AwaitReady(options.models));
  return server;
}

absl::Status ServerUnderTest::AwaitReady(const std::vector<std::string>& models) {
  const std::optional<std::string> line = process_.WaitForLine(kListening);
  if (!line) {
    return absl::UnavailableError(absl::StrCat("the server does not listen:\n", process_.output()));
  }
  address_ = line->substr(line->find(kListening.data()) + kListening.size());
  channel_ = grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
  for (const std::string& model : models) {
    if (!process_.WaitForLine(absl::StrCat("model ", model, " ready"))) {
      return absl::UnavailableError(
          absl::StrCat("model ", model, " does not get ready:\n", process_.output()));
    }
  }
  return absl::OkStatus();
}

absl::Duration ServerUnderTest::Cpu() const { return ProcessCpu(process_.pid()); }

int64_t ServerUnderTest::ResidentBytes() const { return ProcessResidentBytes(process_.pid()); }

absl::Status ServerUnderTest::Stop() {
  process_.Signal(SIGTERM);
  const std::optional<int> exit_code = process_.Wait();
  if (exit_code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      "the server ", exit_code ? absl::StrCat("ended with ", *exit_code) : "does not end",
      " after SIGTERM:\n", process_.output()));
}

}  // namespace weir
