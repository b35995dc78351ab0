// Whatever comes as a request: it is read as protobuf reads it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "absl/strings/string_view.h"
#include "server/rpc/predict_request.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

bool SameBits(double a, double b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

bool Same(const PredictRequest::Input& read, const v1::Tensor& expected) {
  return read.name == expected.name() && read.type == expected.data_type() &&
         std::equal(read.shape.begin(), read.shape.end(), expected.shape().begin(),
                    expected.shape().end()) &&
         read.data == expected.data() &&
         std::equal(read.values.begin(), read.values.end(), expected.values().begin(),
                    expected.values().end(), SameBits);
}

bool Same(const PredictRequest::Output& read, const v1::RequestedOutput& expected) {
  return read.name == expected.name() && read.top_k == expected.top_k();
}

bool Same(const PredictRequest& read, const v1::PredictRequest& expected) {
  const auto same = [](const auto& a, const auto& b) { return Same(a, b); };
  return read.model == expected.model().name() && read.version == expected.model().version() &&
         read.request_id == expected.request_id() &&
         std::equal(read.inputs.begin(), read.inputs.end(), expected.inputs().begin(),
                    expected.inputs().end(), same) &&
         std::equal(read.outputs.begin(), read.outputs.end(), expected.outputs().begin(),
                    expected.outputs().end(), same) &&
         read.priority == expected.priority() && read.timeout_us == expected.timeout_us();
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::StatusOr<weir::PredictRequest> read =
      weir::ReadPredictRequest({reinterpret_cast<const char*>(data), size});
  weir::v1::PredictRequest expected;
  const bool parses = expected.ParseFromArray(data, static_cast<int>(size));
  // What protobuf takes and this does not are groups, and what would take too much memory.
  if (read.ok() && (!parses || !Same(*read, expected))) abort();
  return 0;
}
