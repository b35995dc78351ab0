#include "loadgen/inputs/model_info.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/names.h"
#include "loadgen/client/call_once.h"

namespace weir {
namespace {

constexpr char kListModels[] = "/weir.v1.Admin/ListModels";

absl::StatusOr<v1::ListModelsResponse> ListModels(const std::string& address,
                                                  absl::Duration timeout) {
  const absl::StatusOr<std::string> answer =
      CallOnce(address, kListModels, v1::ListModelsRequest().SerializeAsString(), timeout);
  if (!answer.ok()) return answer.status();
  v1::ListModelsResponse response;
  if (!response.ParseFromString(*answer)) {
    return absl::FailedPreconditionError("its list of models cannot be read");
  }
  return response;
}

// Adds those that are ready. A server makes its list and then describes what is on it, so that a
// model whose state changes in between is ready by the list and not described.
absl::Status AddModels(const std::string& address, v1::ListModelsResponse& models,
                       std::vector<ModelInfo>& infos) {
  const v1::ModelState* not_described = nullptr;
  bool describes = false;
  for (v1::ModelState& model : *models.mutable_models()) {
    std::vector<int64_t> ready;
    for (const v1::VersionState& version : model.versions()) {
      if (version.state() == v1::VersionState::READY) ready.push_back(version.version());
    }
    if (ready.empty()) continue;
    if (!model.has_description()) {
      not_described = &model;
      continue;
    }
    describes = true;
    infos.push_back({.address = address,
                     .description = std::move(*model.mutable_description()),
                     .versions = std::move(ready)});
  }
  if (describes || not_described == nullptr) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "it does not describe its model \"", Printable(not_described->name()), "\"; it is too old"));
}

}  // namespace

absl::StatusOr<std::vector<ModelInfo>> FindModels(const std::vector<std::string>& addresses,
                                                  absl::Duration timeout) {
  std::vector<ModelInfo> infos;
  for (const std::string& address : addresses) {
    const auto of_server = [&address](const absl::Status& status) {
      return absl::Status(status.code(), absl::StrCat("server ", address, ": ", status.message()));
    };
    absl::StatusOr<v1::ListModelsResponse> models = ListModels(address, timeout);
    if (!models.ok()) return of_server(models.status());
    const absl::Status status = AddModels(address, *models, infos);
    if (!status.ok()) return of_server(status);
  }
  return infos;
}

}  // namespace weir
