// Whatever comes as a request: it is read as protobuf reads it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "google/protobuf/unknown_field_set.h"
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

bool HasGroups(const google::protobuf::UnknownFieldSet& fields) {
  for (int i = 0; i < fields.field_count(); ++i) {
    if (fields.field(i).type() == google::protobuf::UnknownField::TYPE_GROUP) return true;
  }
  return false;
}

// Nobody writes groups any more, and weir does not read them.
bool HasGroups(const v1::PredictRequest& request) {
  const auto has_groups = [](const google::protobuf::Message& message) {
    return HasGroups(message.GetReflection()->GetUnknownFields(message));
  };
  return has_groups(request) || has_groups(request.model()) ||
         std::any_of(request.inputs().begin(), request.inputs().end(), has_groups) ||
         std::any_of(request.outputs().begin(), request.outputs().end(), has_groups);
}

void Check(const uint8_t* data, size_t size) {
  const absl::StatusOr<PredictRequest> read =
      ReadPredictRequest({reinterpret_cast<const char*>(data), size});
  v1::PredictRequest expected;
  const bool parses = expected.ParseFromArray(data, static_cast<int>(size));
  if (read.ok()) {
    if (!parses || !Same(*read, expected)) abort();
  } else if (parses && !HasGroups(expected) &&
             read.status().message().find("more than") == absl::string_view::npos) {
    abort();
  }
}

}  // namespace
}  // namespace weir

// The input alone, and repeated as often as makes it large.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kLarge = 10'000;
  std::vector<uint8_t> many(data, data + size);
  while (size > 0 && many.size() < kLarge) many.insert(many.end(), data, data + size);
  weir::Check(data, size);
  weir::Check(many.data(), many.size());
  return 0;
}
