// weir-admin: shows the models of a running server, and loads and unloads them.
//
//   weir-admin list            the models, their versions and states
//   weir-admin load NAME       load a model of the repository, or load it anew
//   weir-admin unload NAME     stop serving it until it is loaded
//   weir-admin reload          look for changes in the repository now
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/flags.h"
#include "client/admin_table.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "weir/v1/admin.grpc.pb.h"

ABSL_FLAG(std::string, address, "127.0.0.1:8001", "The server's host:port.");
ABSL_FLAG(absl::Duration, timeout, absl::Minutes(5),
          "How long to wait. A model that takes longer to load is loaded all the same.");

namespace weir {
namespace {

constexpr char kUsage[] =
    "shows the models of a weir server, and loads and unloads them\n"
    "  weir-admin list | load NAME | unload NAME | reload [--address=HOST:PORT]";

grpc::Status List(v1::Admin::Stub& stub, grpc::ClientContext& context) {
  v1::ListModelsResponse response;
  grpc::Status status = stub.ListModels(&context, {}, &response);
  if (status.ok()) std::cout << ModelTable(response.models());
  return status;
}

grpc::Status Reload(v1::Admin::Stub& stub, grpc::ClientContext& context) {
  v1::ReloadRepositoryResponse response;
  grpc::Status status = stub.ReloadRepository(&context, {}, &response);
  if (status.ok()) std::cout << ModelTable(response.models());
  return status;
}

grpc::Status Load(v1::Admin::Stub& stub, grpc::ClientContext& context, const std::string& name) {
  v1::LoadModelRequest request;
  request.set_name(name);
  v1::LoadModelResponse response;
  grpc::Status status = stub.LoadModel(&context, request, &response);
  google::protobuf::RepeatedPtrField<v1::ModelState> models;
  *models.Add() = response.model();
  if (status.ok()) std::cout << ModelTable(models);
  return status;
}

grpc::Status Unload(v1::Admin::Stub& stub, grpc::ClientContext& context, const std::string& name) {
  v1::UnloadModelRequest request;
  request.set_name(name);
  v1::UnloadModelResponse response;
  grpc::Status status = stub.UnloadModel(&context, request, &response);
  if (status.ok()) std::cout << "model " << name << " takes no more requests\n";
  return status;
}

// 2 if the command is none.
int Run(const std::vector<std::string>& arguments) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  const bool has_name = arguments.size() == 2;
  const auto stub = v1::Admin::NewStub(
      grpc::CreateChannel(absl::GetFlag(FLAGS_address), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::GetFlag(FLAGS_timeout)));
  grpc::Status status;
  if (command == "list" && arguments.size() == 1) {
    status = List(*stub, context);
  } else if (command == "reload" && arguments.size() == 1) {
    status = Reload(*stub, context);
  } else if (command == "load" && has_name) {
    status = Load(*stub, context, arguments[1]);
  } else if (command == "unload" && has_name) {
    status = Unload(*stub, context, arguments[1]);
  } else {
    std::cerr << "expected one of: list, load NAME, unload NAME, reload\n";
    return 2;
  }
  if (status.ok()) return 0;
  std::cerr << absl::GetFlag(FLAGS_address) << ": " << status.error_message() << "\n";
  return 1;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) { return weir::Run(weir::ParseFlags(argc, argv, weir::kUsage)); }
