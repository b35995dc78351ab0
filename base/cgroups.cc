#include "base/cgroups.h"

#include <algorithm>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"

namespace weir {
namespace {

std::vector<std::string> Lines(const std::string& path) {
  return absl::StrSplit(ReadFile(path).value_or(""), '\n', absl::SkipEmpty());
}

bool Has(absl::string_view comma_separated, absl::string_view name) {
  const std::vector<absl::string_view> names = absl::StrSplit(comma_separated, ',');
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The process's group, from the root of the hierarchy: "/system.slice/weir.service".
std::optional<std::string> FindGroup(const std::string& root, CgroupVersion version,
                                     absl::string_view controller) {
  for (const std::string& line : Lines(absl::StrCat(root, "/proc/self/cgroup"))) {
    // Number, controllers, path; the path may hold colons.
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    if (version == CgroupVersion::kV2 ? parts[0] == "0" && parts[1].empty()
                                      : Has(parts[1], controller)) {
      return parts[2];
    }
  }
  return std::nullopt;
}

struct Mount {
  std::string folder;
  std::string group;  // What shows there: "/" is the whole hierarchy, or as much as one may see.
};

std::optional<Mount> FindMount(const std::string& root, CgroupVersion version,
                               absl::string_view controller) {
  for (const std::string& line : Lines(absl::StrCat(root, "/proc/self/mountinfo"))) {
    // ID, parent, device, group, folder, options..., "-", type, source, options of the type.
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \n"), absl::SkipEmpty());
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (dash - words.begin() < 5 || words.end() - dash < 4) continue;
    if (version == CgroupVersion::kV2 ? dash[1] != "cgroup2"
                                      : dash[1] != "cgroup" || !Has(dash[3], controller)) {
      continue;
    }
    Mount mount;
    if (absl::CUnescape(words[3], &mount.group) && absl::CUnescape(words[4], &mount.folder)) {
      return mount;
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> CgroupFolders(const std::string& root, CgroupVersion version,
                                       absl::string_view controller) {
  const std::optional<std::string> group = FindGroup(root, version, controller);
  const std::optional<Mount> mount = FindMount(root, version, controller);
  if (!group.has_value() || !mount.has_value()) return {};
  // From the mounted group down to the process's; nothing, if that lies elsewhere.
  absl::string_view below = *group;
  if (!absl::ConsumePrefix(&below, mount->group == "/" ? "" : mount->group)) below = "";
  if (!absl::StartsWith(below, "/")) below = "";
  std::vector<std::string> folders;
  while (true) {
    folders.push_back(absl::StrCat(root, mount->folder, below));
    if (below.empty()) return folders;
    below = below.substr(0, below.rfind('/'));
  }
}

}  // namespace weir
