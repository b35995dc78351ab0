#include "loadgen/scenario/replay_file.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/names.h"
#include "base/status_macros.h"

namespace weir {
namespace {

constexpr int kMaxSeconds = 30 * 24 * 3600;

}  // namespace

absl::StatusOr<std::vector<absl::Duration>> ReadReplay(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return ParseReplay(text, path);
}

absl::StatusOr<std::vector<absl::Duration>> ParseReplay(absl::string_view text,
                                                        absl::string_view path) {
  std::vector<absl::Duration> times;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line.front() == '#') continue;
    double seconds = 0;
    if (!absl::SimpleAtod(line, &seconds) || !(seconds >= 0 && seconds <= kMaxSeconds)) {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", number,
                                                     ": expected seconds from 0 to ", kMaxSeconds,
                                                     ", got \"", Printable(line), "\""));
    }
    const absl::Duration time = absl::Seconds(seconds);
    if (!times.empty() && time < times.back()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", number, ": ", line, " comes after ",
                                                     absl::FormatDuration(times.back()),
                                                     ", but times must ascend"));
    }
    times.push_back(time);
  }
  if (times.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": there are no times"));
  return times;
}

}  // namespace weir
