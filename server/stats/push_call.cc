#include "server/stats/push_call.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/time/clock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace weir {
namespace {

constexpr char kMethod[] = "/weir.v1.StatsGateway/Push";
constexpr int kMaxAnswerBytes = 64 << 10;

}  // namespace

std::unique_ptr<grpc::GenericStub> ConnectToGateway(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  // The pusher tries again by its own schedule; a connection must not hold it up.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);  // How long connecting may take.
  // Finds out that a connection is dead before the system does, which takes many minutes.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // A new one really connects anew.
  return std::make_unique<grpc::GenericStub>(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
}

std::shared_ptr<PushCall> PushCall::Start(grpc::GenericStub& stub, const grpc::ByteBuffer& request,
                                          absl::Duration deadline, Done done) {
  const std::shared_ptr<PushCall> call = absl::WrapUnique(new PushCall(request));
  const std::shared_ptr<grpc::ClientContext> context = call->context();
  context->set_deadline(absl::ToChronoTime(absl::Now() + deadline));
  stub.UnaryCall(context.get(), kMethod, grpc::StubOptions(), &call->request_, &call->response_,
                 [call, done = std::move(done)](const grpc::Status& status) {
                   call->LetGoOfConnection();
                   done(status, call->response_);
                 });
  return call;
}

void PushCall::Cancel() {
  const std::shared_ptr<grpc::ClientContext> context = this->context();
  if (context != nullptr) context->TryCancel();
}

std::shared_ptr<grpc::ClientContext> PushCall::context() {
  absl::MutexLock lock(&mu_);
  return context_;
}

void PushCall::LetGoOfConnection() {
  absl::MutexLock lock(&mu_);
  context_ = nullptr;
}

}  // namespace weir
