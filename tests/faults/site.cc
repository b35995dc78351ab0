#include "tests/faults/site.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "tests/faults/request_kinds.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

std::string Under(const std::string& directory, absl::string_view name) {
  return absl::StrCat(directory, "/", name);
}

}  // namespace

Site::Site(const std::string& directory, std::mt19937_64& random)
    : directory_(directory), http_port_(FreePort(random)) {
  // Inherited by the processes: a write beyond RLIMIT_FSIZE then fails, instead of ending them.
  signal(SIGXFSZ, SIG_IGN);
  const std::string push_address = absl::StrCat("127.0.0.1:", FreePort(random));
  gateway_ = std::make_unique<Restartable>(
      "gateway",
      std::vector<std::string>{
          "gateway/weir-gateway", "--host=127.0.0.1", absl::StrCat("--http_port=", http_port_),
          absl::StrCat("--grpc_port=", push_address.substr(push_address.find(':') + 1)),
          "--state_dir=" + Under(directory_, "gateway"),
          // What usually takes hours happens every few seconds.
          "--compact_min_bytes=131072", "--retire_after=2s", "--forget_after=60s"});
  proxy_ = std::make_unique<PushProxy>(push_address);
  for (int i = 0; i < kServers; ++i) {
    server_ports_[i] = FreePort(random);
    servers_[i] = std::make_unique<Restartable>(
        Replica(i),
        std::vector<std::string>{
            "server/weir-server", "--host=127.0.0.1", absl::StrCat("--port=", server_ports_[i]),
            "--model_repository=models/repository", absl::StrCat("--models=", kServedModels),
            "--gateway=" + (i == 0 ? proxy_->address() : push_address),
            "--state_dir=" + Under(directory_, Replica(i)), "--replica=" + Replica(i),
            absl::StrCat("--push_interval=", absl::FormatDuration(kPushInterval)),
            absl::StrCat("--push_deadline=", absl::FormatDuration(kPushDeadline))});
  }
}

std::string Site::Replica(int server) { return absl::StrCat("server-", server); }

std::string Site::server_address(int server) const {
  return absl::StrCat("127.0.0.1:", server_ports_[server]);
}

absl::Status Site::Start() {
  WEIR_RETURN_IF_ERROR(StartGateway());
  for (int i = 0; i < kServers; ++i) WEIR_RETURN_IF_ERROR(StartServer(i));
  for (int i = 0; i < kServers; ++i) WEIR_RETURN_IF_ERROR(AwaitModels(i));
  return absl::OkStatus();
}

absl::Status Site::StartGateway() { return gateway_->Start("listening for HTTP on "); }
absl::Status Site::StartServer(int server) { return servers_[server]->Start("listening on "); }

absl::Status Site::AwaitModels(int server) {
  for (const absl::string_view model : absl::StrSplit(kServedModels, ',')) {
    WEIR_RETURN_IF_ERROR(servers_[server]->AwaitLine(absl::StrCat("model ", model, " ready")));
  }
  return absl::OkStatus();
}

int64_t Site::GatewayFileBytes() const {
  int64_t bytes = 0;
  fs::file_time_type newest = fs::file_time_type::min();
  std::error_code error;  // A file may be gone meanwhile.
  for (const auto& entry : fs::directory_iterator(Under(directory_, "gateway"), error)) {
    const fs::file_time_type written = entry.last_write_time(error);
    const auto size = error ? 0 : entry.file_size(error);
    if (error || written < newest || size == 0) continue;
    newest = written;
    bytes = static_cast<int64_t>(size);
  }
  return bytes;
}

void Site::DeleteGatewayState() const { fs::remove_all(Under(directory_, "gateway")); }

void Site::DeleteServerState(int server) const {
  fs::remove_all(Under(directory_, Replica(server)));
}

absl::StatusOr<int> Site::StatsFiles(int server) const {
  int files = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(Under(directory_, Replica(server)), error)) {
    const std::string name = entry.path().filename();
    if (absl::EndsWith(name, ".unreadable")) {
      return absl::DataLossError(absl::StrCat(Replica(server), " could not read its ", name));
    }
    ++files;
  }
  return files;
}

absl::Status Site::Heal() {
  gateway_->Continue();
  gateway_->LimitFiles(std::nullopt);
  if (!gateway_->running()) WEIR_RETURN_IF_ERROR(StartGateway());
  for (int i = 0; i < kServers; ++i) {
    servers_[i]->Continue();
    if (!servers_[i]->running()) WEIR_RETURN_IF_ERROR(StartServer(i));
  }
  for (int i = 0; i < kServers; ++i) WEIR_RETURN_IF_ERROR(AwaitModels(i));
  if (!proxy_->Settle(absl::Seconds(30))) {
    return absl::DeadlineExceededError("pushes do not get through the proxy");
  }
  return absl::OkStatus();
}

void Site::WriteLogs(const std::string& directory) const {
  std::ofstream(Under(directory, "gateway.log")) << gateway_->log();
  for (const auto& server : servers_) {
    std::ofstream(Under(directory, server->name() + ".log")) << server->log();
  }
}

}  // namespace weir
