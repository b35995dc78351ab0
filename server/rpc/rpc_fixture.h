// The path of requests in a server of its own, wired as server.cc wires it, before a model
// that the test plays itself.
#ifndef WEIR_SERVER_RPC_RPC_FIXTURE_H_
#define WEIR_SERVER_RPC_RPC_FIXTURE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "server/http2/call_loop.h"
#include "server/model/fake_servable.h"
#include "server/model/repository.h"
#include "server/model/repository_fixture.h"
#include "server/rpc/methods.h"
#include "server/rpc/predict_call.h"
#include "server/rpc/predict_stream.h"
#include "server/rpc/prediction.h"
#include "server/rpc/request_gate.h"
#include "weir/v1/predictor.grpc.pb.h"

namespace weir {

// How long a test waits for what has to come.
inline constexpr absl::Duration kPatience = absl::Seconds(60);

struct RpcServerOptions {
  PredictionOptions prediction;
  PredictStreams::Options streams;
  int64_t max_bytes_in_flight = int64_t{1} << 30;
  int max_request_bytes = 8 << 20;
  int pollers = 2;
  // In place of a fake.
  std::function<absl::StatusOr<std::shared_ptr<Servable>>(ModelSettings)> make_model;
  CallLoop::RunSubmitted run_submitted = [](absl::FunctionRef<void()>) { return false; };
};

// Serves the model "m", version 2, with the input "x" and the output "y": one to four rows of
// bytes.
class RpcServer {
 public:
  explicit RpcServer(RpcServerOptions options = {});
  ~RpcServer();  // Tasks that the test took have to be answered before.

  FakeServable& model() { return *fake_; }
  RequestGate& gate() { return gate_; }
  v1::Predictor::Stub& stub() { return *stub_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  std::shared_ptr<grpc::Channel> NewChannel() const;  // A connection of its own.

  // After it, a server with one poller has seen what was sent on the channel before.
  void RoundTrip();

  // The parts of Server::Drain: refuse what is new, wait for what is in flight, end what is left.
  void Refuse();
  bool AwaitEmpty(absl::Duration timeout = kPatience) const { return gate_.AwaitEmpty(timeout); }
  void Shutdown();

 private:
  absl::StatusOr<std::shared_ptr<Servable>> MakeModel(ModelSettings settings, int64_t version);

  const RpcServerOptions options_;
  RepositoryOnDisk disk_;
  std::shared_ptr<FakeServable> fake_;
  std::unique_ptr<Repository> repository_;
  RequestGate gate_;
  const std::unique_ptr<CallLoop> loop_;
  const PredictorContext context_;
  PredictStreams streams_;
  Methods methods_;
  bool shut_down_ = false;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Predictor::Stub> stub_;
};

// Answers at once.
class PromptServable : public Servable {
 public:
  explicit PromptServable(ModelSettings settings, VersionStats* stats = nullptr)
      : settings_(std::move(settings)), stats_(stats) {}

  const ModelSettings& settings() const override { return settings_; }
  int64_t version() const override { return 2; }
  void Submit(Task& task) override;
  ServableCounts counts() const override { return {}; }
  std::string Description() const override { return "prompt"; }
  VersionStats* stats() const override { return stats_; }

 private:
  const ModelSettings settings_;
  VersionStats* const stats_;
};

// Of a call that ends when the test's patience does.
class TestContext : public grpc::ClientContext {
 public:
  explicit TestContext(absl::Duration timeout = kPatience);
};

// The rows "a" and "b".
v1::PredictRequest TwoRows(const std::string& request_id = "");

// What the model makes of two rows, after it ran them in a batch of five.
TaskResult TwoResults(absl::string_view data = "AB");

struct Answer {
  grpc::Status status;
  v1::PredictResponse response;
};

// A call of Predict that is on its way.
class SentRequest {
 public:
  // `context` outlives the call.
  SentRequest(RpcServer& server, const v1::PredictRequest& request,
              grpc::ClientContext* context = nullptr);
  ~SentRequest() { Get(); }

  // Waits for the answer.
  const Answer& Get();

 private:
  TestContext own_context_;
  const v1::PredictRequest request_;
  absl::Notification answered_;
  Answer answer_;
};

grpc::ByteBuffer Bytes(absl::string_view bytes);

// Calls a method with a message that may be anything.
grpc::Status CallWithBytes(const RpcServer& server, const char* method,
                           const grpc::ByteBuffer& request, grpc::ByteBuffer* response = nullptr);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_RPC_FIXTURE_H_
