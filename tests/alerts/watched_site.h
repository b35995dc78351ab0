// All that an alert passes on its way: a gateway and four servers under load, Prometheus and
// Alertmanager as the repository sets them up, and a stand-in for Telegram. Only time goes faster.
//
//   weir-loadgen ──► servers ──► gateway ◄── Prometheus ──► Alertmanager ──► FakeTelegram
#ifndef WEIR_TESTS_ALERTS_WATCHED_SITE_H_
#define WEIR_TESTS_ALERTS_WATCHED_SITE_H_

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/process.h"
#include "tests/alerts/alertmanager.h"
#include "tests/alerts/fake_telegram.h"
#include "tests/faults/prometheus.h"
#include "tests/faults/restartable.h"

namespace weir {

// The one factor: all durations of rules, configuration and load scenarios are divided by it. What
// takes a minute in life takes three seconds. Not divided is what the programs themselves do: the
// gateway's quantiles are of a minute, servers push every 200 ms, and fail once more as they do
// anywhere.
inline constexpr double kSpeed = 20;

// The name of a server that is not started with the others: the gateway refuses its many series.
inline constexpr char kGreedy[] = "greedy";

// Not thread-safe; used by one thread only.
class WatchedSite {
 public:
  struct Options {
    std::string directory;  // For all files; must exist.
    // Whether the server "accurate" has one processor only, and "tables" as much memory as
    // LimitMemory says.
    bool limits = false;
  };

  explicit WatchedSite(const Options& options);

  // Until Prometheus has known all models for a minute (of its time).
  absl::Status Start();

  absl::Status StartGateway();
  // Until its models are ready.
  absl::Status StartServer(const std::string& name);
  Restartable& gateway() { return *gateway_; }
  Restartable& server(const std::string& name) { return *servers_.at(name); }

  // What "tables" may have from now on, as a factor of what it has; none at all if 0. Nothing but
  // its metrics heeds it. UNIMPLEMENTED if this machine has no control groups to pretend it with.
  absl::Status LimitMemory(double factor);

  // Runs weir-admin with these arguments against a server.
  absl::Status Admin(const std::string& server, std::vector<std::string> arguments) const;

  // Starts a scenario of loadgen/scenarios or of tests/alerts/scenarios, in place of the one before
  // it; waits for its end.
  absl::Status StartLoad(const std::string& scenario);
  absl::Status AwaitLoad();

  const std::string& directory() const { return directory_; }
  const FakeTelegram& telegram() const { return telegram_; }
  Prometheus& prometheus() { return *prometheus_; }
  int prometheus_port() const { return prometheus_port_; }

  // Of every process, each in a file of `directory`, and what people were told.
  void WriteLogs(const std::string& directory) const;

 private:
  void CopyModels() const;
  absl::Status StartAlertmanager();
  absl::Status StartPrometheus();
  absl::Status AwaitAnswer(const std::string& query);

  const std::string directory_;
  std::mt19937_64 random_;
  const int http_port_;
  const int push_port_;
  const int prometheus_port_;
  const int alertmanager_port_;
  std::map<std::string, std::string> addresses_;  // Of servers.
  const std::string memory_limit_;                // A file.

  FakeTelegram telegram_;
  std::unique_ptr<Restartable> gateway_;
  std::map<std::string, std::unique_ptr<Restartable>> servers_;
  std::unique_ptr<Alertmanager> alertmanager_;
  std::unique_ptr<Prometheus> prometheus_;
  std::unique_ptr<Process> load_;
  std::string loads_;  // What all of them said.
};

}  // namespace weir

#endif  // WEIR_TESTS_ALERTS_WATCHED_SITE_H_
