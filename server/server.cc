#include "server/server.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
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
  WEIR_ASSIGN_OR_RETURN(
      std::unique_ptr<Repository> repository,
      Repository::Open(options.model_repository, options.models, MakeServable));
  auto server = absl::WrapUnique(new Server(std::move(repository)));
  WEIR_RETURN_IF_ERROR(server->Listen(options));
  return server;
}

Server::Server(std::unique_ptr<Repository> repository)
    : repository_(std::move(repository)), predict_service_(*repository_) {}

absl::Status Server::Listen(const Options& options) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  // Otherwise a second server on the port would take half of the connections, without a word.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(options.max_request_bytes);
  builder.RegisterService(&predict_service_);
  const std::string address = absl::StrCat(options.host, ":", options.port);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
  grpc_server_ = builder.BuildAndStart();
  if (grpc_server_ == nullptr || port_ == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": ",
                                               WhyNotListen(options.host, options.port)));
  }
  grpc::HealthCheckServiceInterface& health = *grpc_server_->GetHealthCheckService();
  health.SetServingStatus(false);
  for (const Repository::ModelStatus& model : repository_->List()) {
    health.SetServingStatus(model.name, false);
  }
  WEIR_LOG(kInfo, "listening on ", options.host, ":", port_);
  return absl::OkStatus();
}

absl::Status Server::LoadModels() {
  grpc::HealthCheckServiceInterface& health = *grpc_server_->GetHealthCheckService();
  absl::Time start = absl::Now();
  int ready = 0;
  repository_->Load([&](const Repository::ModelStatus& model) {
    const absl::Duration taken = absl::Now() - std::exchange(start, absl::Now());
    if (!model.error.empty()) WEIR_LOG(kError, "model ", model.name, ": ", model.error);
    if (model.state != Repository::State::kReady) return;
    WEIR_LOG(kInfo, "model ", model.name, " ready, version ",
             absl::StrJoin(model.versions, ", "), ", loaded in ",
             absl::FormatDuration(absl::Trunc(taken, absl::Milliseconds(1))));
    health.SetServingStatus(model.name, true);
    ++ready;
  });
  if (ready == 0) return absl::FailedPreconditionError("no model could be loaded");
  // Serving as long as any model is: the others have a health of their own.
  health.SetServingStatus("", true);
  return absl::OkStatus();
}

void Server::Drain(absl::Duration timeout) {
  grpc_server_->GetHealthCheckService()->Shutdown();
  grpc_server_->Shutdown(absl::ToChronoTime(absl::Now() + timeout));
  grpc_server_->Wait();
}

}  // namespace weir
