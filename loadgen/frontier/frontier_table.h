// The frontier as people read it: quality against latency against capacity.
#ifndef WEIR_LOADGEN_FRONTIER_FRONTIER_TABLE_H_
#define WEIR_LOADGEN_FRONTIER_FRONTIER_TABLE_H_

#include <string>

#include "weir/v1/load_report.pb.h"

namespace weir {

// Puts the variants in the order of their quality, the best one first, and fills `dominated` and
// `dominated_by`. Another variant dominates one if
// - its quality is the same, or better beyond doubt: their intervals do not overlap;
// - its unloaded p99 is no more than 5 % larger, its capacity no more than 5 % smaller, and that of
//   the dominated one is known, not a generator's limit;
// - and it is better in one of them: in quality as above, in the others by 5 %.
void RankVariants(v1::Frontier& frontier);

// For a terminal; without escape sequences if `colours` are off. Requires RankVariants.
std::string FrontierTable(const v1::Frontier& frontier, bool colours);

}  // namespace weir

#endif  // WEIR_LOADGEN_FRONTIER_FRONTIER_TABLE_H_
