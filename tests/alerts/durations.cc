#include "tests/alerts/durations.h"

#include <algorithm>
#include <cmath>
#include <regex>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr char kDuration[] = R"((?:\d+(?:ms|[smhdwy]))+)";

double Milliseconds(const std::string& unit) {
  if (unit == "ms") return 1;
  if (unit == "s") return 1e3;
  if (unit == "m") return 60e3;
  if (unit == "h") return 3600e3;
  constexpr double kDay = 24 * 3600e3;
  return unit == "d" ? kDay : unit == "w" ? 7 * kDay : 365 * kDay;
}

// "1h30m" at speed 10 is "540000ms". Only zero becomes zero.
std::string Faster(const std::string& duration, double speed) {
  static const std::regex kPart(R"((\d+)(ms|[smhdwy]))");
  double ms = 0;
  for (std::sregex_iterator part(duration.begin(), duration.end(), kPart), end; part != end;
       ++part) {
    ms += std::stod((*part)[1]) * Milliseconds((*part)[2]);
  }
  return absl::StrCat(std::llround(std::max(ms / speed, std::min(ms, 1.0))), "ms");
}

// `text` with the duration that is the group 2 of each match of `pattern` made faster.
std::string Replaced(const std::string& text, const std::regex& pattern, double speed) {
  std::string result;
  auto rest = text.begin();
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
    result.append(rest, text.begin() + match->position(2));
    result += Faster((*match)[2], speed);
    rest = text.begin() + match->position(2) + match->length(2);
  }
  return result.append(rest, text.end());
}

}  // namespace

std::string SpeedUp(absl::string_view text, double speed) {
  static const std::regex kSettings(
      absl::StrCat(R"((\b(?:for|keep_firing_for|interval|query_offset|\w+_interval|\w+_timeout|)",
                   R"(group_wait|duration): *['"]?)()", kDuration, R"()(?![\w.-]))"));
  static const std::regex kRanges(
      absl::StrCat(R"((\[)()", kDuration, R"()(?=\]|:(?:)", kDuration, R"()?\]))"));
  static const std::regex kSteps(absl::StrCat(R"((\[\d+ms:)()", kDuration, R"()(?=\]))"));
  static const std::regex kOffsets(absl::StrCat(R"((\boffset +-?)()", kDuration, R"()\b)"));
  std::string faster(text);
  for (const std::regex* pattern : {&kSettings, &kRanges, &kSteps, &kOffsets}) {
    faster = Replaced(faster, *pattern, speed);
  }
  return faster;
}

}  // namespace weir
