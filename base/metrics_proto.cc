#include "base/metrics_proto.h"

namespace weir {

v1::MetricType ToProto(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return v1::METRIC_TYPE_COUNTER;
    case MetricType::kGauge:
      return v1::METRIC_TYPE_GAUGE;
    case MetricType::kHistogram:
      return v1::METRIC_TYPE_HISTOGRAM;
    case MetricType::kSummary:
      break;
  }
  return v1::METRIC_TYPE_UNSPECIFIED;
}

v1::GaugeMerge ToProto(GaugeMerge merge) {
  switch (merge) {
    case GaugeMerge::kNone:
      break;
    case GaugeMerge::kSum:
      return v1::GAUGE_MERGE_SUM;
    case GaugeMerge::kMax:
      return v1::GAUGE_MERGE_MAX;
    case GaugeMerge::kLast:
      return v1::GAUGE_MERGE_LAST;
    case GaugeMerge::kUnion:
      return v1::GAUGE_MERGE_UNION;
  }
  return v1::GAUGE_MERGE_UNSPECIFIED;
}

}  // namespace weir
