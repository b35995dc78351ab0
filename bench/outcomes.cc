#include "bench/outcomes.h"

#include <algorithm>
#include <cmath>

namespace weir {
namespace {

constexpr absl::Duration kWindow = absl::Milliseconds(50);
constexpr int kNormalWindows = 3;

}  // namespace

std::vector<CallOutcome> DueBetween(absl::Span<const CallOutcome> outcomes, absl::Duration from,
                                    absl::Duration to) {
  std::vector<CallOutcome> due;
  for (const CallOutcome& outcome : outcomes) {
    if (outcome.due >= from && outcome.due < to) due.push_back(outcome);
  }
  return due;
}

int64_t CountOf(absl::Span<const CallOutcome> outcomes, absl::StatusCode code) {
  return std::count_if(outcomes.begin(), outcomes.end(),
                       [code](const CallOutcome& outcome) { return outcome.code == code; });
}

int64_t AnsweredWithin(absl::Span<const CallOutcome> outcomes, absl::Duration deadline) {
  return std::count_if(outcomes.begin(), outcomes.end(), [deadline](const CallOutcome& outcome) {
    return outcome.code == absl::StatusCode::kOk && outcome.latency <= deadline;
  });
}

absl::Duration AnsweredLatency(absl::Span<const CallOutcome> outcomes, double q) {
  std::vector<absl::Duration> latencies;
  for (const CallOutcome& outcome : outcomes) {
    if (outcome.code == absl::StatusCode::kOk) latencies.push_back(outcome.latency);
  }
  if (latencies.empty()) return absl::InfiniteDuration();
  std::sort(latencies.begin(), latencies.end());
  const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(latencies.size())));
  return latencies[std::max<size_t>(1, rank) - 1];
}

std::optional<absl::Duration> RecoveryTime(absl::Span<const CallOutcome> outcomes,
                                           absl::Duration from, absl::Duration to,
                                           absl::Duration normal) {
  int normal_windows = 0;
  for (absl::Duration begin = from; begin + kWindow <= to; begin += kWindow) {
    const std::vector<CallOutcome> due = DueBetween(outcomes, begin, begin + kWindow);
    const bool is_normal = 10 * AnsweredWithin(due, normal) >= 9 * static_cast<int64_t>(due.size());
    normal_windows = is_normal ? normal_windows + 1 : 0;
    if (normal_windows == kNormalWindows) return begin - (kNormalWindows - 1) * kWindow - from;
  }
  return std::nullopt;
}

}  // namespace weir
