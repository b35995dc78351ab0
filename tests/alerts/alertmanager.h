// A real Alertmanager with the repository's configuration.
#ifndef WEIR_TESTS_ALERTS_ALERTMANAGER_H_
#define WEIR_TESTS_ALERTS_ALERTMANAGER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/process.h"

namespace weir {

// Ends with the object. Thread-compatible.
class Alertmanager {
 public:
  struct Options {
    std::string directory;              // For its configuration and data; made if it is not there.
    int port = 0;                       // To listen on.
    double speed = 1;                   // By which durations of the configuration are divided.
    std::vector<std::string> settings;  // NAME=VALUE, for monitoring/alertmanager/start.sh.
  };

  struct Alert {
    std::vector<std::pair<std::string, std::string>> labels;
    std::vector<std::pair<std::string, std::string>> annotations;
    absl::Time starts;
    absl::Time ends = absl::InfiniteFuture();
  };

  // Waits until it listens.
  static absl::StatusOr<std::unique_ptr<Alertmanager>> Start(const Options& options);

  // As Prometheus would.
  absl::Status Post(const std::vector<Alert>& alerts);

  Process& process() { return process_; }

 private:
  Alertmanager(const std::vector<std::string>& command, int port)
      : port_(port), process_(command) {}

  const int port_;
  Process process_;
};

}  // namespace weir

#endif  // WEIR_TESTS_ALERTS_ALERTMANAGER_H_
