// How good answers are, given the truth. All are better when higher.
#ifndef WEIR_MODELS_EVALUATE_QUALITY_H_
#define WEIR_MODELS_EVALUATE_QUALITY_H_

#include <span>

namespace weir {

// The share of rows whose largest probability is that of the true class. `probabilities` holds as
// many per row as there are classes; the first of equal ones counts.
double Accuracy(std::span<const float> probabilities, std::span<const float> truth);

// The chance that a row of class 1 has a higher score than one of class 0; equal scores count half.
// NaN where a class has no rows.
double RocAuc(std::span<const float> scores, std::span<const float> truth);

// The share of the truth's variance that the values explain; NaN where it has none.
double R2(std::span<const float> values, std::span<const float> truth);

}  // namespace weir

#endif  // WEIR_MODELS_EVALUATE_QUALITY_H_
