// How good answers are where the truth is known, with a 95 % confidence interval.
#ifndef WEIR_LOADGEN_REPORT_QUALITY_H_
#define WEIR_LOADGEN_REPORT_QUALITY_H_

#include <cstdint>

#include "base/histogram.h"
#include "weir/v1/load_report.pb.h"

namespace weir {

// Of classes: the share that is right, with Wilson's interval. Of values: the median of |answer -
// truth| / |truth|, with the interval of its order statistics (by the histogram, 1.6 % wide buckets).
class Quality {
 public:
  void AddClass(bool right);
  void AddValue(double answer, double truth);
  void Merge(const Quality& other);

  bool known() const;               // Anything was added.
  v1::LoadQuality Report() const;   // Requires known().

 private:
  int64_t right_ = 0;
  int64_t classes_ = 0;
  int64_t values_ = 0;
  Histogram error_ppm_;  // Millionths of the truth.
};

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_QUALITY_H_
