#include "tests/alerts/watched_site.h"

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "tests/alerts/durations.h"
#include "tests/faults/free_port.h"
#include "tests/faults/http_get.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr char kModels[] = "models/repository";
constexpr char kPrometheus[] = "monitoring/prometheus";
constexpr const char* kScenarios[] = {"loadgen/scenarios", "tests/alerts/scenarios"};
constexpr absl::Duration kTimeout = absl::Seconds(60);
constexpr absl::Duration kLoadTimeout = absl::Minutes(4);

// Those of ./weir up, but that the models which scenarios leave alone have a server of their own.
// The last one has too many for the gateway's taste, and is started by those who want that.
struct Served {
  const char* name;
  const char* models;
};
constexpr Served kServers[] = {
    {"fast", "fashion-fast"},
    {"balanced", "fashion-balanced"},
    {"accurate", "fashion-accurate"},
    {"tables", "flats-price,accidents-forest"},
    {kGreedy, "fashion-fast,fashion-balanced,fashion-accurate,flats-price,accidents-forest"}};
constexpr int kMaxSeries = 700;  // Five models have 1040 in all.

std::string Local(int port) { return absl::StrCat("127.0.0.1:", port); }

absl::Status CopyFaster(const std::string& from, const std::string& to) {
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(from));
  std::ofstream(to) << SpeedUp(text, kSpeed);
  return absl::OkStatus();
}

}  // namespace

WatchedSite::WatchedSite(const Options& options)
    : directory_(options.directory),
      random_(std::random_device()()),
      http_port_(FreePort(random_)),
      push_port_(FreePort(random_)),
      prometheus_port_(FreePort(random_)),
      alertmanager_port_(FreePort(random_)),
      memory_limit_(directory_ + "/memory_limit") {
  // Inherited by the processes: a write beyond RLIMIT_FSIZE then fails, instead of ending them.
  signal(SIGXFSZ, SIG_IGN);
  gateway_ = std::make_unique<Restartable>(
      "gateway", std::vector<std::string>{"gateway/weir-gateway", "--host=127.0.0.1",
                                          absl::StrCat("--http_port=", http_port_),
                                          absl::StrCat("--grpc_port=", push_port_),
                                          absl::StrCat("--max_series_per_source=", kMaxSeries),
                                          "--state_dir=" + directory_ + "/gateway"});
  std::ofstream(memory_limit_) << "max\n";
  for (const Served& served : kServers) {
    const absl::string_view name = served.name;
    std::vector<std::string> command;
    if (options.limits && name == "accurate") command = {"/usr/bin/taskset", "--cpu-list", "0"};
    if (options.limits && name == "tables") {
      command = {"/bin/sh", "tests/alerts/with_memory_limit.sh", memory_limit_};
    }
    const int port = FreePort(random_);
    addresses_[served.name] = Local(port);
    for (const std::string& word :
         {std::string("server/weir-server"), std::string("--host=127.0.0.1"),
          absl::StrCat("--port=", port), "--model_repository=" + directory_ + "/models",
          absl::StrCat("--models=", served.models), "--gateway=" + Local(push_port_),
          std::string("--push_interval=200ms"), "--state_dir=" + directory_ + "/servers",
          absl::StrCat("--replica=", name), std::string("--enable_fault_injection")}) {
      command.push_back(word);
    }
    servers_[served.name] = std::make_unique<Restartable>(served.name, command);
  }
}

absl::Status WatchedSite::Start() {
  CopyModels();
  WEIR_RETURN_IF_ERROR(StartGateway());
  for (const auto& [name, server] : servers_) {
    if (name != kGreedy) WEIR_RETURN_IF_ERROR(StartServer(name));
  }
  WEIR_RETURN_IF_ERROR(StartAlertmanager());
  return StartPrometheus();
}

