// The rates of a phase of open loop.
#ifndef WEIR_LOADGEN_SCENARIO_RATE_CURVE_H_
#define WEIR_LOADGEN_SCENARIO_RATE_CURVE_H_

#include <vector>

#include "loadgen/load/pacer.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {

// Of a checked phase with rate, ramp, steps or spike: the pieces take its duration together. Empty
// for the others. A capacity_multiple becomes a rate first, when the capacity is known.
std::vector<RatePiece> CurveOf(const v1::LoadPhase& phase);

}  // namespace weir

#endif  // WEIR_LOADGEN_SCENARIO_RATE_CURVE_H_
