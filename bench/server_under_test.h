// A weir-server of its own on a free port of 127.0.0.1, as a benchmark needs it.
#ifndef WEIR_BENCH_SERVER_UNDER_TEST_H_
#define WEIR_BENCH_SERVER_UNDER_TEST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/process.h"
#include "grpcpp/channel.h"

namespace weir {

// Ends with the object at the latest. Not thread-safe.
class ServerUnderTest {
 public:
  struct Options {
    std::string program;  // The path of weir-server.
    std::string model_repository;
    std::vector<std::string> models;
    std::vector<std::string> more_flags = {};
  };

  // Waits until all of the models are ready; if one of them does not get so, the error holds what
  // the server said.
  static absl::StatusOr<std::unique_ptr<ServerUnderTest>> Start(const Options& options);

  const std::string& address() const { return address_; }

  // For calls that are not measured.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // Processor time used so far, to 10 ms.
  absl::Duration Cpu() const;

  int64_t ResidentBytes() const;

  // SIGTERM, and an error unless the server then drains and ends as it should.
  absl::Status Stop();

 private:
  explicit ServerUnderTest(const std::vector<std::string>& command) : process_(command) {}

  absl::Status AwaitReady(const std::vector<std::string>& models);

  Process process_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace weir

#endif  // WEIR_BENCH_SERVER_UNDER_TEST_H_
