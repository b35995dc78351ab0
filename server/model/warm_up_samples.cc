#include "server/model/warm_up_samples.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "server/model/made_up_data.h"

namespace weir {
namespace {

constexpr uint32_t kMaxCount = 10'000;

absl::Status Invalid(absl::string_view what) { return absl::InvalidArgumentError(what); }

absl::Status Prefixed(absl::string_view prefix, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(prefix, status.message()));
}

bool Fits(absl::Span<const int64_t> shape, const std::vector<int64_t>& dims) {
  return std::equal(
      shape.begin(), shape.end(), dims.begin(), dims.end(),
      [](int64_t size, int64_t dim) { return size > 0 && (dim == -1 || dim == size); });
}

absl::Status CheckSample(const v1::ModelWarmup& sample, const ModelSettings& settings) {
  const int64_t most = std::max<int64_t>(1, settings.max_batch_rows);
  if (sample.batch_size() < 1 || sample.batch_size() > most) {
    return Invalid(absl::StrCat("batch_size is ", sample.batch_size(), ", expected ",
                                most == 1 ? "1" : absl::StrCat("1 to ", most)));
  }
  if (sample.count() > kMaxCount) {
    return Invalid(absl::StrCat("count is ", sample.count(), ", expected at most ", kMaxCount));
  }
  for (const auto& entry : sample.inputs()) {
    const auto named = [&entry](const TensorSpec& spec) { return spec.name == entry.first; };
    if (absl::c_none_of(settings.inputs, named)) {
      return Invalid(absl::StrCat("the model has no input \"", entry.first, "\""));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckInput(const v1::ModelWarmup::Input& input, const TensorSpec& spec) {
  if (input.data_type() != spec.type) {
    return Invalid(absl::StrCat("data_type is ", v1::DataType_Name(input.data_type()),
                                ", expected ", v1::DataType_Name(spec.type)));
  }
  if (!Fits(input.dims(), spec.dims)) {
    const bool open = absl::c_linear_search(spec.dims, -1);
    return Invalid(absl::StrCat("dims are ", ShapeToString(input.dims()), ", expected ",
                                ShapeToString(spec.dims), open ? " with a size for each -1" : ""));
  }
  if (input.input_data_type_case() == v1::ModelWarmup::Input::INPUT_DATA_TYPE_NOT_SET) {
    return Invalid("expected zero_data, random_data or input_data_file");
  }
  if (absl::StrContains(input.input_data_file(), '/')) {
    return Invalid(absl::StrCat("input_data_file holds a path: ", input.input_data_file()));
  }
  return absl::OkStatus();
}

// The data of one row, or of the only one, repeated for each row of the sample.
absl::StatusOr<Tensor> ReadInput(const v1::ModelWarmup::Input& input, int64_t rows,
                                 const std::string& directory) {
  std::vector<int64_t> shape(input.dims().begin(), input.dims().end());
  if (rows > 0) shape.insert(shape.begin(), rows);
  WEIR_ASSIGN_OR_RETURN(Tensor tensor, ZeroTensor(input.data_type(), std::move(shape)));
  if (input.has_random_data()) FillWithRandom(tensor);
  if (!input.has_input_data_file()) return tensor;
  const std::string path = absl::StrCat(directory, "/", input.input_data_file());
  WEIR_ASSIGN_OR_RETURN(const std::string row, ReadFile(path));
  const size_t row_bytes = tensor.data.size() / std::max<int64_t>(1, rows);
  if (row.size() != row_bytes) {
    return Invalid(absl::StrCat(path, " has ", row.size(), " bytes, expected ", row_bytes));
  }
  for (size_t at = 0; at < tensor.data.size(); at += row_bytes) {
    tensor.data.replace(at, row_bytes, row);
  }
  return tensor;
}

// Without a directory only what the config says is checked, and the sample stays without data.
absl::StatusOr<WarmUpSample> ReadSample(const v1::ModelWarmup& config,
                                        const ModelSettings& settings,
                                        const std::optional<std::string>& directory) {
  WEIR_RETURN_IF_ERROR(CheckSample(config, settings));
  WarmUpSample sample{.name = config.name(),
                      .rows = settings.max_batch_rows > 0 ? config.batch_size() : 0,
                      .count = static_cast<int>(std::max<uint32_t>(1, config.count()))};
  for (const TensorSpec& spec : settings.inputs) {
    const auto at_input = [&spec](const absl::Status& status) {
      return Prefixed(absl::StrCat("input \"", spec.name, "\": "), status);
    };
    const auto input = config.inputs().find(spec.name);
    if (input == config.inputs().end()) return at_input(Invalid("is missing"));
    const absl::Status status = CheckInput(input->second, spec);
    if (!status.ok()) return at_input(status);
    if (!directory.has_value()) continue;
    absl::StatusOr<Tensor> tensor = ReadInput(input->second, sample.rows, *directory);
    if (!tensor.ok()) return at_input(tensor.status());
    sample.inputs.push_back(*std::move(tensor));
  }
  return sample;
}

absl::StatusOr<std::vector<WarmUpSample>> ReadSamples(const v1::ModelConfig& config,
                                                      const ModelSettings& settings,
                                                      const std::optional<std::string>& directory) {
  std::vector<WarmUpSample> samples;
  for (int i = 0; i < config.model_warmup_size(); ++i) {
    const v1::ModelWarmup& sample = config.model_warmup(i);
    absl::StatusOr<WarmUpSample> read = ReadSample(sample, settings, directory);
    if (!read.ok()) {
      return Prefixed(absl::StrCat("model_warmup[", i, "] \"", sample.name(), "\": "),
                      read.status());
    }
    samples.push_back(*std::move(read));
  }
  return samples;
}

}  // namespace

absl::Status CheckWarmUp(const v1::ModelConfig& config, const ModelSettings& settings) {
  return ReadSamples(config, settings, std::nullopt).status();
}

absl::StatusOr<std::vector<WarmUpSample>> ReadWarmUp(const v1::ModelConfig& config,
                                                     const ModelSettings& settings,
                                                     const std::string& model_directory) {
  return ReadSamples(config, settings, absl::StrCat(model_directory, "/warmup"));
}

}  // namespace weir
