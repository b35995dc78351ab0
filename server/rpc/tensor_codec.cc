#include "server/rpc/tensor_codec.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "server/rpc/element_checks.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

// The only one needs no name.
std::optional<size_t> IndexOf(const std::vector<TensorSpec>& specs, absl::string_view name) {
  if (name.empty() && specs.size() == 1) return 0;
  for (size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].name == name) return i;
  }
  return std::nullopt;
}

std::string Names(const std::vector<TensorSpec>& specs) {
  return absl::StrJoin(specs, ", ",
                       [](std::string* out, const TensorSpec& spec) { out->append(spec.name); });
}

// "[rows, 28, 28]", with "any" for sizes that are left open.
std::string ExpectedShape(const ModelSettings& settings, const TensorSpec& spec) {
  std::vector<std::string> sizes;
  if (settings.max_batch_rows > 0) sizes.push_back("rows");
  for (const int64_t size : spec.dims) sizes.push_back(size == -1 ? "any" : absl::StrCat(size));
  return absl::StrCat("[", absl::StrJoin(sizes, ", "), "]");
}

absl::Status CheckShape(const ModelSettings& settings, const TensorSpec& spec,
                        absl::Span<const int64_t> shape) {
  const size_t leading = settings.max_batch_rows > 0 ? 1 : 0;
  bool fits = shape.size() == spec.dims.size() + leading;
  for (size_t i = 0; fits && i < spec.dims.size(); ++i) {
    fits = spec.dims[i] == -1 || spec.dims[i] == shape[i + leading];
  }
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat("expected shape ", ExpectedShape(settings, spec),
                                                   ", got ", ShapeToString(shape)));
  }
  if (leading == 1 && (shape[0] < 1 || shape[0] > settings.max_batch_rows)) {
    return absl::InvalidArgumentError(absl::StrCat("expected 1 to ", settings.max_batch_rows,
                                                   " rows, got shape ", ShapeToString(shape)));
  }
  return absl::OkStatus();
}

absl::StatusOr<TensorView> DecodeTensor(const PredictRequest::Input& tensor,
                                        const ModelSettings& settings, const TensorSpec& spec,
                                        std::list<std::string>& converted) {
  if (tensor.type != v1::TYPE_INVALID && tensor.type != spec.type) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", v1::DataType_Name(spec.type),
                                                   ", got ", v1::DataType_Name(tensor.type)));
  }
  WEIR_RETURN_IF_ERROR(CheckShape(settings, spec, tensor.shape));
  WEIR_ASSIGN_OR_RETURN(const int64_t count, ElementCount(tensor.shape));
  TensorView view{.type = spec.type, .shape = tensor.shape, .data = tensor.data};
  if (!tensor.values.empty()) {
    if (!tensor.data.empty()) {
      return absl::InvalidArgumentError("expected data or values, got both");
    }
    if (static_cast<int64_t>(tensor.values.size()) != count) {
      return absl::InvalidArgumentError(absl::StrCat("shape ", ShapeToString(tensor.shape),
                                                     " takes ", count, " values, got ",
                                                     tensor.values.size()));
    }
    WEIR_ASSIGN_OR_RETURN(std::string bytes, PackValues(tensor.values, spec.type));
    view.data = converted.emplace_back(std::move(bytes));
  }
  const int64_t expected_bytes = count * ElementBytes(spec.type);
  if (static_cast<int64_t>(view.data.size()) != expected_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("shape ", ShapeToString(tensor.shape), " of ", v1::DataType_Name(spec.type),
                     " takes ", expected_bytes, " bytes, got ", view.data.size()));
  }
  if (spec.type == v1::TYPE_BOOL) WEIR_RETURN_IF_ERROR(CheckBools(view.data));
  if (settings.finite_inputs) WEIR_RETURN_IF_ERROR(CheckFinite(view.data, spec.type));
  return view;
}

template <typename T>
void RankRow(const T* scores, int64_t classes, int top_k, const std::vector<std::string>& labels,
             WireWriter& writer) {
  const WireWriter::Message ranked(writer, v1::Classification::kRowsFieldNumber);
  std::vector<int32_t> order(classes);
  std::iota(order.begin(), order.end(), 0);
  const auto last = order.begin() + std::min<int64_t>(top_k, classes);
  // NaN is lower than every number, so that the order is a strict one.
  const auto key = [scores](int32_t i) {
    return std::isnan(scores[i]) ? -std::numeric_limits<T>::infinity() : scores[i];
  };
  std::partial_sort(order.begin(), last, order.end(), [&key](int32_t a, int32_t b) {
    return key(a) != key(b) ? key(a) > key(b) : a < b;
  });
  for (auto index = order.begin(); index != last; ++index) {
    const WireWriter::Message scored(writer, v1::RankedClasses::kClassesFieldNumber);
    writer.Number(v1::ScoredClass::kIndexFieldNumber, *index);
    // Where the config leaves the number of classes open, the file may have fewer.
    if (static_cast<size_t>(*index) < labels.size()) {
      writer.Bytes(v1::ScoredClass::kLabelFieldNumber, labels[*index]);
    }
    writer.Double(v1::ScoredClass::kScoreFieldNumber, scores[*index]);
  }
}

