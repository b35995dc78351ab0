#include "server/rpc/predict_request.h"

#include <cstddef>

#include "absl/status/status.h"
#include "base/names.h"
#include "base/wire_numbers.h"
#include "base/wire_reader.h"
#include "server/rpc/messages.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

using Field = WireReader::Field;

class Reader {
 public:
  explicit Reader(size_t message_bytes) : left_(MaxFields(message_bytes)) {}

  bool too_many_fields() const { return left_ < 0; }

  // All of these return false where the bytes are not what they should be.
  bool ReadRequest(absl::string_view bytes, PredictRequest& request) {
    using v1::PredictRequest;
    return ForEachField(bytes, [&](const Field& field) {
      switch (field.number) {
        case PredictRequest::kModelFieldNumber:
          return !IsBytes(field) || ReadModel(field.bytes, request);
        case PredictRequest::kRequestIdFieldNumber:
          return TakeText(field, request.request_id);
        case PredictRequest::kInputsFieldNumber:
          return !IsBytes(field) || ReadInput(field.bytes, request.inputs.emplace_back());
        case PredictRequest::kOutputsFieldNumber:
          return !IsBytes(field) || ReadOutput(field.bytes, request.outputs.emplace_back());
        case PredictRequest::kPriorityFieldNumber:
          return TakeNumber(field, request.priority);
        case PredictRequest::kTimeoutUsFieldNumber:
          return TakeNumber(field, request.timeout_us);
        default:
          return true;
      }
    });
  }

 private:
  static bool IsBytes(const Field& field) { return field.type == Field::Type::kBytes; }

  template <typename Visit>
  bool ForEachField(absl::string_view bytes, Visit visit) {
    WireReader reader(bytes);
    for (Field field; reader.Next(field);) {
      if (--left_ < 0 || !visit(field)) return false;
    }
    return reader.ok();
  }

  // A field of another type than it should have is one that weir does not know.
  static bool TakeText(const Field& field, absl::string_view& text) {
    if (!IsBytes(field)) return true;
    text = field.bytes;
    return IsUtf8(text);
  }

  template <typename Number>
  static bool TakeNumber(const Field& field, Number& number) {
    // As protobuf has it, what does not fit loses its highest bits.
    if (field.type == Field::Type::kNumber) number = static_cast<Number>(field.value);
    return true;
  }

  bool ReadModel(absl::string_view bytes, PredictRequest& request) {
    return ForEachField(bytes, [&](const Field& field) {
      switch (field.number) {
        case v1::ModelSpec::kNameFieldNumber:
          return TakeText(field, request.model);
        case v1::ModelSpec::kVersionFieldNumber:
          return TakeNumber(field, request.version);
        default:
          return true;
      }
    });
  }

  bool ReadInput(absl::string_view bytes, PredictRequest::Input& input) {
    return ForEachField(bytes, [&](const Field& field) {
      switch (field.number) {
        case v1::Tensor::kNameFieldNumber:
          return TakeText(field, input.name);
        case v1::Tensor::kDataTypeFieldNumber:
          return TakeNumber(field, input.type);
        case v1::Tensor::kShapeFieldNumber:
          return TakeShape(field, input.shape);
        case v1::Tensor::kDataFieldNumber:
          if (IsBytes(field)) input.data = field.bytes;
          return true;
        case v1::Tensor::kValuesFieldNumber:
          return TakeValues(field, input.values);
        default:
          return true;
      }
    });
  }

  bool ReadOutput(absl::string_view bytes, PredictRequest::Output& output) {
    return ForEachField(bytes, [&](const Field& field) {
      switch (field.number) {
        case v1::RequestedOutput::kNameFieldNumber:
          return TakeText(field, output.name);
        case v1::RequestedOutput::kTopKFieldNumber:
          return TakeNumber(field, output.top_k);
        default:
          return true;
      }
    });
  }

  // Packed numbers of one byte take eight in memory.
  bool TakeShape(const Field& field, absl::InlinedVector<int64_t, 4>& shape) {
    if (field.type != Field::Type::kNumber && !IsBytes(field)) return true;
    if (IsBytes(field)) left_ -= static_cast<int64_t>(field.bytes.size()) / 8;
    return left_ >= 0 && AppendNumbers(field, shape.max_size(), shape);
  }

  static bool TakeValues(const Field& field, std::vector<double>& values) {
    if (field.type != Field::Type::kFixed64 && !IsBytes(field)) return true;
    return AppendDoubles(field, values.max_size(), values);
  }

  int64_t left_;  // Fields that may still come.
};

}  // namespace

absl::StatusOr<PredictRequest> ReadPredictRequest(absl::string_view message) {
  absl::StatusOr<PredictRequest> request(absl::in_place);
  Reader reader(message.size());
  if (reader.ReadRequest(message, *request)) return request;
  return reader.too_many_fields() ? TooManyFields(message.size())
                                  : NoSuchMessage(v1::PredictRequest::descriptor()->full_name());
}

}  // namespace weir
