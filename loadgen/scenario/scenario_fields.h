// What the fields of a checked scenario come to.
#ifndef WEIR_LOADGEN_SCENARIO_SCENARIO_FIELDS_H_
#define WEIR_LOADGEN_SCENARIO_SCENARIO_FIELDS_H_

#include <string>

#include "absl/time/time.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {

// What traffic says, or what holds where it says nothing.
double WeightOf(const v1::LoadTraffic& traffic);
int RowsOf(const v1::LoadTraffic& traffic);
absl::Duration TimeoutOf(const v1::LoadTraffic& traffic);

absl::Duration DurationOf(const std::string& text, absl::Duration if_empty);

// The phase that a capacity_multiple of `phase` refers to: the closest one before it with closed
// loop, or -1.
int CapacityPhase(const v1::LoadScenario& scenario, int phase);

// All phases that have a duration, and the times in them, stretched or shrunk so that they take
// `total` together.
void ScaleTo(absl::Duration total, v1::LoadScenario& scenario);

}  // namespace weir

#endif  // WEIR_LOADGEN_SCENARIO_SCENARIO_FIELDS_H_
