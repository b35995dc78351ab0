#include "server/rpc/admin_service.h"

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/names.h"
#include "server/rpc/messages.h"

namespace weir {
namespace {

// Names of directories and the words of libraries may be anything; a protobuf string may not.
std::string ToUtf8(const std::string& text) {
  return IsUtf8(text) ? text : absl::CHexEscape(text);
}

v1::VersionState::State ToProto(LoadState state) {
  switch (state) {
    case LoadState::kLoading:
      return v1::VersionState::LOADING;
    case LoadState::kReady:
      return v1::VersionState::READY;
    case LoadState::kUnloading:
      return v1::VersionState::UNLOADING;
    case LoadState::kFailed:
      return v1::VersionState::FAILED;
    case LoadState::kUnloaded:
      return v1::VersionState::UNLOADED;
  }
  return v1::VersionState::STATE_UNSPECIFIED;
}

void ToProto(const ServableCounts& counts, v1::VersionCounts& out) {
  out.set_executed_rows(counts.executed_rows);
  out.set_executed_batches(counts.executed_batches);
  out.set_expired_executed_rows(counts.expired_executed_rows);
  out.set_failed_rows(counts.failed_rows);
  out.set_queue_full_rows(counts.queue_full_rows);
  out.set_unreachable_deadline_rows(counts.unreachable_deadline_rows);
  out.set_expired_rows(counts.expired_rows);
  out.set_cancelled_rows(counts.cancelled_rows);
  out.set_queued_rows(counts.queued_rows);
}

void ToProto(const ModelStatus& model, v1::ModelState& out) {
  out.set_name(ToUtf8(model.name));
  out.set_reason(ToUtf8(model.reason));
  out.set_load_failures(model.load_failures);
  for (const VersionStatus& version : model.versions) {
    v1::VersionState& state = *out.add_versions();
    state.set_version(version.version);
    state.set_state(ToProto(version.state));
    state.set_reason(ToUtf8(version.reason));
    state.set_execution(version.execution);
    if (!version.execution.empty()) ToProto(version.counts, *state.mutable_counts());
  }
}

template <typename Response>
void ListModelsIn(const Catalog& catalog, Response& response) {
  for (const ModelStatus& model : catalog.List()) ToProto(model, *response.add_models());
}

// What could never be the name of a model's directory. Whether it is one is the repository's to
// know: it makes no path of a name that it has not seen among the directories.
absl::Status CheckName(const std::string& name) {
  if (name.empty()) return absl::InvalidArgumentError("name is empty");
  if (name == "." || name == ".." || absl::string_view(name).find('/') != name.npos) {
    return absl::InvalidArgumentError(absl::StrCat("\"", Printable(name), "\" is a path"));
  }
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* AdminService::ListModels(grpc::CallbackServerContext* context,
                                                   const v1::ListModelsRequest* /*request*/,
                                                   v1::ListModelsResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  ListModelsIn(repository_.catalog(), *response);
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::LoadModel(grpc::CallbackServerContext* context,
                                                  const v1::LoadModelRequest* request,
                                                  v1::LoadModelResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (const absl::Status status = CheckName(request->name()); !status.ok()) {
    reactor->Finish(ToGrpc(status));
    return reactor;
  }
  // The request and the response live until the call has been finished.
  repository_.Load(request->name(), [this, request, response, reactor](const absl::Status& status) {
    const std::optional<ModelStatus> model = repository_.catalog().Describe(request->name());
    if (model.has_value()) ToProto(*model, *response->mutable_model());
    reactor->Finish(ToGrpc(status));
  });
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::UnloadModel(grpc::CallbackServerContext* context,
                                                    const v1::UnloadModelRequest* request,
                                                    v1::UnloadModelResponse* /*response*/) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (const absl::Status status = CheckName(request->name()); !status.ok()) {
    reactor->Finish(ToGrpc(status));
    return reactor;
  }
  repository_.Unload(request->name(),
                     [reactor](const absl::Status& status) { reactor->Finish(ToGrpc(status)); });
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::ReloadRepository(
    grpc::CallbackServerContext* context, const v1::ReloadRepositoryRequest* /*request*/,
    v1::ReloadRepositoryResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  repository_.Reload([this, response, reactor](const absl::Status& status) {
    ListModelsIn(repository_.catalog(), *response);
    reactor->Finish(ToGrpc(status));
  });
  return reactor;
}

}  // namespace weir