// All models have an objective of a second, so that no machine is so busy that it misses it; and
// only small batches of them are warmed up, so that loading takes a moment.
void WatchedSite::CopyModels() const {
  static const std::regex kObjective(R"re(("weir\.slo_latency" value \{ string_value: )"\w+")re");
  for (const auto& entry : fs::directory_iterator(kModels)) {
    const std::string name = entry.path().filename();
    const std::string config = absl::StrCat(kModels, "/", name, "/config.pbtxt");
    if (!fs::exists(config)) continue;
    // The folders that a test sees are made of links.
    const std::string copy = absl::StrCat(directory_, "/models/", name);
    fs::create_directories(copy);
    fs::copy(fs::canonical(config).parent_path(), copy, fs::copy_options::recursive);
    const std::string text =
        absl::StrReplaceAll(*ReadFile(config), {{"max_batch_size: 64", "max_batch_size: 4"}});
    std::ofstream(copy + "/config.pbtxt") << std::regex_replace(text, kObjective, "$1\"1s\"");
  }
}

absl::Status WatchedSite::StartGateway() { return gateway_->Start("ready: "); }

absl::Status WatchedSite::StartServer(const std::string& name) {
  WEIR_RETURN_IF_ERROR(server(name).Start("listening on "));
  for (const Served& served : kServers) {
    if (served.name != name) continue;
    for (const absl::string_view model : absl::StrSplit(served.models, ',')) {
      WEIR_RETURN_IF_ERROR(server(name).AwaitLine(absl::StrCat("model ", model, " ready")));
    }
  }
  return absl::OkStatus();
}

absl::Status WatchedSite::StartAlertmanager() {
  auto started =
      Alertmanager::Start({.directory = directory_ + "/alertmanager",
                           .port = alertmanager_port_,
                           .speed = kSpeed,
                           .settings = {absl::StrCat("WEIR_TELEGRAM_TOKEN=", FakeTelegram::kToken),
                                        absl::StrCat("WEIR_TELEGRAM_CHAT=", FakeTelegram::kChat),
                                        "WEIR_TELEGRAM_API=" + telegram_.url()}});
  WEIR_RETURN_IF_ERROR(started.status());
  alertmanager_ = *std::move(started);
  return absl::OkStatus();
}

// Prometheus takes five seconds to find out what to scrape. At this speed that is more than a
// minute, and GatewayDown would fire: so it gets its rules once it has scraped the gateway.
absl::Status WatchedSite::StartPrometheus() {
  const std::string directory = directory_ + "/prometheus";
  fs::create_directories(directory + "/rules");
  fs::create_directories(directory + "/targets");
  WEIR_RETURN_IF_ERROR(
      CopyFaster(absl::StrCat(kPrometheus, "/prometheus.yml"), directory + "/prometheus.yml"));
  for (const auto& [name, port] :
       {std::pair("gateway", http_port_), std::pair("alertmanager", alertmanager_port_),
        std::pair("prometheus", prometheus_port_)}) {
    std::ofstream(absl::StrCat(directory, "/targets/", name, ".yml"))
        << "- targets: ['" << Local(port) << "']\n";
  }
  auto started = Prometheus::Start(
      {.directory = directory,
       .port = prometheus_port_,
       .config_file = directory + "/prometheus.yml",
       .flags = {"--web.enable-lifecycle",
                 absl::StrCat("--rules.alert.resend-delay=",
                              absl::ToInt64Milliseconds(absl::Minutes(1) / kSpeed), "ms")}});
  WEIR_RETURN_IF_ERROR(started.status());
  prometheus_ = *std::move(started);
  WEIR_RETURN_IF_ERROR(
      AwaitAnswer("up{job='weir-gateway'} == 1 and on () up{job='alertmanager'} == 1"));
  for (const auto& entry : fs::directory_iterator(absl::StrCat(kPrometheus, "/rules"))) {
    WEIR_RETURN_IF_ERROR(CopyFaster(
        entry.path(), absl::StrCat(directory, "/rules/", entry.path().filename().string())));
  }
  WEIR_RETURN_IF_ERROR(HttpPost(prometheus_port_, "/-/reload", "", kTimeout).status());
  // ModelNotLoaded asks what was there a minute ago.
  const auto minute_ms = absl::ToInt64Milliseconds(absl::Minutes(1) / kSpeed);
  return AwaitAnswer(
      absl::StrCat("count(model:weir_model_loaded:sum offset ", minute_ms, "ms > 0) == 5"));
}

