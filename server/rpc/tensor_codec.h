// Between the requests and answers of weir.v1.Predictor and the tensors inside the server.
#ifndef WEIR_SERVER_RPC_TENSOR_CODEC_H_
#define WEIR_SERVER_RPC_TENSOR_CODEC_H_

#include <cstdint>
#include <list>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/wire_writer.h"
#include "server/model/model_settings.h"
#include "server/model/servable.h"
#include "server/model/tensor.h"
#include "server/rpc/predict_request.h"

namespace weir {

// A request's inputs, in the order of the settings. The views point into the request and its
// message, or into `converted` where it came as numbers.
struct DecodedInputs {
  absl::InlinedVector<TensorView, 1> inputs;
  int64_t rows = 1;
  std::list<std::string> converted;  // Addresses of its elements stay.
};

// Checks everything that a request says about tensors. Errors are INVALID_ARGUMENT and name the
// tensor, what was expected and what came.
absl::StatusOr<DecodedInputs> DecodeInputs(const PredictRequest& request,
                                           const ModelSettings& settings);

// Checks that the outputs a request asks for are there and can be given as it wants them.
absl::Status CheckRequestedOutputs(const PredictRequest& request, const ModelSettings& settings);

// Writes a PredictResponse's outputs and classifications as a checked request asks for them.
void EncodeOutputs(const PredictRequest& request, const ModelSettings& settings,
                   absl::Span<const TensorView> outputs, WireWriter& writer);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_TENSOR_CODEC_H_
