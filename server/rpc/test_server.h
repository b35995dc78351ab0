// A server on 127.0.0.1 in a test's own process, for any services.
#ifndef WEIR_SERVER_RPC_TEST_SERVER_H_
#define WEIR_SERVER_RPC_TEST_SERVER_H_

#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "server/http2/call_loop.h"
#include "server/rpc/methods.h"

namespace weir {

class TestServer {
 public:
  // `add_methods` is called before the server starts; the services outlive it. Two threads poll.
  explicit TestServer(absl::FunctionRef<void(CallLoop&, Methods&)> add_methods) {
    add_methods(*loop_, methods_);
    loop_->Start(
        2, [this](absl::string_view path) { return methods_.Make(path); },
        [](absl::FunctionRef<void()>) { return false; });
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", loop_->port()),
                                   grpc::InsecureChannelCredentials());
  }

  // Ends what is in flight.
  ~TestServer() { loop_->Shutdown(); }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  const std::unique_ptr<CallLoop> loop_ = *CallLoop::Listen({});
  Methods methods_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_TEST_SERVER_H_
