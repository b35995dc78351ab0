#include "bench/gateway_under_test.h"

#include <signal.h>

#include <optional>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "bench/process_usage.h"

namespace weir {
namespace {

std::vector<std::string> Command(const GatewayUnderTest::Options& options,
                                 const std::string& state_dir) {
  std::vector<std::string> command = {options.program, "--host=127.0.0.1", "--grpc_port=0",
                                      "--http_port=0", absl::StrCat("--state_dir=", state_dir)};
  command.insert(command.end(), options.more_flags.begin(), options.more_flags.end());
  return command;
}

}  // namespace

GatewayUnderTest::GatewayUnderTest(const Options& options)
    : state_(options.state_parent), process_(Command(options, state_.path())) {}

absl::StatusOr<std::unique_ptr<GatewayUnderTest>> GatewayUnderTest::Start(const Options& options) {
  auto gateway = absl::WrapUnique(new GatewayUnderTest(options));
  WEIR_ASSIGN_OR_RETURN(gateway->push_address_, gateway->AwaitAddress("listening for pushes on "));
  WEIR_ASSIGN_OR_RETURN(gateway->http_address_, gateway->AwaitAddress("listening for HTTP on "));
  if (!gateway->process_.WaitForLine("ready: ")) {
    return absl::UnavailableError(
        absl::StrCat("the gateway does not get ready:\n", gateway->process_.output()));
  }
  return gateway;
}

absl::StatusOr<std::string> GatewayUnderTest::AwaitAddress(absl::string_view text) {
  const std::optional<std::string> line = process_.WaitForLine(text);
  if (!line) {
    return absl::UnavailableError(
        absl::StrCat("the gateway does not listen:\n", process_.output()));
  }
  return line->substr(line->find(text.data(), 0, text.size()) + text.size());
}

absl::Duration GatewayUnderTest::Cpu() const { return ProcessCpu(process_.pid()); }

int64_t GatewayUnderTest::ResidentBytes() const { return ProcessResidentBytes(process_.pid()); }

absl::Status GatewayUnderTest::Stop() {
  process_.Signal(SIGTERM);
  const std::optional<int> exit_code = process_.Wait();
  if (exit_code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      "the gateway ", exit_code ? absl::StrCat("ended with ", *exit_code) : "does not end",
      " after SIGTERM:\n", process_.output()));
}

}  // namespace weir
