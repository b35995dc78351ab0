// Whatever comes as an answer: what is read of it is what protobuf reads.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "loadgen/inputs/answer.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

// Protobuf puts fields together that come more than once, which servers never do; Read.. takes
// them one by one, and no groups. So both are compared only where writing what is known of the
// message gives the same bytes.
bool IsPlain(absl::string_view bytes, v1::PredictResponse& response) {
  if (!response.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
  response.DiscardUnknownFields();
  return response.SerializeAsString() == bytes;
}

void CheckClasses(absl::string_view bytes) {
  v1::PredictResponse response;
  const bool plain = IsPlain(bytes, response);
  for (size_t rows = 0; rows < 4; ++rows) {
    std::vector<int32_t> classes(rows, -1);
    const bool read = ReadClasses(bytes, absl::MakeSpan(classes));
    if (!plain) continue;
    std::vector<int32_t> expected;
    bool all = true;
    for (const v1::Classification& output : response.classifications()) {
      for (const v1::RankedClasses& row : output.rows()) {
        all = all && row.classes_size() > 0;
        expected.push_back(row.classes_size() > 0 ? row.classes(0).index() : 0);
      }
    }
    if (read != (all && expected.size() == rows)) abort();
    if (read && classes != expected) abort();
  }
}

template <typename T>
void CheckValues(absl::string_view bytes, v1::DataType type) {
  v1::PredictResponse response;
  const bool plain = IsPlain(bytes, response);
  for (size_t count = 0; count < 4; ++count) {
    std::vector<double> values(count);
    const bool read = ReadValues(bytes, type, absl::MakeSpan(values));
    if (!plain) continue;
    std::string data;
    bool whole = true;
    for (const v1::Tensor& output : response.outputs()) {
      whole = whole && output.data().size() % sizeof(T) == 0;
      data += output.data();
    }
    if (read != (whole && data.size() == count * sizeof(T))) abort();
    for (size_t i = 0; read && i < count; ++i) {
      T expected = 0;
      std::memcpy(&expected, data.data() + i * sizeof(T), sizeof(T));
      const double value = expected;
      if (std::bit_cast<uint64_t>(value) != std::bit_cast<uint64_t>(values[i])) abort();
    }
  }
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  weir::CheckClasses(bytes);
  weir::CheckValues<float>(bytes, weir::v1::TYPE_FP32);
  weir::CheckValues<double>(bytes, weir::v1::TYPE_FP64);
  return 0;
}
