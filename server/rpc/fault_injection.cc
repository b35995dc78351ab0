#include "server/rpc/fault_injection.h"

#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/names.h"
#include "base/status_macros.h"

namespace weir {
namespace {

using Metadata = absl::Span<const std::pair<std::string, std::string>>;

constexpr char kDelayKey[] = "weir-delay-ms";
constexpr char kCodeKey[] = "weir-fail-code";
constexpr char kRatioKey[] = "weir-fail-ratio";

constexpr double kMaxDelayMs = 60'000;
constexpr int kLastCode = static_cast<int>(absl::StatusCode::kUnauthenticated);

absl::Status Malformed(absl::string_view key, absl::string_view expected, absl::string_view got) {
  return absl::InvalidArgumentError(
      absl::StrCat(key, ": expected ", expected, ", got \"", Printable(got), "\""));
}

absl::StatusOr<absl::Duration> ParseDelay(absl::string_view text) {
  double ms = 0;
  if (!absl::SimpleAtod(text, &ms) || !(ms >= 0 && ms <= kMaxDelayMs)) {
    return Malformed(kDelayKey, absl::StrCat("milliseconds from 0 to ", kMaxDelayMs), text);
  }
  return absl::Milliseconds(ms);
}

absl::StatusOr<absl::StatusCode> ParseCode(absl::string_view text) {
  int number = 0;
  const bool is_number = absl::SimpleAtoi(text, &number);
  for (int i = 1; i <= kLastCode; ++i) {
    const auto code = static_cast<absl::StatusCode>(i);
    if (is_number ? i == number : absl::EqualsIgnoreCase(text, absl::StatusCodeToString(code))) {
      return code;
    }
  }
  return Malformed(kCodeKey, "a gRPC code but OK, by name or number", text);
}

absl::StatusOr<double> ParseRatio(absl::string_view text) {
  double ratio = 0;
  if (!absl::SimpleAtod(text, &ratio) || !(ratio >= 0 && ratio <= 1)) {
    return Malformed(kRatioKey, "a number from 0 to 1", text);
  }
  return ratio;
}

// The value of `key`, if there is one.
absl::StatusOr<std::optional<absl::string_view>> Find(Metadata metadata, absl::string_view key) {
  std::optional<absl::string_view> found;
  for (const auto& [name, value] : metadata) {
    if (name != key) continue;
    if (found.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(key, ": expected once, came several times"));
    }
    found = value;
  }
  return found;
}

}  // namespace

absl::Status Fault::Outcome(double draw) const {
  if (draw >= fail_ratio) return absl::OkStatus();
  return {fail_code, absl::StrCat("a fault that the request asked for with ", kCodeKey)};
}

absl::StatusOr<Fault> ParseFault(Metadata metadata) {
  Fault fault;
  if (metadata.empty()) return fault;
  WEIR_ASSIGN_OR_RETURN(const auto delay, Find(metadata, kDelayKey));
  WEIR_ASSIGN_OR_RETURN(const auto code, Find(metadata, kCodeKey));
  WEIR_ASSIGN_OR_RETURN(const auto ratio, Find(metadata, kRatioKey));
  if (delay.has_value()) {
    WEIR_ASSIGN_OR_RETURN(fault.delay, ParseDelay(*delay));
  }
  if (code.has_value()) {
    WEIR_ASSIGN_OR_RETURN(fault.fail_code, ParseCode(*code));
    fault.fail_ratio = 1;
  }
  if (ratio.has_value()) {
    if (!code.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat(kRatioKey, ": expected together with ", kCodeKey, ", came alone"));
    }
    WEIR_ASSIGN_OR_RETURN(fault.fail_ratio, ParseRatio(*ratio));
  }
  return fault;
}

}  // namespace weir