absl::Status WatchedSite::AwaitAnswer(const std::string& query) {
  const absl::Time deadline = MonotonicNow() + kTimeout;
  // Nobody tells when there is an answer; each look waits for one.
  while (MonotonicNow() < deadline) {
    WEIR_ASSIGN_OR_RETURN(const auto series, prometheus_->Query(query));
    if (!series.empty()) return absl::OkStatus();
  }
  return absl::DeadlineExceededError("Prometheus has no answer to " + query);
}

absl::Status WatchedSite::LimitMemory(double factor) {
  if (absl::StrContains(server("tables").log(), "no control group to limit")) {
    return absl::UnimplementedError("no control group to limit");
  }
  WEIR_ASSIGN_OR_RETURN(const auto resident,
                        prometheus_->Query("weir_process_resident_memory_bytes{replica='tables'}"));
  if (resident.empty()) return absl::InternalError("tables does not tell what memory it has");
  std::ofstream limit(memory_limit_);  // In place: it is mounted elsewhere.
  if (factor == 0) {
    limit << "max\n";
  } else {
    limit << static_cast<int64_t>(resident[0].back() * factor) << "\n";
  }
  return absl::OkStatus();
}

absl::Status WatchedSite::Admin(const std::string& server,
                                std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), "client/weir-admin");
  arguments.push_back("--address=" + addresses_.at(server));
  Process admin(arguments);
  if (admin.Wait(kTimeout) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrJoin(arguments, " ") + ":\n" + admin.output());
}

absl::Status WatchedSite::StartLoad(const std::string& scenario) {
  const std::string file = absl::StrCat(directory_, "/", scenario, ".textproto");
  for (const char* folder : kScenarios) {
    const std::string shipped = absl::StrCat(folder, "/", scenario, ".textproto");
    if (fs::exists(shipped)) WEIR_RETURN_IF_ERROR(CopyFaster(shipped, file));
  }
  std::vector<std::string> targets;
  for (const auto& [name, address] : addresses_) {
    if (name != kGreedy) targets.push_back(address);
  }
  load_ = std::make_unique<Process>(std::vector<std::string>{
      "loadgen/weir-loadgen", "--targets=" + absl::StrJoin(targets, ","), file});
  return absl::OkStatus();
}

// A machine that is so busy that the generator cannot keep up is all right here: its exit code
// is 4.
absl::Status WatchedSite::AwaitLoad() {
  const auto exit_code = load_->Wait(kLoadTimeout);
  loads_ += load_->output();
  if (exit_code == 0 || exit_code == 4) return absl::OkStatus();
  return absl::InternalError("the load does not end well:\n" + load_->output());
}

void WatchedSite::WriteLogs(const std::string& directory) const {
  const auto write = [&](const std::string& name, const std::string& log) {
    std::ofstream(absl::StrCat(directory, "/", name, ".log")) << log;
  };
  write("gateway", gateway_->log());
  for (const auto& [name, server] : servers_) write(name, server->log());
  if (alertmanager_ != nullptr) write("alertmanager", alertmanager_->process().output());
  if (prometheus_ != nullptr) write("prometheus", prometheus_->output());
  write("loads", loads_);
  std::string told;
  for (const FakeTelegram::Message& message : telegram_.messages()) {
    absl::StrAppend(&told, "---- ", absl::FormatTime(message.came), "\n", message.text);
  }
  write("telegram", told);
}

}  // namespace weir
