#include "server/stats/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/cgroups.h"
#include "base/files.h"

namespace weir {
namespace {

// `otherwise` if the file is not there or holds no number, such as "max".
int64_t Number(const std::string& path, int64_t otherwise) {
  const std::string text = ReadFile(path).value_or("");
  int64_t number = 0;
  return absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &number) ? number : otherwise;
}

int64_t LeastLimit(const std::string& root, CgroupVersion version, absl::string_view file,
                   int64_t least) {
  for (const std::string& folder : CgroupFolders(root, version, "memory")) {
    least = std::min(least, Number(absl::StrCat(folder, "/", file), least));
  }
  return least;
}

}  // namespace

absl::Duration ProcessCpu() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

int64_t ResidentBytes() {
  const std::string text = ReadFile("/proc/self/statm").value_or("");
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ');
  int64_t pages = 0;
  if (words.size() < 2 || !absl::SimpleAtoi(words[1], &pages)) return 0;
  return pages * sysconf(_SC_PAGESIZE);
}

int64_t MemoryLimitBytes(const std::string& root) {
  const int64_t machine = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return LeastLimit(root, CgroupVersion::kV1, "memory.limit_in_bytes",
                    LeastLimit(root, CgroupVersion::kV2, "memory.max", machine));
}

}  // namespace weir
