#include "server/model/model_settings.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"
#include "server/model/batching_settings.h"
#include "server/model/model_parameters.h"
#include "server/model/tensor.h"
#include "server/model/warm_up_samples.h"

namespace weir {
namespace {

// Fields of Triton's configuration that weir does not support, wherever they stand.
constexpr const char* kUnsupportedFields[] = {
    "allow_ragged_batch",
    "batch_input",
    "batch_output",
    "cc_model_filenames",
    "ensemble_scheduling",
    "format",
    "gpus",
    "host_policy",
    "is_shape_tensor",
    "metric_tags",
    "model_metrics",
    "model_operations",
    "model_repository_agents",
    "model_transaction_policy",
    "optimization",
    "optional",
    "passive",
    "profile",
    "rate_limiter",
    "reshape",
    "response_cache",
    "runtime",
    "secondary_devices",
    "sequence_batching",
};

absl::Status Invalid(absl::string_view path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

// Keeps the first error of a text, as "<line>:<column>: <message>".
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!text_.empty()) return;
    text_ = absl::StrCat(line + 1, ":", column + 1, ": ", Explain(message));
  }

  const std::string& text() const { return text_; }

 private:
  static std::string Explain(const std::string& message) {
    for (const absl::string_view field : kUnsupportedFields) {
      if (absl::StrContains(message, absl::StrCat("no field named \"", field, "\""))) {
        return absl::StrCat("field \"", field, "\" is known to Triton but not supported by weir");
      }
    }
    return message;
  }

  std::string text_;
};

absl::StatusOr<TensorSpec> ParseTensor(const std::string& name, v1::DataType type,
                                       absl::Span<const int64_t> dims) {
  if (name.empty()) return absl::InvalidArgumentError("name is missing");
  if (type == v1::TYPE_INVALID) return absl::InvalidArgumentError("data_type is missing");
  if (ElementBytes(type) == 0 || type == v1::TYPE_UINT16 || type == v1::TYPE_UINT32 ||
      type == v1::TYPE_UINT64) {
    return absl::InvalidArgumentError(
        absl::StrCat("data_type ", v1::DataType_Name(type), " is not supported by LibTorch"));
  }
  if (dims.empty()) return absl::InvalidArgumentError("dims is missing");
  for (const int64_t size : dims) {
    if (size < 1 && size != -1) {
      return absl::InvalidArgumentError(absl::StrCat("dims holds ", size));
    }
  }
  return TensorSpec{.name = name, .type = type, .dims = {dims.begin(), dims.end()}};
}

// Parses repeated ModelInput or ModelOutput.
template <typename Tensors>
absl::Status ParseTensors(absl::string_view field, const Tensors& tensors,
                          std::vector<TensorSpec>& specs) {
  if (tensors.empty()) return absl::InvalidArgumentError(absl::StrCat(field, " is missing"));
  std::set<std::string> names;
  for (int i = 0; i < tensors.size(); ++i) {
    const absl::StatusOr<TensorSpec> spec =
        ParseTensor(tensors[i].name(), tensors[i].data_type(), tensors[i].dims());
    if (!spec.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, "[", i, "] \"", tensors[i].name(), "\": ", spec.status().message()));
    }
    if (!names.insert(spec->name).second) {
      return absl::InvalidArgumentError(absl::StrCat(field, " \"", spec->name, "\" stands twice"));
    }
    specs.push_back(*spec);
  }
  return absl::OkStatus();
}

// The name under which formats.cc knows the model's format.
absl::StatusOr<std::string> ParseBackend(const v1::ModelConfig& config) {
  if (!config.platform().empty() && config.platform() != "pytorch_libtorch") {
    return absl::InvalidArgumentError(absl::StrCat("platform \"", config.platform(),
                                                   "\" is not supported; expected "
                                                   "\"pytorch_libtorch\""));
  }
  if (!config.backend().empty()) return config.backend();
  if (!config.platform().empty()) return "pytorch";
  return absl::InvalidArgumentError(
      "expected backend: \"pytorch\" or platform: \"pytorch_libtorch\"");
}

// A file beside config.pbtxt.
absl::Status CheckFilename(absl::string_view field, absl::string_view filename) {
  if (!absl::StrContains(filename, '/')) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, " holds a path: ", filename));
}

// So that the share of values above a limit can be told exactly.
absl::Status CheckValueLimits(const ModelSettings& settings) {
  const std::vector<double>& bounds = settings.value_buckets;
  for (const ValueLimit& limit : settings.value_limits) {
    if (std::binary_search(bounds.begin(), bounds.end(), limit.bound)) continue;
    return absl::InvalidArgumentError(absl::StrCat("parameter \"weir.value_limits\": ", limit.bound,
                                                   " is not among weir.value_buckets"));
  }
  return absl::OkStatus();
}

