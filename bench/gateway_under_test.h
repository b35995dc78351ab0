// A weir-gateway of its own on free ports of 127.0.0.1, as a benchmark needs it.
#ifndef WEIR_BENCH_GATEWAY_UNDER_TEST_H_
#define WEIR_BENCH_GATEWAY_UNDER_TEST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/process.h"
#include "bench/scratch_directory.h"

namespace weir {

// Ends with the object at the latest, and its journal with it. Not thread-safe.
class GatewayUnderTest {
 public:
  struct Options {
    std::string program;                // The path of weir-gateway.
    std::string state_parent = "/tmp";  // Its journal is in a directory of its own in this one.
    std::vector<std::string> more_flags;
  };

  // Waits until the gateway takes pushes.
  static absl::StatusOr<std::unique_ptr<GatewayUnderTest>> Start(const Options& options);

  const std::string& push_address() const { return push_address_; }
  const std::string& http_address() const { return http_address_; }

  absl::Duration Cpu() const;
  int64_t ResidentBytes() const;

  // SIGTERM, and an error unless the gateway then ends as it should.
  absl::Status Stop();

 private:
  explicit GatewayUnderTest(const Options& options);

  absl::StatusOr<std::string> AwaitAddress(absl::string_view text);

  ScratchDirectory state_;
  Process process_;
  std::string push_address_;
  std::string http_address_;
};

}  // namespace weir

#endif  // WEIR_BENCH_GATEWAY_UNDER_TEST_H_
