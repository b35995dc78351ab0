// Whether two ways of running a module give the same answers.
#ifndef WEIR_SERVER_MODEL_OUTPUT_COMPARISON_H_
#define WEIR_SERVER_MODEL_OUTPUT_COMPARISON_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "server/model/model_settings.h"
#include "server/model/tensor.h"

namespace weir {

// Compares outputs, in the order of `specs`. Integers have to be equal; floating-point numbers may
// differ by 1e-6 (FP64), 1e-3 (FP32) or 1e-2 (FP16, BF16) of the expected number or of 1, whichever
// is more. NaN equals NaN. An error names the first output that differs, and its largest
// difference.
absl::Status CheckSameOutputs(absl::Span<const TensorSpec> specs, const TensorBundle& expected,
                              const TensorBundle& actual);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_OUTPUT_COMPARISON_H_
