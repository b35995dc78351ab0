#include "server/rpc/rpc_fixture.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/impl/codegen/client_unary_call.h"
#include "grpcpp/impl/codegen/rpc_method.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/slice.h"
#include "server/model/answer_stats.h"
#include "server/rpc/echo_call.h"
#include "weir/v1/diagnostics.grpc.pb.h"

namespace weir {
namespace {

std::unique_ptr<Repository> OpenAndLoad(RepositoryOnDisk& disk, MakeServable make_servable) {
  disk.Write("m/config.pbtxt",
             "backend: 'pytorch' max_batch_size: 4"
             " input { name: 'x' data_type: TYPE_UINT8 dims: -1 }"
             " output { name: 'y' data_type: TYPE_UINT8 dims: -1 }");
  disk.Write("m/2/model.pt", "model");
  std::unique_ptr<Repository> repository =
      *Repository::Open({.root = disk.root()}, std::move(make_servable));
  absl::Notification loaded;
  repository->Start([](const ModelStatus&) {}, [&](const absl::Status&) { loaded.Notify(); });
  loaded.WaitForNotification();
  return repository;
}

}  // namespace

RpcServer::RpcServer(RpcServerOptions options)
    : options_(std::move(options)),
      repository_(OpenAndLoad(disk_,
                              [this](ModelSettings settings, int64_t version, const std::string&) {
                                return MakeModel(std::move(settings), version);
                              })),
      gate_(options_.max_bytes_in_flight),
      loop_(*CallLoop::Listen(
          {.max_message_bytes = static_cast<size_t>(options_.max_request_bytes)})),
      context_{*loop_, *repository_, gate_, options_.prediction},
      streams_(context_, options_.streams) {
  AddPredict(context_, methods_);
  streams_.AddTo(methods_);
  AddEcho(*loop_, gate_, methods_);
  loop_->Start(
      options_.pollers, [this](absl::string_view path) { return methods_.Make(path); },
      options_.run_submitted);
  channel_ = NewChannel();
  stub_ = v1::Predictor::NewStub(channel_);
}

absl::StatusOr<std::shared_ptr<Servable>> RpcServer::MakeModel(ModelSettings settings,
                                                               int64_t version) {
  if (options_.make_model) return options_.make_model(std::move(settings));
  Recorder* const recorder = options_.prediction.recorder;
  VersionStats* const stats =
      recorder == nullptr ? nullptr : &recorder->ForVersion(DefineVersion(settings, version));
  return fake_ = std::make_shared<FakeServable>(std::move(settings), version, stats);
}

RpcServer::~RpcServer() {
  // Of a test that failed.
  while (fake_ != nullptr) {
    Task* const task = fake_->TryTake();
    if (task == nullptr) break;
    task->Done(absl::CancelledError("the test is over"));
  }
  Shutdown();
}

std::shared_ptr<grpc::Channel> RpcServer::NewChannel() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // gRPC holds little for a slow reader, always.
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", loop_->port()),
                                   grpc::InsecureChannelCredentials(), arguments);
}

void RpcServer::RoundTrip() {
  TestContext context;
  v1::EchoResponse response;
  v1::Diagnostics::NewStub(channel_)->Echo(&context, {}, &response);
}

void RpcServer::Refuse() {
  gate_.Close();
  streams_.Drain();
}

void RpcServer::Shutdown() {
  if (std::exchange(shut_down_, true)) return;
  Refuse();
  loop_->Shutdown();
}

void PromptServable::Submit(Task& task) { task.Done(TwoResults()); }

TestContext::TestContext(absl::Duration timeout) {
  set_deadline(absl::ToChronoTime(absl::Now() + timeout));
}

v1::PredictRequest TwoRows(const std::string& request_id) {
  v1::PredictRequest request;
  request.mutable_model()->set_name("m");
  request.set_request_id(request_id);
  v1::Tensor& x = *request.add_inputs();
  x.add_shape(2);
  x.add_shape(1);
  x.set_data("ab");
  return request;
}

TaskResult TwoResults(absl::string_view data) {
  static constexpr int64_t kShape[] = {2, 1};
  return {.outputs = {{v1::TYPE_UINT8, kShape, data}},
          .times = {.queue = absl::Nanoseconds(1),
                    .assemble = absl::Nanoseconds(2),
                    .inference = absl::Nanoseconds(3)},
          .batch_rows = 5,
          .model_ended = MonotonicNow()};
}

// Threads of gRPC's see to the call: nobody else does while the test waits for something else.
SentRequest::SentRequest(RpcServer& server, const v1::PredictRequest& request,
                         grpc::ClientContext* context)
    : request_(request) {
  server.stub().async()->Predict(context == nullptr ? &own_context_ : context, &request_,
                                 &answer_.response, [this](const grpc::Status& status) {
                                   answer_.status = status;
                                   answered_.Notify();
                                 });
}

const Answer& SentRequest::Get() {
  answered_.WaitForNotification();
  return answer_;
}

grpc::ByteBuffer Bytes(absl::string_view bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return grpc::ByteBuffer(&slice, 1);
}

grpc::Status CallWithBytes(const RpcServer& server, const char* method,
                           const grpc::ByteBuffer& request, grpc::ByteBuffer* response) {
  TestContext context;
  grpc::ByteBuffer ignored;
  return grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer, grpc::ByteBuffer,
                                           grpc::ByteBuffer>(
      server.channel().get(),
      grpc::internal::RpcMethod(method, grpc::internal::RpcMethod::NORMAL_RPC), &context, request,
      response == nullptr ? &ignored : response);
}

}  // namespace weir
