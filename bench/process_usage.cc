#include "bench/process_usage.h"

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/files.h"

namespace weir {
namespace {

// The number at `index` of the words of /proc/<pid>/<file> that stand behind the program's name; 0
// where there is none.
int64_t ProcNumber(pid_t pid, absl::string_view file, size_t index) {
  const std::string text = ReadFile(absl::StrCat("/proc/", pid, "/", file)).value_or("");
  // The name may hold spaces and brackets; only stat has it, as "(weir-server)".
  const size_t name_end = text.rfind(')');
  const std::vector<absl::string_view> words = absl::StrSplit(
      absl::string_view(text).substr(name_end == std::string::npos ? 0 : name_end + 1),
      absl::ByAnyChar(" \n"), absl::SkipEmpty());
  int64_t number = 0;
  if (index >= words.size() || !absl::SimpleAtoi(words[index], &number)) return 0;
  return number;
}

}  // namespace

absl::Duration ProcessCpu(pid_t pid) {
  // Behind the name of stat stand the fields from the third on; user and system time are the 14th
  // and the 15th.
  const int64_t ticks = ProcNumber(pid, "stat", 11) + ProcNumber(pid, "stat", 12);
  return absl::Seconds(static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

int64_t ProcessResidentBytes(pid_t pid) {
  return ProcNumber(pid, "statm", 1) * sysconf(_SC_PAGESIZE);
}

}  // namespace weir
