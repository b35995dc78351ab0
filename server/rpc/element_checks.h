// The elements of one tensor: numbers into bytes, and bytes that a model may not see.
#ifndef WEIR_SERVER_RPC_ELEMENT_CHECKS_H_
#define WEIR_SERVER_RPC_ELEMENT_CHECKS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "weir/v1/tensor.pb.h"

namespace weir {

// The bytes of `values` as elements of `type`; an error for the first value that it cannot hold,
// and for types that have to travel as bytes.
absl::StatusOr<std::string> PackValues(absl::Span<const double> values, v1::DataType type);

// An error for the first NaN or infinity among the elements of a floating-point type.
absl::Status CheckFinite(absl::string_view data, v1::DataType type);

// An error for the first byte of a TYPE_BOOL tensor that is neither 0 nor 1.
absl::Status CheckBools(absl::string_view data);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_ELEMENT_CHECKS_H_
