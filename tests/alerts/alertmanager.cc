#include "tests/alerts/alertmanager.h"

#include <filesystem>
#include <fstream>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "tests/alerts/durations.h"
#include "tests/faults/http_get.h"
#include "tests/faults/json.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr char kConfiguration[] = "monitoring/alertmanager";
constexpr char kProgram[] = "/usr/bin/prometheus-alertmanager";
constexpr absl::Duration kTimeout = absl::Seconds(10);

// Copies what start.sh reads, with faster durations.
absl::Status CopyConfiguration(const std::string& directory, double speed) {
  fs::create_directories(directory);
  for (const char* name : {"alertmanager.in.yml", "telegram.tmpl", "start.sh"}) {
    WEIR_ASSIGN_OR_RETURN(const std::string text,
                          ReadFile(absl::StrCat(kConfiguration, "/", name)));
    std::ofstream(absl::StrCat(directory, "/", name))
        << (absl::string_view(name) == "alertmanager.in.yml" ? SpeedUp(text, speed) : text);
  }
  return absl::OkStatus();
}

std::string Json(const Alertmanager::Alert& alert) {
  std::string json = absl::StrCat(R"({"labels":)", JsonObject(alert.labels), R"(,"annotations":)",
                                  JsonObject(alert.annotations), R"(,"startsAt":")",
                                  absl::FormatTime(alert.starts), "\"");
  if (alert.ends != absl::InfiniteFuture()) {
    absl::StrAppend(&json, R"(,"endsAt":")", absl::FormatTime(alert.ends), "\"");
  }
  return json + "}";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Alertmanager>> Alertmanager::Start(const Options& options) {
  const std::string source = options.directory + "/source";
  WEIR_RETURN_IF_ERROR(CopyConfiguration(source, options.speed));
  std::vector<std::string> command = {"/usr/bin/env"};
  command.insert(command.end(), options.settings.begin(), options.settings.end());
  for (const std::string& word :
       {std::string("/bin/sh"), source + "/start.sh", options.directory, std::string(kProgram),
        absl::StrCat("--storage.path=", options.directory, "/data"),
        absl::StrCat("--web.listen-address=127.0.0.1:", options.port),
        std::string("--cluster.listen-address=")}) {
    command.push_back(word);
  }
  auto alertmanager = absl::WrapUnique(new Alertmanager(command, options.port));
  if (!alertmanager->process_.WaitForLine("Listening on", kTimeout)) {
    return absl::UnavailableError(
        absl::StrCat("Alertmanager does not get ready:\n", alertmanager->process_.output()));
  }
  return alertmanager;
}

absl::Status Alertmanager::Post(const std::vector<Alert>& alerts) {
  const std::string json = absl::StrCat(
      "[", absl::StrJoin(alerts, ",", [](std::string* out, const Alert& a) { *out += Json(a); }),
      "]");
  return HttpPost(port_, "/api/v2/alerts", json, kTimeout).status();
}

}  // namespace weir
