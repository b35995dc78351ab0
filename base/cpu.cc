#include "base/cpu.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"

namespace weir {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

int AllowedCpus(int otherwise) {
  // The mask has to be as large as the kernel's, and nothing tells how large that is.
  for (size_t cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(
        CPU_ALLOC(cpus), [](cpu_set_t* set) { CPU_FREE(set); });
    const size_t bytes = CPU_ALLOC_SIZE(cpus);
    if (sched_getaffinity(0, bytes, mask.get()) == 0) return CPU_COUNT_S(bytes, mask.get());
    if (errno != EINVAL) break;
  }
  return otherwise;
}

std::string Text(const std::string& path) { return ReadFile(path).value_or(""); }

std::vector<std::string> Lines(const std::string& path) {
  return absl::StrSplit(Text(path), '\n', absl::SkipEmpty());
}

std::vector<std::string> Words(absl::string_view text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
}

bool HasCpu(absl::string_view comma_separated) {
  const std::vector<std::string> names = absl::StrSplit(comma_separated, ',');
  return std::find(names.begin(), names.end(), "cpu") != names.end();
}

// Microseconds of processor time in each period.
double Quota(const std::string& quota_us, const std::string& period_us) {
  int64_t quota = 0;
  int64_t period = 0;
  // Both versions write what is no number, or a negative one, where there is no limit.
  if (!absl::SimpleAtoi(quota_us, &quota) || quota <= 0) return kUnlimited;
  if (!absl::SimpleAtoi(period_us, &period) || period <= 0) return kUnlimited;
  return static_cast<double>(quota) / static_cast<double>(period);
}

double QuotaV1(const std::string& folder) {
  return Quota(Text(absl::StrCat(folder, "/cpu.cfs_quota_us")),
               Text(absl::StrCat(folder, "/cpu.cfs_period_us")));
}

double QuotaV2(const std::string& folder) {
  const std::vector<std::string> words = Words(Text(absl::StrCat(folder, "/cpu.max")));
  return words.size() == 2 ? Quota(words[0], words[1]) : kUnlimited;
}

// A hierarchy of control groups is version 2's only one, or the one of version 1 that has the
// controller of processors.
enum class Version { kV1, kV2 };

// The process's group, from the root of the hierarchy: "/system.slice/weir.service".
std::optional<std::string> FindGroup(const std::string& root, Version version) {
  for (const std::string& line : Lines(absl::StrCat(root, "/proc/self/cgroup"))) {
    // Number, controllers, path; the path may hold colons.
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    if (version == Version::kV2 ? parts[0] == "0" && parts[1].empty() : HasCpu(parts[1])) {
      return parts[2];
    }
  }
  return std::nullopt;
}

struct Mount {
  std::string folder;
  std::string group;  // What shows there: "/" is the whole hierarchy, or as much as one may see.
};

std::optional<Mount> FindMount(const std::string& root, Version version) {
  for (const std::string& line : Lines(absl::StrCat(root, "/proc/self/mountinfo"))) {
    // ID, parent, device, group, folder, options..., "-", type, source, options of the type.
    const std::vector<std::string> words = Words(line);
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (dash - words.begin() < 5 || words.end() - dash < 4) continue;
    if (version == Version::kV2 ? dash[1] != "cgroup2" : dash[1] != "cgroup" || !HasCpu(dash[3])) {
      continue;
    }
    Mount mount;
    if (absl::CUnescape(words[3], &mount.group) && absl::CUnescape(words[4], &mount.folder)) {
      return mount;
    }
  }
  return std::nullopt;
}

double LeastQuota(const std::string& root, Version version) {
  const std::optional<std::string> group = FindGroup(root, version);
  const std::optional<Mount> mount = FindMount(root, version);
  if (!group.has_value() || !mount.has_value()) return kUnlimited;
  // From the mounted group down to the process's; nothing, if that lies elsewhere.
  absl::string_view below = *group;
  if (!absl::ConsumePrefix(&below, mount->group == "/" ? "" : mount->group)) below = "";
  if (!absl::StartsWith(below, "/")) below = "";
  double least = kUnlimited;
  while (true) {
    const std::string folder = absl::StrCat(root, mount->folder, below);
    least = std::min(least, version == Version::kV1 ? QuotaV1(folder) : QuotaV2(folder));
    if (below.empty()) return least;
    below = below.substr(0, below.rfind('/'));
  }
}

}  // namespace

double CpuBudget::Cores() const { return std::min<double>(allowed, quota); }

int CpuBudget::Count() const { return std::max(1, static_cast<int>(std::ceil(Cores()))); }

std::string CpuBudget::Description() const {
  std::string text = absl::StrCat(Count(), " of ", online, " processors");
  if (quota < allowed) return absl::StrCat(text, ": cgroup quota ", quota);
  if (allowed < online) return absl::StrCat(text, ": affinity mask");
  return text;
}

CpuBudget UsableCpus() {
  CpuBudget budget;
  budget.online = std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
  budget.allowed = AllowedCpus(budget.online);
  budget.quota = CgroupCpuQuota("");
  return budget;
}

double CgroupCpuQuota(const std::string& root) {
  return std::min(LeastQuota(root, Version::kV1), LeastQuota(root, Version::kV2));
}

}  // namespace weir
