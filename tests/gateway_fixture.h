// A running weir-gateway for tests, and how they talk to it.
#ifndef WEIR_TESTS_GATEWAY_FIXTURE_H_
#define WEIR_TESTS_GATEWAY_FIXTURE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/process.h"
#include "tests/faults/scrape.h"

namespace weir {

// A weir-gateway of its own on free ports of 127.0.0.1. Not thread-safe.
class RunningGateway {
 public:
  // Waits until the gateway takes pushes. `--host` and the ports are given; `flags` may name
  // others.
  explicit RunningGateway(const std::vector<std::string>& flags);

  // The page now, as text and as numbers; fails the test if it cannot be had or read.
  std::string MetricsText() const;
  Scrape Metrics() const;

  // The first page from now on for which `met` holds; fails the test if there is none within
  // `timeout`.
  Scrape MetricsWhen(const std::function<bool(const Scrape&)>& met,
                     absl::Duration timeout = absl::Seconds(30)) const;

  // For a gateway on the same ports, which is how servers find one that was started again.
  std::vector<std::string> SamePorts() const;

  Process& process() { return process_; }
  const std::string& push_address() const { return push_address_; }
  int http_port() const { return http_port_; }

 private:
  Process process_;
  std::string push_address_;
  int http_port_ = 0;
};

}  // namespace weir

#endif  // WEIR_TESTS_GATEWAY_FIXTURE_H_
