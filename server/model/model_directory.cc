#include "server/model/model_directory.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

bool IsHidden(const std::string& name) { return absl::StartsWith(name, "."); }

absl::StatusOr<std::vector<fs::path>> List(const fs::path& directory) {
  std::vector<fs::path> paths;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    paths.push_back(entry->path());
  }
  if (!error) return paths;
  return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot read ", directory.string()));
}

// Those among `paths` that are regular files, by their names with `prefix` before them.
void AddFingerprints(const std::vector<fs::path>& paths, const std::string& prefix,
                     FileFingerprints& files) {
  for (const fs::path& path : paths) {
    const std::string name = path.filename();
    struct stat info;
    if (IsHidden(name) || absl::EndsWith(name, ".md") || stat(path.c_str(), &info) != 0 ||
        !S_ISREG(info.st_mode)) {
      continue;
    }
    files[prefix + name] = {
        .bytes = info.st_size,
        .modified_ns = info.st_mtim.tv_sec * int64_t{1'000'000'000} + info.st_mtim.tv_nsec,
        .inode = info.st_ino};
  }
}

// Whether `directory` holds a config.pbtxt. One that cannot be looked at, such as on a file system
// with trouble, does not pass for one that is gone.
bool IsModel(const fs::path& directory) {
  std::error_code error;
  const fs::file_type type = fs::status(directory / "config.pbtxt", error).type();
  return type == fs::file_type::regular || type == fs::file_type::none ||
         type == fs::file_type::unknown;
}

bool IsVersion(const std::string& name, int64_t& version) {
  return name[0] >= '1' && name[0] <= '9' && absl::SimpleAtoi(name, &version);
}

}  // namespace

std::vector<int64_t> ModelDirectory::VersionNumbers() const {
  std::vector<int64_t> numbers;
  for (const auto& [number, files] : versions) numbers.push_back(number);
  return numbers;
}

absl::StatusOr<std::vector<std::string>> ListModelDirectories(const std::string& root) {
  std::error_code error;
  if (!fs::is_directory(root, error)) {
    return absl::NotFoundError(
        absl::StrCat("model repository ", root, ": ", error ? error.message() : "not a directory"));
  }
  const absl::StatusOr<std::vector<fs::path>> paths = List(root);
  if (!paths.ok()) {
    return absl::NotFoundError(absl::StrCat("model repository: ", paths.status().message()));
  }
  std::vector<std::string> names;
  for (const fs::path& path : *paths) {
    const std::string name = path.filename();
    if (!IsHidden(name) && IsModel(path)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  if (!names.empty()) return names;
  return absl::NotFoundError(
      absl::StrCat("model repository ", root, ": no directory in it holds a config.pbtxt"));
}

absl::StatusOr<ModelDirectory> ReadModelDirectory(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<fs::path> paths, List(path));
  ModelDirectory found;
  AddFingerprints(paths, "", found.settings);
  for (const fs::path& entry : paths) {
    const std::string name = entry.filename();
    std::error_code error;
    if (!fs::is_directory(entry, error)) continue;
    // One that cannot be read has no files; what that means is for the loader to say.
    const std::vector<fs::path> files = List(entry).value_or(std::vector<fs::path>());
    int64_t version;
    if (name == "warmup") AddFingerprints(files, "warmup/", found.settings);
    if (IsVersion(name, version)) AddFingerprints(files, "", found.versions[version]);
  }
  return found;
}

}  // namespace weir
