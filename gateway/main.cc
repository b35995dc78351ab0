// weir-gateway: one /metrics for all that the servers count.
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/flags.h"
#include "base/log.h"
#include "base/program.h"
#include "base/termination.h"
#include "gateway/gateway.h"

namespace weir {

// For flags: "process", "power".
bool AbslParseFlag(absl::string_view text, Journal::Durability* durability, std::string* error) {
  if (text != "process" && text != "power") {
    *error = "neither process nor power";
    return false;
  }
  *durability = text == "power" ? Journal::Durability::kPower : Journal::Durability::kProcess;
  return true;
}

std::string AbslUnparseFlag(Journal::Durability durability) {
  return durability == Journal::Durability::kPower ? "power" : "process";
}

}  // namespace weir

ABSL_FLAG(std::string, host, "0.0.0.0", "The address to listen on.");
ABSL_FLAG(int, grpc_port, 9401,
          "The port on which servers push; 0 for any free one, which the log tells.");
ABSL_FLAG(int, http_port, 9400,
          "The port of /metrics and the other pages; 0 for any free one, which the log tells.");
ABSL_FLAG(std::string, state_dir, "",
          "Where the journal is kept; made if it is not there, but not the folders above it.");
ABSL_FLAG(weir::Journal::Durability, durability, weir::Journal::Durability::kProcess,
          "What a push that was acknowledged survives: the end of the process, or of the power.");
ABSL_FLAG(int64_t, compact_min_bytes, weir::CompactionPolicy().min_bytes,
          "The journal is not compacted before so much was added to it.");
ABSL_FLAG(absl::Duration, retire_after, weir::Ledger::Options().retire_after,
          "Silence after which only the totals of a server's boot are kept.");
ABSL_FLAG(absl::Duration, forget_after, weir::Ledger::Options().forget_after,
          "Silence after which its totals are kept without its name.");
ABSL_FLAG(int64_t, max_push_bytes, weir::PushLimits().max_push_bytes,
          "Larger pushes are refused before they are read.");
ABSL_FLAG(int, max_sources, weir::Ledger::Options().max_sources,
          "Boots of servers that may push at a time.");
ABSL_FLAG(int64_t, max_series, weir::Ledger::Options().max_series, "Lines that /metrics may have.");
ABSL_FLAG(int64_t, max_series_per_source, weir::Ledger::Options().max_series_per_source,
          "Lines of /metrics that one server may bring.");
ABSL_FLAG(int, max_label_bytes, weir::DictionaryLimits().max_label_bytes,
          "Pushes with a longer name or value of a label are refused.");
ABSL_FLAG(weir::LogSeverity, min_log_severity, weir::LogSeverity::kInfo,
          "Lines below it are not logged: debug, info, warning or error.");

namespace {

int Fail(const absl::Status& status) {
  WEIR_LOG(kError, status.message());
  return 1;
}

int Run() {
  weir::StartProgram(absl::GetFlag(FLAGS_min_log_severity));
  const int64_t max_series_per_source = absl::GetFlag(FLAGS_max_series_per_source);
  absl::StatusOr<std::unique_ptr<weir::Gateway>> created = weir::Gateway::Create(
      {.host = absl::GetFlag(FLAGS_host),
       .grpc_port = absl::GetFlag(FLAGS_grpc_port),
       .http_port = absl::GetFlag(FLAGS_http_port),
       .push = {.max_push_bytes = absl::GetFlag(FLAGS_max_push_bytes),
                .dictionary = {.max_series = max_series_per_source,
                               .max_label_bytes = absl::GetFlag(FLAGS_max_label_bytes)}},
       .committer = {.journal = {.directory = absl::GetFlag(FLAGS_state_dir),
                                 .durability = absl::GetFlag(FLAGS_durability)},
                     .ledger = {.retire_after = absl::GetFlag(FLAGS_retire_after),
                                .forget_after = absl::GetFlag(FLAGS_forget_after),
                                .max_sources = absl::GetFlag(FLAGS_max_sources),
                                .max_series = absl::GetFlag(FLAGS_max_series),
                                .max_series_per_source = max_series_per_source},
                     .compaction = {.min_bytes = absl::GetFlag(FLAGS_compact_min_bytes)}}});
  if (!created.ok()) return Fail(created.status());
  weir::Gateway& gateway = **created;

  // The journal loads aside, so that a signal is heard meanwhile.
  absl::Status loaded;
  std::thread loader([&gateway, &loaded] {
    loaded = gateway.Load();
    if (!loaded.ok()) weir::CancelWait();
  });
  const int signal = weir::WaitForTermination();
  if (signal != 0) {
    WEIR_LOG(kInfo, "ending after ", strsignal(signal), "; a second signal ends at once");
  }
  loader.join();
  if (!loaded.ok()) return Fail(loaded);
  gateway.Drain();
  WEIR_LOG(kInfo, "ended");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments =
      weir::ParseFlags(argc, argv, "one /metrics for all that the servers count");
  if (!arguments.empty()) {
    return Fail(absl::InvalidArgumentError("unexpected argument: " + arguments[0]));
  }
  if (absl::GetFlag(FLAGS_state_dir).empty()) {
    return Fail(absl::InvalidArgumentError("--state_dir is missing"));
  }
  return Run();
}
