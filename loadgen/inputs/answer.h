// What serialised PredictResponses say, read without making messages of them: a generator reads
// each answer, and shares its core with what it measures.
#ifndef WEIR_LOADGEN_INPUTS_ANSWER_H_
#define WEIR_LOADGEN_INPUTS_ANSWER_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "weir/v1/tensor.pb.h"

namespace weir {

// The best class of each row. False if `response` is malformed or does not hold exactly
// classes.size() rows with at least a class each.
bool ReadClasses(absl::string_view response, absl::Span<int32_t> classes);

// The elements of the outputs, which are of `type`: TYPE_FP32 or TYPE_FP64. False if `response` is
// malformed or does not hold exactly values.size() elements.
bool ReadValues(absl::string_view response, v1::DataType type, absl::Span<double> values);

}  // namespace weir

#endif  // WEIR_LOADGEN_INPUTS_ANSWER_H_
