// Tensors that nobody sent, to run a model on before its first request.
#ifndef WEIR_SERVER_MODEL_MADE_UP_DATA_H_
#define WEIR_SERVER_MODEL_MADE_UP_DATA_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "server/model/tensor.h"

namespace weir {

// All zeros. INVALID_ARGUMENT if the shape has a size below 1 or takes more than 64 MiB.
absl::StatusOr<Tensor> ZeroTensor(v1::DataType type, std::vector<int64_t> shape);

// Fills `tensor` with the same random numbers each time: at least 0 and below 1 for floating point,
// 0 to 255 for UINT8, 0 to 127 for other integers, 0 and 1 for BOOL.
void FillWithRandom(Tensor& tensor);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_MADE_UP_DATA_H_
