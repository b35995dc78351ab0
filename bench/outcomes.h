// What the outcomes of an open loop say about a part of it.
#ifndef WEIR_BENCH_OUTCOMES_H_
#define WEIR_BENCH_OUTCOMES_H_

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "loadgen/load/load_client.h"

namespace weir {

// Those of the calls that were due in [from, to).
std::vector<CallOutcome> DueBetween(absl::Span<const CallOutcome> outcomes, absl::Duration from,
                                    absl::Duration to);

// How many calls ended with `code`.
int64_t CountOf(absl::Span<const CallOutcome> outcomes, absl::StatusCode code);

// How many calls were answered with OK, and within `deadline`.
int64_t AnsweredWithin(absl::Span<const CallOutcome> outcomes, absl::Duration deadline);

// Of the calls that were answered with OK: the latency that the share `q` of them does not exceed;
// infinite if none was.
absl::Duration AnsweredLatency(absl::Span<const CallOutcome> outcomes, double q);

// How long after `from` all is normal again: the beginning of the first three windows of 50 ms, one
// after the other, in each of which at least nine tenths of the calls that were due were answered
// within `normal`. None if that is not seen before `to`.
std::optional<absl::Duration> RecoveryTime(absl::Span<const CallOutcome> outcomes,
                                           absl::Duration from, absl::Duration to,
                                           absl::Duration normal);

}  // namespace weir

#endif  // WEIR_BENCH_OUTCOMES_H_
