// How good answers are where the truth is known, with a 95 % confidence interval.
#ifndef WEIR_LOADGEN_REPORT_QUALITY_H_
#define WEIR_LOADGEN_REPORT_QUALITY_H_

#include <cstdint>

#include "base/histogram.h"
#include "weir/v1/load_report.pb.h"

namespace weir {

// Of classes: the share that is right, with Wilson's interval. Of values: the median of |answer -
// truth| / |truth|, with the interval of its order statistics, to 1.6 %; below six rows that is the
// range of what was seen.
//
// The interval is that of what was asked for the first time: asked again, a row says nothing new of
// the model. Not thread-safe.
class Quality {
 public:
  void AddClass(bool right);

  // An answer that is no number is as wrong as can be.
  void AddValue(double answer, double truth);

  // All rows are some of these many, which come up again and again. Not limited unless told.
  void LimitDistinctRows(int64_t rows);

  void Merge(const Quality& other);

  bool known() const { return classes_ + values_ > 0; }  // Anything was added.

  // Requires known(). Of classes, if classes and values were added.
  v1::LoadQuality Report() const;

 private:
  int64_t DistinctOf(int64_t rows) const;

  int64_t right_ = 0;
  int64_t classes_ = 0;
  int64_t values_ = 0;
  int64_t distinct_rows_ = 0;  // 0: not limited.
  Histogram error_ppm_;        // Millionths of the truth.
};

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_QUALITY_H_
