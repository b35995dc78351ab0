#include "server/model/reconciler.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/names.h"
#include "base/status_macros.h"

namespace weir {
namespace {

bool Contains(const std::vector<std::string>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

absl::Status NoSuchModel(const std::string& root, absl::string_view name,
                         const std::vector<std::string>& present) {
  return absl::NotFoundError(absl::StrCat("model repository ", root, " has no model \"",
                                          Printable(name),
                                          "\"; it has: ", absl::StrJoin(present, ", ")));
}

absl::Status Stopping() { return absl::UnavailableError("the server is stopping"); }

}  // namespace

Reconciler::Reconciler(std::string root, std::vector<std::string> models, Catalog& catalog,
                       ModelHooks hooks)
    : root_(std::move(root)),
      models_to_serve_(std::move(models)),
      catalog_(catalog),
      hooks_(std::move(hooks)) {}

absl::Status Reconciler::Enter() {
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> present, ListModelDirectories(root_));
  for (const std::string& name : models_to_serve_) {
    if (!Contains(present, name)) return NoSuchModel(root_, name, present);
  }
  for (const std::string& name : models_to_serve_.empty() ? present : models_to_serve_) {
    GetOrAdd(name);
  }
  return absl::OkStatus();
}

void Reconciler::LoadEntered() {
  for (const auto& [name, model] : models_) {
    if (hooks_.stopping()) return;
    Update(name, ManagedModel::Scope::kAll).IgnoreError();
  }
}

absl::Status Reconciler::Load(absl::string_view model) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> present, ListModelDirectories(root_));
  // A name that is no directory here, such as "../secrets", is never made a path of.
  if (!Contains(present, model)) return NoSuchModel(root_, model, present);
  return Update(std::string(model), ManagedModel::Scope::kAll);
}

absl::Status Reconciler::Unload(absl::string_view model) {
  const auto found = models_.find(model);
  if (found == models_.end() || found->second->removed()) {
    return absl::NotFoundError(absl::StrCat("model \"", Printable(model), "\" is not served here"));
  }
  found->second->Unload();
  return absl::OkStatus();
}

void Reconciler::Forget(absl::string_view model, int64_t load_id) {
  const auto found = models_.find(model);
  if (found != models_.end()) found->second->Forget(load_id);
}

absl::Status Reconciler::Look(bool settled_only) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> present, ListModelDirectories(root_));
  std::set<std::string> names;
  for (const auto& [name, model] : models_) names.insert(name);
  for (const std::string& name : present) {
    if (IsWanted(name)) names.insert(name);
  }
  for (const std::string& name : names) {
    if (hooks_.stopping()) return Stopping();
    WEIR_RETURN_IF_ERROR(LookAt(name, Contains(present, name), settled_only));
  }
  return absl::OkStatus();
}

absl::Status Reconciler::LookAt(const std::string& name, bool present, bool settled_only) {
  const auto known = models_.find(name);
  ManagedModel* const model = known == models_.end() ? nullptr : known->second.get();
  if (model != nullptr && model->unloaded()) return absl::OkStatus();
  Seen seen;
  if (present) {
    absl::StatusOr<ModelDirectory> directory = Read(name);
    if (!directory.ok()) {
      GetOrAdd(name).CannotRead(directory.status()).IgnoreError();
      return absl::OkStatus();
    }
    seen = *std::move(directory);
  }
  const bool as_before =
      model != nullptr && (seen.has_value() ? model->IsAsTried(*seen) : model->removed());
  const auto before = unsettled_.find(name);
  const bool settled = before != unsettled_.end() && before->second == seen;
  if (!as_before && settled_only && !settled) {
    unsettled_[name] = std::move(seen);
    return absl::OkStatus();
  }
  unsettled_.erase(name);
  if (as_before) return absl::OkStatus();
  if (!seen.has_value()) {
    model->Remove();
    return absl::OkStatus();
  }
  const absl::Status status = GetOrAdd(name).Update(*seen, ManagedModel::Scope::kChanged);
  // What failed is in the catalog and disturbs no other model.
  return absl::IsUnavailable(status) ? status : absl::OkStatus();
}

bool Reconciler::IsWanted(const std::string& name) const {
  return models_to_serve_.empty() || Contains(models_to_serve_, name);
}

absl::StatusOr<ModelDirectory> Reconciler::Read(const std::string& name) const {
  return ReadModelDirectory(absl::StrCat(root_, "/", name));
}

absl::Status Reconciler::Update(const std::string& name, ManagedModel::Scope scope) {
  ManagedModel& model = GetOrAdd(name);
  unsettled_.erase(name);
  const absl::StatusOr<ModelDirectory> directory = Read(name);
  return directory.ok() ? model.Update(*directory, scope) : model.CannotRead(directory.status());
}

ManagedModel& Reconciler::GetOrAdd(const std::string& name) {
  std::unique_ptr<ManagedModel>& model = models_[name];
  if (model == nullptr) {
    model = std::make_unique<ManagedModel>(name, absl::StrCat(root_, "/", name), catalog_, hooks_);
  }
  return *model;
}

}  // namespace weir
