#include "bench/python_service.h"

#include <stdlib.h>

#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "bench/http_connection.h"
#include "bench/process_usage.h"

namespace weir {
namespace {

// Debian's own, whose packages it has.
constexpr char kPython[] = "/usr/bin/python3";
constexpr absl::string_view kListening = "listening on ";

}  // namespace

absl::StatusOr<std::unique_ptr<PythonService>> PythonService::Start(const Options& options) {
  setenv("PROMETHEUS_MULTIPROC_DIR", options.metrics_dir.c_str(), /*replace=*/1);
  auto service = absl::WrapUnique(new PythonService);
  for (int i = 0; i < options.workers; ++i) {
    service->workers_.push_back(std::make_unique<Process>(
        std::vector<std::string>{kPython, options.server, options.model_file, "0"}));
  }
  for (const auto& worker : service->workers_) {
    const std::optional<std::string> line = worker->WaitForLine(kListening);
    if (!line) {
      return absl::UnavailableError(
          absl::StrCat("the Python service does not listen:\n", worker->output()));
    }
    service->addresses_.push_back(line->substr(line->find(kListening.data()) + kListening.size()));
  }
  return service;
}

absl::StatusOr<int64_t> PythonService::CountedRequests() const {
  WEIR_ASSIGN_OR_RETURN(const auto connection, HttpConnection::Connect(addresses_[0]));
  std::string page;
  WEIR_RETURN_IF_ERROR(connection->Get("/metrics", /*accept_gzip=*/false, &page).status());
  double counted = 0;
  for (absl::string_view line : absl::StrSplit(page, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    double value = 0;
    if (absl::StartsWith(parts.first, "requests_total{") &&
        absl::SimpleAtod(parts.second, &value)) {
      counted += value;
    }
  }
  return static_cast<int64_t>(counted);
}

absl::Duration PythonService::Cpu() const {
  absl::Duration cpu;
  for (const auto& worker : workers_) cpu += ProcessCpu(worker->pid());
  return cpu;
}

}  // namespace weir
