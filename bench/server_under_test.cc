#include "bench/server_under_test.h"

#include <signal.h>
#include <unistd.h>

#include <optional>

#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace weir {
namespace {

constexpr absl::string_view kListening = "listening on ";

// The number at `index` of the words of /proc/<pid>/<file> that stand behind the program's name; 0
// where there is none.
int64_t ProcNumber(pid_t pid, absl::string_view file, size_t index) {
  const std::string text = ReadFile(absl::StrCat("/proc/", pid, "/", file)).value_or("");
  // The name may hold spaces and brackets; only stat has it, as "(weir-server)".
  const size_t name_end = text.rfind(')');
  const std::vector<absl::string_view> words = absl::StrSplit(
      absl::string_view(text).substr(name_end == std::string::npos ? 0 : name_end + 1),
      absl::ByAnyChar(" \n"), absl::SkipEmpty());
  int64_t number = 0;
  if (index >= words.size() || !absl::SimpleAtoi(words[index], &number)) return 0;
  return number;
}

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

absl::Duration ServerUnderTest::Cpu() const {
  // Behind the name of stat stand the fields from the third on; user and system time are the 14th
  // and the 15th.
  const int64_t ticks =
      ProcNumber(process_.pid(), "stat", 11) + ProcNumber(process_.pid(), "stat", 12);
  return absl::Seconds(static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

int64_t ServerUnderTest::ResidentBytes() const {
  return ProcNumber(process_.pid(), "statm", 1) * sysconf(_SC_PAGESIZE);
}

absl::Status ServerUnderTest::Stop() {
  process_.Signal(SIGTERM);
  const std::optional<int> exit_code = process_.Wait();
  if (exit_code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      "the server ", exit_code ? absl::StrCat("ended with ", *exit_code) : "does not end",
      " after SIGTERM:\n", process_.output()));
}

}  // namespace weir
