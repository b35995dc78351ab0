// A gRPC server on 127.0.0.1 in a test's own process, for services that live on a completion queue.
#ifndef WEIR_SERVER_RPC_TEST_SERVER_H_
#define WEIR_SERVER_RPC_TEST_SERVER_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "server/rpc/call_queue.h"

namespace weir {

class TestServer {
 public:
  // `add_services` names the services, which outlive the server; `await_calls` makes their calls
  // ready. Two threads poll.
  TestServer(absl::FunctionRef<void(grpc::ServerBuilder&)> add_services,
             absl::FunctionRef<void(CallQueue&)> await_calls) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    add_services(builder);
    queue_ = std::make_unique<CallQueue>(builder.AddCompletionQueue());
    server_ = builder.BuildAndStart();
    await_calls(*queue_);
    queue_->Start(2, [](absl::FunctionRef<void()>) {});
    channel_ =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
  }

  // Cancels what is in flight.
  ~TestServer() {
    server_->Shutdown(std::chrono::system_clock::now());
    queue_->Shutdown();
    server_->Wait();
  }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<CallQueue> queue_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_TEST_SERVER_H_
