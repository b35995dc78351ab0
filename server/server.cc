#include "server/server.h"

#include <chrono>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"
#include "base/net.h"
#include "base/status_macros.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "server/batching/direct_servable.h"
#include "server/model/formats.h"

namespace weir {
namespace {

absl::StatusOr<std::shared_ptr<Servable>> MakeServable(ModelSettings settings, int64_t version,
                                                       const std::string& path) {
  return DirectServable::Create(
      std::move(settings), version,
      [&path](const ModelSettings& settings) { return LoadModel(settings, path); });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Create(const Options& options) {
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<Repository> repository,
                        Repository::Open(options.model_repository, options.models, MakeServable));
  auto server = absl::WrapUnique(new Server(std::move(repository)));
  WEIR_RETURN_IF_ERROR(server->Listen(options));
  return server;
}

Server::Server(std::unique_ptr<Repository> repository)
    : repository_(std::move(repository)), predict_service_(*repository_) {}

Server::~Server() {
  if (grpc_server_ != nullptr) Drain(absl::ZeroDuration());
}

absl::Status Server::Listen(const Options& options) {
  if (options.port < 0 || options.port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("port ", options.port, " is not 0 to 65535"));
  }
  if (options.max_request_bytes < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_request_bytes is not positive: ", options.max_request_bytes));
  }
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  // Otherwise a second server on the port would take half of the connections, without a word.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(options.max_request_bytes);
  builder.RegisterService(&predict_service_);
  int port = 0;
  const std::string address = HostPort(options.host, options.port);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  grpc_server_ = builder.BuildAndStart();
  if (grpc_server_ == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": ", WhyNotListen(options.host, options.port)));
  }
  grpc::HealthCheckServiceInterface& health = *grpc_server_->GetHealthCheckService();
  health.SetServingStatus(false);
  for (const Repository::ModelStatus& model : repository_->List()) {
    health.SetServingStatus(model.name, false);
  }
  WEIR_LOG(kInfo, "listening on ", HostPort(options.host, port));
  return absl::OkStatus();
}

absl::Status Server::LoadModels() {
  grpc::HealthCheckServiceInterface& health = *grpc_server_->GetHealthCheckService();
  bool any_ready = false;
  repository_->Load([&](const Repository::ModelStatus& model) {
    if (!model.error.empty()) WEIR_LOG(kError, "model ", model.name, ": ", model.error);
    if (model.state != Repository::State::kReady) return;
    health.SetServingStatus(model.name, true);
    WEIR_LOG(kInfo, "model ", model.name, " ready, version ", absl::StrJoin(model.versions, ", "));
    any_ready = true;
  });
  if (!any_ready) return absl::FailedPreconditionError("no model could be loaded");
  // The server as a whole is healthy once all have been tried; models have a health of their own.
  health.SetServingStatus("", true);
  return absl::OkStatus();
}

void Server::Drain(absl::Duration timeout) {
  // Models that get ready from here on do not turn health back.
  grpc_server_->GetHealthCheckService()->Shutdown();
  repository_->StopLoading();
  if (!predict_service_.Drain(timeout)) {
    WEIR_LOG(kWarning, "requests still in flight after ", absl::FormatDuration(timeout),
             " are cancelled");
  }
  // A gRPC server that shuts down answers what still arrives with CANCELLED, which is no reason to
  // try elsewhere. So callers are refused until they have heard it and none comes any more.
  predict_service_.AwaitSilence(absl::Milliseconds(100), absl::Seconds(1));
  // What is left are streams that end with the server, such as a watched health.
  grpc_server_->Shutdown(std::chrono::system_clock::now());
  grpc_server_->Wait();
}

}  // namespace weir
