#include "server/model/repository.h"

#include <algorithm>
#include <filesystem>

#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/names.h"
#include "base/status_macros.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

// What stands in a directory; as much of it as can be read.
std::vector<fs::path> List(const std::string& directory) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    paths.push_back(entry->path());
  }
  return paths;
}

// Directories whose names are positive integers without a leading zero; others are ignored.
std::vector<int64_t> VersionDirectories(const std::string& model_directory) {
  std::vector<int64_t> versions;
  std::error_code error;
  for (const fs::path& path : List(model_directory)) {
    const std::string name = path.filename();
    int64_t version;
    if (name[0] >= '1' && name[0] <= '9' && absl::SimpleAtoi(name, &version) &&
        fs::is_directory(path, error)) {
      versions.push_back(version);
    }
  }
  return versions;
}

std::vector<std::string> ModelDirectories(const std::string& root) {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::path& path : List(root)) {
    if (fs::is_regular_file(path / "config.pbtxt", error)) names.push_back(path.filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Repository>> Repository::Open(const std::string& root,
                                                             const std::vector<std::string>& models,
                                                             MakeServable make_servable) {
  std::error_code error;
  if (!fs::is_directory(root, error)) {
    return absl::NotFoundError(
        absl::StrCat("model repository ", root, ": ", error ? error.message() : "not a directory"));
  }
  const std::vector<std::string> present = ModelDirectories(root);
  if (present.empty()) {
    return absl::NotFoundError(
        absl::StrCat("model repository ", root, ": no directory in it holds a config.pbtxt"));
  }
  auto repository = absl::WrapUnique(new Repository(root, std::move(make_servable)));
  absl::MutexLock lock(&repository->mu_);
  for (const std::string& name : models.empty() ? present : models) {
    if (!std::binary_search(present.begin(), present.end(), name)) {
      return absl::NotFoundError(absl::StrCat("model repository ", root, " has no model \"",
                                              Printable(name),
                                              "\"; it has: ", absl::StrJoin(present, ", ")));
    }
    repository->models_[name];
  }
  return repository;
}

Repository::Repository(std::string root, MakeServable make_servable)
    : root_(std::move(root)), make_servable_(std::move(make_servable)) {}

void Repository::Load(const std::function<void(const ModelStatus&)>& on_loaded) {
  for (const ModelStatus& model : List()) {
    {
      absl::MutexLock lock(&mu_);
      if (stop_loading_) return;
    }
    Entry entry = LoadModel(model.name);
    const ModelStatus status = Describe(model.name, entry);
    {
      absl::MutexLock lock(&mu_);
      models_[model.name] = std::move(entry);
    }
    on_loaded(status);
  }
}

void Repository::StopLoading() {
  absl::MutexLock lock(&mu_);
  stop_loading_ = true;
}

Repository::Entry Repository::LoadModel(const std::string& name) const {
  Entry entry{.state = State::kFailed};
  const std::string directory = absl::StrCat(root_, "/", name);
  const absl::StatusOr<ModelSettings> settings = LoadModelSettings(directory);
  if (!settings.ok()) {
    entry.error = std::string(settings.status().message());
    return entry;
  }
  const absl::StatusOr<std::vector<int64_t>> versions =
      SelectVersions(settings->version_policy, VersionDirectories(directory));
  if (!versions.ok()) {
    entry.error = absl::StrCat(directory, ": ", versions.status().message());
    return entry;
  }
  std::vector<std::string> errors;
  for (const int64_t version : *versions) {
    absl::StatusOr<std::shared_ptr<Servable>> servable = make_servable_(
        *settings, version, absl::StrCat(directory, "/", version, "/", settings->filename));
    if (servable.ok()) {
      entry.versions[version] = *std::move(servable);
    } else {
      errors.emplace_back(servable.status().message());
    }
  }
  if (!entry.versions.empty()) entry.state = State::kReady;
  entry.error = absl::StrJoin(errors, "; ");
  return entry;
}

absl::StatusOr<std::shared_ptr<Servable>> Repository::Find(absl::string_view model,
                                                           int64_t version) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = models_.find(model);
  if (found == models_.end()) {
    return absl::NotFoundError(absl::StrCat("model \"", Printable(model), "\" is not served here"));
  }
  const Entry& entry = found->second;
  if (entry.state != State::kReady) {
    return absl::UnavailableError(
        absl::StrCat("model \"", model, "\" ",
                     entry.state == State::kLoading ? "is loading" : "failed to load"));
  }
  if (version == 0) return entry.versions.rbegin()->second;
  const auto servable = entry.versions.find(version);
  if (servable == entry.versions.end()) {
    return absl::NotFoundError(absl::StrCat(
        "version ", version, " of model \"", model, "\" is not served here; there are: ",
        absl::StrJoin(Describe(found->first, entry).versions, ", ")));
  }
  return servable->second;
}

std::vector<Repository::ModelStatus> Repository::List() const {
  absl::ReaderMutexLock lock(&mu_);
  std::vector<ModelStatus> list;
  for (const auto& [name, entry] : models_) list.push_back(Describe(name, entry));
  return list;
}

Repository::ModelStatus Repository::Describe(const std::string& name, const Entry& entry) {
  ModelStatus status{.name = name, .state = entry.state, .error = entry.error};
  for (const auto& [version, servable] : entry.versions) status.versions.push_back(version);
  return status;
}

}  // namespace weir
