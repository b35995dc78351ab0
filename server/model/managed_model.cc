#include "server/model/managed_model.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/log.h"

namespace weir {

ManagedModel::ManagedModel(std::string name, std::string directory, Catalog& catalog,
                           const ModelHooks& hooks)
    : name_(std::move(name)), directory_(std::move(directory)), catalog_(catalog), hooks_(hooks) {
  Publish();
}

absl::Status ManagedModel::Update(const ModelDirectory& found, Scope scope) {
  const bool settings_changed = !tried_.has_value() || tried_->settings != found.settings;
  // The same mistake is not told again because something else changed.
  if (scope == Scope::kAll || settings_changed) reason_.clear();
  absence_ = Catalog::Absence::kLoading;
  unloaded_versions_.clear();
  // Files that change from here on differ from what is noted, and are found at the next look.
  tried_ = found;
  const absl::StatusOr<ModelSettings> settings = LoadModelSettings(directory_);
  if (!settings.ok()) return Refuse(settings.status());
  const absl::StatusOr<std::vector<int64_t>> selected = SelectFrom(found, *settings);
  if (!selected.ok()) return Refuse(selected.status());
  reason_.clear();

  std::vector<int64_t> to_load;
  for (const int64_t version : *selected) {
    if (scope == Scope::kAll || !IsTried(version, found)) to_load.push_back(version);
  }
  Publish(to_load);
  std::map<int64_t, Load> loads;
  for (const int64_t version : to_load) {
    if (hooks_.stopping()) {
      Publish();
      return absl::UnavailableError("the server is stopping");
    }
    loads[version] = Try(version, found, *settings);
  }
  Switch(*selected, std::move(loads));
  return Failures();
}

absl::StatusOr<std::vector<int64_t>> ManagedModel::SelectFrom(const ModelDirectory& found,
                                                              const ModelSettings& settings) const {
  absl::StatusOr<std::vector<int64_t>> selected =
      SelectVersions(settings.version_policy, found.VersionNumbers());
  if (selected.ok()) return selected;
  return absl::Status(selected.status().code(),
                      absl::StrCat(directory_, ": ", selected.status().message()));
}

bool ManagedModel::IsTried(int64_t version, const ModelDirectory& found) const {
  const auto load = loads_.find(version);
  return load != loads_.end() && load->second.settings_files == found.settings &&
         load->second.files == found.versions.at(version);
}

ManagedModel::Load ManagedModel::Try(int64_t version, const ModelDirectory& found,
                                     const ModelSettings& settings) {
  Load load{.settings_files = found.settings, .files = found.versions.at(version)};
  const absl::Time begin = MonotonicNow();
  absl::StatusOr<std::shared_ptr<Servable>> servable = hooks_.make_servable(
      settings, version, absl::StrCat(directory_, "/", version, "/", settings.filename));
  if (!servable.ok()) {
    load.reason = std::string(servable.status().message());
    CountFailure(absl::StrCat(" version ", version), load.reason);
    return load;
  }
  load.load_id = ++last_load_id_;
  load.loaded = absl::Now();
  load.load_duration = MonotonicNow() - begin;
  Servable* const raw = servable->get();
  // Whoever lets go of it last does not destroy it but hands it over.
  load.servable = std::shared_ptr<Servable>(
      raw, [retire = hooks_.retire, retired = RetiredLoad{.model = name_,
                                                          .load_id = load.load_id,
                                                          .servable = *std::move(servable)}](
               Servable*) mutable { retire(std::move(retired)); });
  return load;
}

void ManagedModel::Switch(const std::vector<int64_t>& selected, std::map<int64_t, Load> tried) {
  std::map<int64_t, Load> next;
  bool all_serve = true;
  bool any_new = false;
  for (const int64_t version : selected) {
    const auto before = loads_.find(version);
    const auto now = tried.find(version);
    Load& load = next[version] = now != tried.end() ? now->second : before->second;
    if (now != tried.end() && load.servable != nullptr) any_new = true;
    if (load.servable == nullptr && before != loads_.end()) {
      load.servable = before->second.servable;
      load.load_id = before->second.load_id;
      load.loaded = before->second.loaded;
      load.load_duration = before->second.load_duration;
    }
    if (load.servable == nullptr) all_serve = false;
  }
  if (!all_serve) {
    for (auto& [version, load] : loads_) {
      if (load.servable == nullptr || next.count(version) > 0) continue;
      next[version] = load;
      next[version].reason.clear();
    }
  }
  tried.clear();
  absence_ = Catalog::Absence::kFailed;  // Which is told if nothing is ready.
  Replace(std::move(next));
  const ModelStatus status = Announce();
  if (!any_new) return;
  WEIR_LOG(kInfo, "model ", name_, " ready",
           LogField("version", absl::StrJoin(status.ReadyVersions(), ",")));
}

void ManagedModel::Replace(std::map<int64_t, Load> next) {
  for (const auto& [version, load] : loads_) {
    if (load.servable == nullptr) continue;
    const auto still = next.find(version);
    if (still != next.end() && still->second.load_id == load.load_id) continue;
    leaving_.push_back({.version = version, .load_id = load.load_id, .servable = load.servable});
  }
  loads_ = std::move(next);
  Publish();  // From here on only requests hold what left.
}

absl::Status ManagedModel::CannotRead(const absl::Status& why) {
  tried_.reset();  // So that it is looked at again once it can be read.
  return Refuse(why);
}

absl::Status ManagedModel::Refuse(const absl::Status& why) {
  absence_ = Catalog::Absence::kFailed;
  if (why.message() != reason_) {
    reason_ = std::string(why.message());
    CountFailure("", reason_);
  }
  Publish();
  Announce();
  return absl::FailedPreconditionError(reason_);
}

void ManagedModel::Leave(Catalog::Absence absence) {
  if (absence_ == absence) return;
  absence_ = absence;
  reason_.clear();
  tried_.reset();
  unloaded_versions_.clear();
  if (absence == Catalog::Absence::kUnloaded) {
    for (const auto& [version, load] : loads_) unloaded_versions_.push_back(version);
  }
  WEIR_LOG(kInfo, "model ", name_,
           absence == Catalog::Absence::kUnloaded ? " takes no more requests, on demand"
                                                  : " is no longer in the repository");
  Replace({});
  Announce();
}

void ManagedModel::Forget(int64_t load_id) {
  const auto left = std::find_if(leaving_.begin(), leaving_.end(),
                                 [&](const LeavingLoad& load) { return load.load_id == load_id; });
  if (left == leaving_.end()) return;
  WEIR_LOG(kInfo, "model ", name_, " version ", left->version, " unloaded");
  leaving_.erase(left);
  Publish();
}

absl::Status ManagedModel::Failures() const {
  std::vector<std::string> reasons;
  for (const auto& [version, load] : loads_) {
    if (!load.reason.empty()) reasons.push_back(load.reason);
  }
  if (reasons.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(reasons, "; "));
}

void ManagedModel::CountFailure(const std::string& subject, const std::string& reason) {
  ++load_failures_;
  WEIR_LOG(kError, "model ", name_, subject, " failed to load: ", reason);
}

void ManagedModel::Publish(const std::vector<int64_t>& loading) {
  if (removed() && leaving_.empty()) {
    catalog_.Remove(name_);
  } else {
    catalog_.Publish(name_, Describe(loading));
  }
}

Catalog::Model ManagedModel::Describe(const std::vector<int64_t>& loading) const {
  Catalog::Model model{.absence = absence_, .reason = reason_, .load_failures = load_failures_};
  for (const LeavingLoad& load : leaving_) {
    model.versions.push_back(
        {.number = load.version, .state = LoadState::kUnloading, .unloading = load.servable});
  }
  for (const auto& [version, load] : loads_) {
    const bool ready = load.servable != nullptr;
    if (!ready && std::count(loading.begin(), loading.end(), version) > 0) continue;
    model.versions.push_back({.number = version,
                              .state = ready ? LoadState::kReady : LoadState::kFailed,
                              .reason = load.reason,
                              .servable = load.servable,
                              .loaded = load.loaded,
                              .load_duration = load.load_duration});
  }
  for (const int64_t version : loading) {
    model.versions.push_back({.number = version, .state = LoadState::kLoading});
  }
  for (const int64_t version : unloaded_versions_) {
    const auto leaves = [version](const LeavingLoad& load) { return load.version == version; };
    if (std::any_of(leaving_.begin(), leaving_.end(), leaves)) continue;
    model.versions.push_back({.number = version, .state = LoadState::kUnloaded});
  }
  std::stable_sort(
      model.versions.begin(), model.versions.end(),
      [](const Catalog::Version& a, const Catalog::Version& b) { return a.number < b.number; });
  return model;
}

ModelStatus ManagedModel::Announce() {
  ModelStatus status = catalog_.Describe(name_).value_or(ModelStatus{.name = name_});
  hooks_.on_change(status);
  return status;
}

}  // namespace weir
