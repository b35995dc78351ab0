// The catalogue's words as pushes and records write them.
#ifndef WEIR_BASE_METRICS_PROTO_H_
#define WEIR_BASE_METRICS_PROTO_H_

#include "base/metrics.h"
#include "weir/v1/stats.pb.h"

namespace weir {

// Unspecified for a summary, which is never pushed, and for no rule.
v1::MetricType ToProto(MetricType type);
v1::GaugeMerge ToProto(GaugeMerge merge);

}  // namespace weir

#endif  // WEIR_BASE_METRICS_PROTO_H_