absl::Status ReadConfig(const v1::ModelConfig& config, absl::string_view directory_name,
                        ModelSettings& settings) {
  settings.name = std::string(directory_name);
  if (!config.name().empty() && config.name() != directory_name) {
    return absl::InvalidArgumentError(absl::StrCat(
        "name is \"", config.name(), "\" but the directory is \"", directory_name, "\""));
  }
  WEIR_ASSIGN_OR_RETURN(settings.backend, ParseBackend(config));
  if (config.max_batch_size() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_batch_size is negative: ", config.max_batch_size()));
  }
  settings.max_batch_rows = config.max_batch_size();
  if (!config.default_model_filename().empty()) {
    WEIR_RETURN_IF_ERROR(CheckFilename("default_model_filename", config.default_model_filename()));
    settings.filename = config.default_model_filename();
  }
  settings.version_policy = config.version_policy();
  WEIR_RETURN_IF_ERROR(ParseTensors("input", config.input(), settings.inputs));
  WEIR_RETURN_IF_ERROR(ParseTensors("output", config.output(), settings.outputs));
  for (int i = 0; i < config.output_size(); ++i) {
    WEIR_RETURN_IF_ERROR(CheckFilename("label_filename", config.output(i).label_filename()));
    settings.outputs[i].label_filename = config.output(i).label_filename();
  }
  WEIR_ASSIGN_OR_RETURN(settings.batching, ParseBatching(config));
  WEIR_ASSIGN_OR_RETURN(settings.instances, ParseInstances(config));
  for (const auto& [key, parameter] : config.parameters()) {
    WEIR_RETURN_IF_ERROR(ApplyParameter(key, parameter.string_value(), settings));
  }
  WEIR_RETURN_IF_ERROR(CheckValueLimits(settings));
  return CheckWarmUp(config, settings);
}

absl::StatusOr<v1::ModelConfig> ParseText(absl::string_view text, absl::string_view path) {
  v1::ModelConfig config;
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  if (parser.Parse(&input, &config)) return config;
  return absl::InvalidArgumentError(absl::StrCat(path, ":", error.text()));
}

absl::StatusOr<ModelSettings> ToSettings(const v1::ModelConfig& config,
                                         absl::string_view directory_name, absl::string_view path) {
  ModelSettings settings;
  const absl::Status status = ReadConfig(config, directory_name, settings);
  if (!status.ok()) return Invalid(path, status.message());
  return settings;
}

absl::Status LoadLabels(const std::string& path, TensorSpec& output) {
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  if (!IsUtf8(text)) return Invalid(path, "not UTF-8");
  for (const absl::string_view line :
       absl::StrSplit(absl::StripTrailingAsciiWhitespace(text), '\n')) {
    output.labels.emplace_back(absl::StripSuffix(line, "\r"));
  }
  const int64_t classes = output.dims.back();
  if (classes == -1 || static_cast<int64_t>(output.labels.size()) == classes) {
    return absl::OkStatus();
  }
  return Invalid(path, absl::StrCat("output \"", output.name, "\" has ", classes,
                                    " classes, the file has ", output.labels.size(), " labels"));
}

}  // namespace

absl::StatusOr<ModelSettings> ParseModelConfig(absl::string_view text,
                                               absl::string_view directory_name,
                                               absl::string_view path) {
  WEIR_ASSIGN_OR_RETURN(const v1::ModelConfig config, ParseText(text, path));
  return ToSettings(config, directory_name, path);
}

absl::StatusOr<ModelSettings> LoadModelSettings(const std::string& model_directory) {
  const std::string path = absl::StrCat(model_directory, "/config.pbtxt");
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const std::string name = std::filesystem::path(model_directory).filename();
  WEIR_ASSIGN_OR_RETURN(const v1::ModelConfig config, ParseText(text, path));
  WEIR_ASSIGN_OR_RETURN(ModelSettings settings, ToSettings(config, name, path));
  for (TensorSpec& output : settings.outputs) {
    if (!output.label_filename.empty()) {
      WEIR_RETURN_IF_ERROR(
          LoadLabels(absl::StrCat(model_directory, "/", output.label_filename), output));
    }
  }
  absl::StatusOr<std::vector<WarmUpSample>> samples = ReadWarmUp(config, settings, model_directory);
  if (!samples.ok()) {
    return absl::Status(samples.status().code(),
                        absl::StrCat(path, ": ", samples.status().message()));
  }
  settings.warm_up = *std::move(samples);
  return settings;
}

absl::StatusOr<std::vector<int64_t>> SelectVersions(const v1::ModelVersionPolicy& policy,
                                                    std::vector<int64_t> available) {
  if (available.empty()) return absl::NotFoundError("there is no version directory");
  std::sort(available.begin(), available.end());
  switch (policy.policy_choice_case()) {
    case v1::ModelVersionPolicy::kAll:
      return available;
    case v1::ModelVersionPolicy::kSpecific: {
      std::set<int64_t> wanted(policy.specific().versions().begin(),
                               policy.specific().versions().end());
      for (const int64_t version : wanted) {
        if (!std::binary_search(available.begin(), available.end(), version)) {
          return absl::NotFoundError(absl::StrCat("version_policy names version ", version,
                                                  ", there are: ", absl::StrJoin(available, ", ")));
        }
      }
      if (wanted.empty()) return absl::InvalidArgumentError("version_policy names no version");
      return std::vector<int64_t>(wanted.begin(), wanted.end());
    }
    default: {
      const size_t count =
          std::max<size_t>(1, policy.has_latest() ? policy.latest().num_versions() : 1);
      if (available.size() > count) available.erase(available.begin(), available.end() - count);
      return available;
    }
  }
}

}  // namespace weir
