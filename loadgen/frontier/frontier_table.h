// The frontier as people read it: quality against latency against capacity.
#ifndef WEIR_LOADGEN_FRONTIER_FRONTIER_TABLE_H_
#define WEIR_LOADGEN_FRONTIER_FRONTIER_TABLE_H_

#include <string>

#include "weir/v1/load_report.pb.h"

namespace weir {

// Puts the variants in the order of their quality, the best one first, and fills `dominated` and
// `dominated_by`: a variant that is no better than another one in anything, and worse in something.
void RankVariants(v1::Frontier& frontier);

// For a terminal; without escape sequences if `colours` are off. Requires RankVariants.
std::string FrontierTable(const v1::Frontier& frontier, bool colours);

}  // namespace weir

#endif  // WEIR_LOADGEN_FRONTIER_FRONTIER_TABLE_H_
