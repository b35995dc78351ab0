// A running weir-server for tests, and how they talk to it.
#ifndef WEIR_TESTS_SERVING_FIXTURE_H_
#define WEIR_TESTS_SERVING_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/process.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"
#include "weir/v1/predictor.grpc.pb.h"

namespace weir {

// The models that ship with weir, as a test finds them.
inline constexpr char kShippedModels[] = "models/repository";

// A weir-server of its own on a free port of 127.0.0.1.
class RunningServer {
 public:
  // Waits until the server listens; `--host` and `--port` are given.
  explicit RunningServer(const std::vector<std::string>& flags);

  // Waits until the log says that the model is ready.
  bool WaitUntilReady(const std::string& model);

  Process& process() { return process_; }
  const std::string& address() const { return address_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  grpc::Status Predict(const v1::PredictRequest& request, v1::PredictResponse* response,
                       absl::Duration timeout = absl::Seconds(30)) const;

 private:
  Process process_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
};

// A request with one row of zeros for a fashion model.
v1::PredictRequest BlankImage(const std::string& model);

}  // namespace weir

#endif  // WEIR_TESTS_SERVING_FIXTURE_H_
