// A real Prometheus that watches the gateway, and what it makes of it.
#ifndef WEIR_TESTS_FAULTS_PROMETHEUS_H_
#define WEIR_TESTS_FAULTS_PROMETHEUS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/process.h"
#include "tests/faults/scrape.h"

namespace weir {

// By how much a counter rose over its samples, as increase() sees it before it extrapolates: a
// sample that is smaller than the one before it says that the counter began anew.
double IncreaseOver(const std::vector<double>& samples);

// Ends with the object. Thread-compatible.
class Prometheus {
 public:
  struct Options {
    std::string directory;  // For its data; must exist.
    int port = 0;           // To listen on.
    int target_port = 0;    // Of the gateway.
    absl::Duration interval = absl::Milliseconds(200);
    std::string config_file;  // If there is one, it says what is scraped, and how often.
    std::vector<std::string> flags;
  };

  // Waits until it is ready.
  static absl::StatusOr<std::unique_ptr<Prometheus>> Start(const Options& options);

  // By how much the series rose together since they were first seen, from their samples. NOT_FOUND
  // if none has been.
  absl::StatusOr<double> Increase(const Selector& selector);

  // What increase() itself says, which extrapolates by up to half an interval on both sides.
  absl::StatusOr<double> ExtrapolatedIncrease(const Selector& selector);

  // The samples of each series that `query` gives: a range of them, or one.
  absl::StatusOr<std::vector<std::vector<double>>> Query(absl::string_view query);

  std::string output() const { return process_.output(); }

 private:
  Prometheus(const std::vector<std::string>& command, const Options& options)
      : options_(options), process_(command) {}

  const Options options_;
  Process process_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_PROMETHEUS_H_
