#include "base/cpu.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/cgroups.h"
#include "base/files.h"
#include "base/processors.h"

namespace weir {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

std::string Text(const std::string& path) { return ReadFile(path).value_or(""); }

std::vector<std::string> Words(absl::string_view text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
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

double LeastQuota(const std::string& root, CgroupVersion version) {
  double least = kUnlimited;
  for (const std::string& folder : CgroupFolders(root, version, "cpu")) {
    least = std::min(least, version == CgroupVersion::kV1 ? QuotaV1(folder) : QuotaV2(folder));
  }
  return least;
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
  const int allowed = static_cast<int>(AllowedProcessors().size());
  budget.allowed = allowed > 0 ? allowed : budget.online;
  budget.quota = CgroupCpuQuota("");
  return budget;
}

double CgroupCpuQuota(const std::string& root) {
  return std::min(LeastQuota(root, CgroupVersion::kV1), LeastQuota(root, CgroupVersion::kV2));
}

}  // namespace weir