template <typename T>
void RankRows(const TensorView& output, const std::vector<std::string>& labels, int top_k,
              WireWriter& writer) {
  const int64_t classes = output.shape.back();
  const int64_t rows = output.shape.size() == 1 ? 1 : output.shape[0];
  std::vector<T> scores(classes);  // The bytes of a string need not be aligned.
  for (int64_t row = 0; row < rows; ++row) {
    std::memcpy(scores.data(), output.data.data() + row * classes * sizeof(T), classes * sizeof(T));
    RankRow(scores.data(), classes, top_k, labels, writer);
  }
}

void EncodeTensor(const std::string& name, const TensorView& output, WireWriter& writer) {
  const WireWriter::Message tensor(writer, v1::PredictResponse::kOutputsFieldNumber);
  writer.Bytes(v1::Tensor::kNameFieldNumber, name);
  writer.Number(v1::Tensor::kDataTypeFieldNumber, output.type);
  writer.PackedNumbers(v1::Tensor::kShapeFieldNumber, output.shape);
  writer.Bytes(v1::Tensor::kDataFieldNumber, output.data);
}

}  // namespace

absl::StatusOr<DecodedInputs> DecodeInputs(const PredictRequest& request,
                                           const ModelSettings& settings) {
  const std::vector<TensorSpec>& specs = settings.inputs;
  DecodedInputs decoded;
  decoded.inputs.resize(specs.size());
  const auto seen = [&decoded](size_t i) { return decoded.inputs[i].type != v1::TYPE_INVALID; };
  for (const PredictRequest::Input& tensor : request.inputs) {
    const std::optional<size_t> index = IndexOf(specs, tensor.name);
    if (!index) {
      return absl::InvalidArgumentError(
          absl::StrCat("input \"", Printable(tensor.name),
                       "\" is unknown; the model's inputs are: ", Names(specs)));
    }
    const TensorSpec& spec = specs[*index];
    if (seen(*index)) {
      return absl::InvalidArgumentError(absl::StrCat("input \"", spec.name, "\" came twice"));
    }
    absl::StatusOr<TensorView> view = DecodeTensor(tensor, settings, spec, decoded.converted);
    if (!view.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("input \"", spec.name, "\": ", view.status().message()));
    }
    decoded.inputs[*index] = *view;
  }
  for (size_t i = 0; i < specs.size(); ++i) {
    if (!seen(i)) {
      return absl::InvalidArgumentError(absl::StrCat("input \"", specs[i].name, "\" is missing"));
    }
  }
  if (settings.max_batch_rows > 0) {
    decoded.rows = decoded.inputs[0].shape[0];
    for (size_t i = 1; i < specs.size(); ++i) {
      if (decoded.inputs[i].shape[0] == decoded.rows) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "input \"", specs[i].name, "\": expected ", decoded.rows, " rows as in input \"",
          specs[0].name, "\", got ", decoded.inputs[i].shape[0]));
    }
  }
  return decoded;
}

absl::Status CheckRequestedOutputs(const PredictRequest& request, const ModelSettings& settings) {
  if (request.outputs.empty()) return absl::OkStatus();
  std::vector<bool> as_tensor(settings.outputs.size(), false);
  std::vector<bool> as_classes(settings.outputs.size(), false);
  for (const PredictRequest::Output& wanted : request.outputs) {
    const std::optional<size_t> index = IndexOf(settings.outputs, wanted.name);
    if (!index) {
      return absl::InvalidArgumentError(
          absl::StrCat("output \"", Printable(wanted.name),
                       "\" is unknown; the model's outputs are: ", Names(settings.outputs)));
    }
    const TensorSpec& spec = settings.outputs[*index];
    const bool classes = wanted.top_k > 0;
    std::vector<bool>& seen = classes ? as_classes : as_tensor;
    if (seen[*index]) {
      return absl::InvalidArgumentError(
          absl::StrCat("output \"", spec.name, "\" was asked for twice in the same form"));
    }
    seen[*index] = true;
    const bool scores = spec.type == v1::TYPE_FP32 || spec.type == v1::TYPE_FP64;
    if (classes && (!scores || spec.dims.size() != 1)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "output \"", spec.name, "\": top_k takes one dimension of TYPE_FP32 or TYPE_FP64, it is ",
          v1::DataType_Name(spec.type), " ", ExpectedShape(settings, spec)));
    }
  }
  return absl::OkStatus();
}

void EncodeOutputs(const PredictRequest& request, const ModelSettings& settings,
                   absl::Span<const TensorView> outputs, WireWriter& writer) {
  if (request.outputs.empty()) {
    for (size_t i = 0; i < outputs.size(); ++i) {
      EncodeTensor(settings.outputs[i].name, outputs[i], writer);
    }
    return;
  }
  for (const PredictRequest::Output& wanted : request.outputs) {
    const size_t index = *IndexOf(settings.outputs, wanted.name);
    const TensorSpec& spec = settings.outputs[index];
    if (wanted.top_k == 0) {
      EncodeTensor(spec.name, outputs[index], writer);
      continue;
    }
    const WireWriter::Message classification(writer,
                                             v1::PredictResponse::kClassificationsFieldNumber);
    writer.Bytes(v1::Classification::kOutputNameFieldNumber, spec.name);
    const auto rank = outputs[index].type == v1::TYPE_FP32 ? RankRows<float> : RankRows<double>;
    const int top_k = std::min<uint32_t>(wanted.top_k, std::numeric_limits<int>::max());
    rank(outputs[index], spec.labels, top_k, writer);
  }
}

}  // namespace weir
