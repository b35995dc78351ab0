#include "loadgen/inputs/request_set.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

constexpr int64_t kMaxBytes = int64_t{64} << 20;  // Of all messages of a set.

bool IsFloating(const v1::TensorDescription& tensor) {
  return tensor.data_type() == v1::TYPE_FP32 || tensor.data_type() == v1::TYPE_FP64;
}

// Whether the server can tell the best class of a row from `output`.
bool HasClasses(const v1::TensorDescription& output) {
  return IsFloating(output) && output.dims_size() == 1 && output.dims(0) != 1;
}

bool HasOneValue(const v1::TensorDescription& output) {
  return IsFloating(output) && std::all_of(output.dims().begin(), output.dims().end(),
                                           [](int64_t size) { return size == 1; });
}

// The output that tells the truth; null if none does.
const v1::TensorDescription* JudgedOutput(const v1::ModelDescription& model, Truth truth) {
  const v1::TensorDescription* found = nullptr;
  for (const v1::TensorDescription& output : model.outputs()) {
    if (truth == Truth::kClass && HasClasses(output) && !output.labels().empty()) return &output;
    const bool fits = (truth == Truth::kClass && HasClasses(output)) ||
                      (truth == Truth::kValue && HasOneValue(output));
    if (fits && found == nullptr) found = &output;
  }
  return found;
}

absl::Status CheckRows(int rows, const v1::ModelDescription& model) {
  const int64_t most = std::max<int64_t>(1, model.max_batch_size());
  if (rows >= 1 && rows <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("rows: ", rows, "; the model takes ", most > 1 ? "1 to " : "", most));
}

absl::Status InTraffic(absl::string_view model, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat("traffic to \"", model, "\": ", status.message()));
}

// `count` rows from `first` on; after the last comes the first.
std::string RowsOf(const Source& source, const SourceInput& input, int64_t first, int64_t count) {
  std::string bytes;
  bytes.reserve(count * input.row_bytes);
  while (count > 0) {
    const int64_t part = std::min(count, source.rows - first);
    input.AppendRows(first, part, bytes);
    count -= part;
    first = 0;
  }
  return bytes;
}

}  // namespace

absl::StatusOr<RequestSet> RequestSet::Create(const v1::LoadTraffic& traffic,
                                              const v1::ModelDescription& model,
                                              const SourceOptions& options) {
  RequestSet set;
  set.rows_ = traffic.rows() == 0 ? 1 : traffic.rows();
  if (const absl::Status status = CheckRows(set.rows_, model); !status.ok()) {
    return InTraffic(model.name(), status);
  }
  absl::StatusOr<Source> source = OpenSource(traffic, model, options);
  if (!source.ok()) return InTraffic(model.name(), source.status());

  v1::PredictRequest request;
  request.mutable_model()->set_name(model.name());
  request.mutable_model()->set_version(traffic.version());
  request.set_priority(traffic.priority());
  if (const v1::TensorDescription* output = JudgedOutput(model, source->truth_is)) {
    v1::RequestedOutput& wanted = *request.add_outputs();
    wanted.set_name(output->name());
    set.judged_ = source->truth_is == Truth::kClass ? Judged::kClasses : Judged::kValues;
    if (set.judged_ == Judged::kClasses) wanted.set_top_k(1);
    set.value_type_ = output->data_type();
    set.truth_ = std::move(source->truth);
  }
  for (int i = 0; i < model.inputs_size(); ++i) {
    v1::Tensor& tensor = *request.add_inputs();
    tensor.set_name(model.inputs(i).name());
    if (model.max_batch_size() > 0) tensor.add_shape(set.rows_);
    for (const int64_t size : source->inputs[i].shape) tensor.add_shape(size);
  }

  const int64_t requests = (source->rows + set.rows_ - 1) / set.rows_;
  for (int64_t i = 0; i < requests; ++i) {
    for (int input = 0; input < model.inputs_size(); ++input) {
      request.mutable_inputs(input)->set_data(
          RowsOf(*source, source->inputs[input], i * set.rows_, set.rows_));
    }
    const auto bytes = static_cast<int64_t>(set.messages_.size() + request.ByteSizeLong());
    if (bytes > kMaxBytes && i > 0) break;
    if (bytes > kMaxBytes) {
      return InTraffic(model.name(), absl::InvalidArgumentError(absl::StrCat(
                                         "rows: a request with ", set.rows_, " rows takes ", bytes,
                                         " bytes; the most are ", kMaxBytes)));
    }
    request.AppendToString(&set.messages_);
    set.ends_.push_back(set.messages_.size());
  }
  set.rows_there_ = source->rows + source->rows_left_out;
  set.rows_used_ = std::min(source->rows, static_cast<int64_t>(set.size()) * set.rows_);
  request.mutable_inputs(0)->mutable_data()->pop_back();
  set.malformed_ = request.SerializeAsString();
  return set;
}

absl::string_view RequestSet::message(int i) const {
  const size_t begin = i == 0 ? 0 : ends_[i - 1];
  return absl::string_view(messages_).substr(begin, ends_[i] - begin);
}

void RequestSet::Judge(int i, absl::string_view response, Quality& quality) const {
  if (judged_ == Judged::kNothing) return;
  quality.LimitDistinctRows(rows_used_);
  const auto truth_of = [&](int row) {
    return truth_[(static_cast<size_t>(i) * rows_ + row) % truth_.size()];
  };
  if (judged_ == Judged::kClasses) {
    absl::InlinedVector<int32_t, 64> classes(rows_);
    const bool read = ReadClasses(response, absl::MakeSpan(classes));
    for (int row = 0; row < rows_; ++row) {
      quality.AddClass(read && classes[row] == static_cast<int32_t>(truth_of(row)));
    }
    return;
  }
  absl::InlinedVector<double, 64> values(rows_);
  const bool read = ReadValues(response, value_type_, absl::MakeSpan(values));
  for (int row = 0; row < rows_; ++row) {
    quality.AddValue(read ? values[row] : std::numeric_limits<double>::quiet_NaN(), truth_of(row));
  }
}

}  // namespace weir
