// Decoding, ranking and encoding of whatever a caller may send.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/wire_writer.h"
#include "server/rpc/predict_request.h"
#include "server/rpc/tensor_codec.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

void DecodeAndAnswer(const PredictRequest& request, const ModelSettings& settings) {
  const absl::StatusOr<DecodedInputs> decoded = DecodeInputs(request, settings);
  if (!CheckRequestedOutputs(request, settings).ok() || !decoded.ok()) return;
  size_t bytes = 0;
  for (const TensorView& input : decoded->inputs) {
    for (const char byte : input.data) bytes += static_cast<unsigned char>(byte) > 0;
  }
  std::vector<Tensor> outputs = {{v1::TYPE_FP32, {decoded->rows, 3}, {}}};
  outputs[0].data.assign(decoded->rows * 3 * sizeof(float), static_cast<char>(bytes));
  const TensorBundle bundle = Bundle(std::move(outputs));
  WireWriter writer;
  EncodeOutputs(request, settings, bundle.views, writer);
  v1::PredictResponse response;
  if (!response.ParseFromString(std::string(writer.bytes()))) abort();
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const settings = new weir::ModelSettings{
      .name = "fuzz",
      .max_batch_rows = 4,
      .inputs = {{"a", weir::v1::TYPE_FP32, {-1}}, {"b", weir::v1::TYPE_BOOL, {2}}},
      .outputs = {{"y", weir::v1::TYPE_FP32, {3}, "", {"x", "y", "z"}}},
      .finite_inputs = true};
  const absl::StatusOr<weir::PredictRequest> request =
      weir::ReadPredictRequest({reinterpret_cast<const char*>(data), size});
  if (request.ok()) weir::DecodeAndAnswer(*request, *settings);
  return 0;
}
