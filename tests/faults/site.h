// All that runs in a fault test: a gateway and two servers, as real processes, and the network
// between them.
//
//   load ──► server 0 ── PushProxy ──► gateway ◄── scraper, Prometheus
//   load ──► server 1 ───────────────►
#ifndef WEIR_TESTS_FAULTS_SITE_H_
#define WEIR_TESTS_FAULTS_SITE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/faults/free_port.h"
#include "tests/faults/push_proxy.h"
#include "tests/faults/restartable.h"

namespace weir {

inline constexpr absl::Duration kPushInterval = absl::Milliseconds(200);
inline constexpr absl::Duration kPushDeadline = absl::Milliseconds(500);

// Not thread-safe; used by one thread only.
class Site {
 public:
  static constexpr int kServers = 2;

  Site(const std::string& directory, std::mt19937_64& random);

  absl::Status Start();

  // Until it listens; until its models are ready.
  absl::Status StartGateway();
  absl::Status StartServer(int server);
  absl::Status AwaitModels(int server);

  Restartable& gateway() { return *gateway_; }
  Restartable& server(int server) { return *servers_[server]; }
  PushProxy& proxy() { return *proxy_; }

  int http_port() const { return http_port_; }
  std::string server_address(int server) const;
  static std::string Replica(int server);

  // The size of the one that was written last.
  int64_t GatewayFileBytes() const;
  void DeleteGatewayState() const;
  void DeleteServerState(int server) const;
  // Files with the counts of boots of the server, the running one's among them. Files that could
  // not be read are kept under other names, and are an error.
  absl::StatusOr<int> StatsFiles(int server) const;

  // Starts what does not run, and ends every fault.
  absl::Status Heal();

  // Of every process, each in a file of `directory`.
  void WriteLogs(const std::string& directory) const;

 private:
  const std::string directory_;
  int http_port_ = 0;
  std::array<int, kServers> server_ports_ = {};
  std::unique_ptr<PushProxy> proxy_;
  std::unique_ptr<Restartable> gateway_;
  std::array<std::unique_ptr<Restartable>, kServers> servers_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_SITE_H_
