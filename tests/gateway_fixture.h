// A running weir-gateway for tests, and how they talk to it.
#ifndef WEIR_TESTS_GATEWAY_FIXTURE_H_
#define WEIR_TESTS_GATEWAY_FIXTURE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/process.h"
#include "tests/scrape.h"

namespace weir {

// A weir-gateway of its own on free ports of 127.0.0.1.
class RunningGateway {
 public:
  // Waits until the gateway listens. `--host` and the ports are given; `flags` may name others.
  explicit RunningGateway(const std::vector<std::string>& flags);

  // Waits until the journal is loaded.
  bool WaitUntilReady();

  // The page now; fails the test if it cannot be had or read.
  Scrape Metrics() const;

  // Reads the page again and again until `happens`, for at most `timeout`; the last page.
  Scrape MetricsWhen(const std::function<bool(const Scrape&)>& happens,
                     absl::Duration timeout = absl::Seconds(30)) const;

  // Of a gateway on the same ports, which is how servers find one that was started again.
  std::vector<std::string> SamePorts() const;

  Process& process() { return process_; }
  const std::string& push_address() const { return push_address_; }
  const std::string& http_address() const { return http_address_; }

 private:
  Process process_;
  std::string push_address_;
  std::string http_address_;
};

}  // namespace weir

#endif  // WEIR_TESTS_GATEWAY_FIXTURE_H_
