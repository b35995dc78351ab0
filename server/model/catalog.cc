#include "server/model/catalog.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/names.h"

namespace weir {
namespace {

absl::Status NotServed(absl::string_view model) {
  return absl::NotFoundError(absl::StrCat("model \"", Printable(model), "\" is not served here"));
}

// Why no version of `model` is ready.
absl::Status WhyAbsent(absl::string_view name, const Catalog::Model& model) {
  const std::string subject = absl::StrCat("model \"", name, "\" ");
  switch (model.absence) {
    case Catalog::Absence::kLoading:
      return absl::UnavailableError(subject + "is loading");
    case Catalog::Absence::kFailed:
      return absl::UnavailableError(subject + "failed to load");
    case Catalog::Absence::kUnloaded:
      return absl::UnavailableError(subject + "is unloaded");
    case Catalog::Absence::kRemoved:
      break;
  }
  return NotServed(name);
}

// Why the version `number` is not ready, though others are.
absl::Status WhyAbsent(absl::string_view name, const Catalog::Model& model, int64_t number) {
  const std::string subject = absl::StrCat("version ", number, " of model \"", name, "\" ");
  std::vector<int64_t> ready;
  for (const Catalog::Version& version : model.versions) {
    if (version.state == LoadState::kReady) ready.push_back(version.number);
    if (version.number != number) continue;
    if (version.state == LoadState::kLoading) {
      return absl::UnavailableError(subject + "is loading");
    }
    if (version.state == LoadState::kFailed) {
      return absl::UnavailableError(subject + "failed to load");
    }
  }
  return absl::NotFoundError(
      absl::StrCat(subject, "is not served here; there are: ", absl::StrJoin(ready, ", ")));
}

VersionStatus Describe(const Catalog::Version& version) {
  VersionStatus status{.version = version.number, .state = version.state, .reason = version.reason};
  std::shared_ptr<const Servable> servable = version.servable;
  if (servable == nullptr) servable = version.unloading.lock();
  if (servable != nullptr) {
    status.execution = servable->Description();
    status.counts = servable->counts();
  }
  return status;
}

ModelStatus Describe(std::string name, const Catalog::Model& model) {
  ModelStatus status{
      .name = std::move(name), .reason = model.reason, .load_failures = model.load_failures};
  for (const Catalog::Version& version : model.versions) {
    status.versions.push_back(Describe(version));
  }
  return status;
}

}  // namespace

std::vector<int64_t> ModelStatus::ReadyVersions() const {
  std::vector<int64_t> ready;
  for (const VersionStatus& version : versions) {
    if (version.state == LoadState::kReady) ready.push_back(version.version);
  }
  return ready;
}

absl::StatusOr<std::shared_ptr<Servable>> Catalog::Find(absl::string_view model,
                                                        int64_t version) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = models_.find(model);
  if (found == models_.end()) return NotServed(model);
  const std::vector<Version>& versions = found->second.versions;
  bool any_ready = false;
  for (auto candidate = versions.rbegin(); candidate != versions.rend(); ++candidate) {
    if (candidate->state != LoadState::kReady) continue;
    if (version == 0 || version == candidate->number) return candidate->servable;
    any_ready = true;
  }
  return any_ready ? WhyAbsent(model, found->second, version) : WhyAbsent(model, found->second);
}

std::map<std::string, Catalog::Model, std::less<>> Catalog::Models() const {
  absl::ReaderMutexLock lock(&mu_);
  return models_;
}

bool Catalog::Has(absl::string_view model) const {
  absl::ReaderMutexLock lock(&mu_);
  return models_.find(model) != models_.end();
}

std::vector<ModelStatus> Catalog::List() const {
  std::vector<ModelStatus> list;
  for (const auto& [name, model] : Models()) list.push_back(weir::Describe(name, model));
  return list;
}

std::optional<ModelStatus> Catalog::Describe(absl::string_view model) const {
  Model copy;
  {
    absl::ReaderMutexLock lock(&mu_);
    const auto found = models_.find(model);
    if (found == models_.end()) return std::nullopt;
    copy = found->second;
  }
  return weir::Describe(std::string(model), copy);
}

void Catalog::Publish(const std::string& name, Model model) {
  // The writer runs at low priority and must not keep readers waiting: nothing is made or destroyed
  // under the lock but the node of a model that is new.
  absl::MutexLock lock(&mu_);
  std::swap(models_[name], model);
}

void Catalog::Remove(absl::string_view name) {
  decltype(models_)::node_type removed;
  absl::MutexLock lock(&mu_);
  const auto found = models_.find(name);
  if (found != models_.end()) removed = models_.extract(found);
}

}  // namespace weir
