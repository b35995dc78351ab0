// A model repository on disk for tests, fake models for it, and its state as text.
#ifndef WEIR_SERVER_MODEL_REPOSITORY_FIXTURE_H_
#define WEIR_SERVER_MODEL_REPOSITORY_FIXTURE_H_

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "server/model/catalog.h"
#include "server/model/fake_servable.h"
#include "server/model/managed_model.h"

namespace weir {

// In a directory of the running test's own. Paths are relative to it.
class RepositoryOnDisk {
 public:
  RepositoryOnDisk()
      : root_(absl::StrCat(testing::TempDir(), "/",
                           testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }

  // `more` is added to a configuration that is valid.
  void AddModel(const std::string& name, const std::vector<std::string>& versions,
                const std::string& more = "") {
    Write(name + "/config.pbtxt",
          "backend: \"pytorch\" input { name: \"x\" data_type: TYPE_FP32 dims: 1 } "
          "output { name: \"y\" data_type: TYPE_FP32 dims: 1 } " +
              more);
    for (const std::string& version : versions) {
      Write(absl::StrCat(name, "/", version, "/model.pt"), "model");
    }
  }

  // Whatever the clock of the file system, the file's time is a new one.
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(Path(path)).parent_path());
    std::ofstream(Path(path)) << text;
    Touch(path);
  }

  void Touch(const std::string& path) {
    std::filesystem::last_write_time(Path(path),
                                     std::filesystem::file_time_type(std::chrono::seconds(++now_)));
  }

  void Remove(const std::string& path) { std::filesystem::remove_all(Path(path)); }

  const std::string& root() const { return root_; }
  std::string Path(const std::string& path) const { return root_ + "/" + path; }

 private:
  const std::string root_;
  int now_ = 0;
};

// Loads a FakeServable for each file but those that are broken.
class FakeLoader {
 public:
  explicit FakeLoader(const RepositoryOnDisk& disk) : disk_(disk) {}

  MakeServable Make() {
    return [this](ModelSettings settings, int64_t version,
                  const std::string& path) -> absl::StatusOr<std::shared_ptr<Servable>> {
      const std::string file = path.substr(disk_.root().size() + 1);
      loaded.push_back(file);
      if (on_load) on_load(file);
      if (broken.count(file) > 0) {
        return absl::InvalidArgumentError(absl::StrCat(file, ": ", broken[file]));
      }
      return std::make_shared<FakeServable>(std::move(settings), version);
    };
  }

  std::vector<std::string> TakeLoaded() { return std::exchange(loaded, {}); }

  std::map<std::string, std::string> broken;  // File to reason.
  std::vector<std::string> loaded;
  std::function<void(const std::string& file)> on_load;

 private:
  const RepositoryOnDisk& disk_;
};

// "1 ready, 2 failed (2/model.pt: no model); 1 load failed", or "none".
inline std::string Show(const Catalog& catalog, const std::string& model) {
  static constexpr const char* kStates[] = {"loading", "ready", "unloading", "failed", "unloaded"};
  const auto status = catalog.Describe(model);
  if (!status.has_value()) return "none";
  std::vector<std::string> versions;
  for (const VersionStatus& version : status->versions) {
    versions.push_back(absl::StrCat(version.version, " ", kStates[static_cast<int>(version.state)],
                                    version.reason.empty() ? "" : " (" + version.reason + ")"));
  }
  std::string text = absl::StrJoin(versions, ", ");
  if (!status->reason.empty()) absl::StrAppend(&text, "; ", status->reason);
  if (status->load_failures > 0) absl::StrAppend(&text, "; failures: ", status->load_failures);
  return text;
}

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_REPOSITORY_FIXTURE_H_
