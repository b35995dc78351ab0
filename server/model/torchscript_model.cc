#include "server/model/torchscript_model.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace weir {
namespace {

std::optional<at::ScalarType> ToScalarType(v1::DataType type) {
  switch (type) {
    case v1::TYPE_BOOL:
      return at::kBool;
    case v1::TYPE_UINT8:
      return at::kByte;
    case v1::TYPE_INT8:
      return at::kChar;
    case v1::TYPE_INT16:
      return at::kShort;
    case v1::TYPE_INT32:
      return at::kInt;
    case v1::TYPE_INT64:
      return at::kLong;
    case v1::TYPE_FP16:
      return at::kHalf;
    case v1::TYPE_BF16:
      return at::kBFloat16;
    case v1::TYPE_FP32:
      return at::kFloat;
    case v1::TYPE_FP64:
      return at::kDouble;
    default:
      return std::nullopt;
  }
}

// What a person needs of torch's messages, which go on for pages of stack: the first line, but of a
// failure inside the module the last one, where the module's own words are.
std::string Reason(const std::exception& error) {
  const auto* const c10_error = dynamic_cast<const c10::Error*>(&error);
  absl::string_view text =
      c10_error != nullptr ? c10_error->what_without_backtrace() : error.what();
  text = absl::StripAsciiWhitespace(text);
  if (absl::StrContains(text, "Traceback of TorchScript")) {
    return std::string(text.substr(text.rfind('\n') + 1));
  }
  return std::string(text.substr(0, text.find('\n')));
}

// The N of a name that ends in "__N".
std::optional<size_t> PositionInName(absl::string_view name) {
  const size_t at = name.rfind("__");
  uint32_t position;
  if (at == absl::string_view::npos || !absl::SimpleAtoi(name.substr(at + 2), &position)) {
    return std::nullopt;
  }
  return position;
}

// For each tensor of `specs`, its place among `count` values of the module.
absl::StatusOr<std::vector<size_t>> Positions(const std::vector<TensorSpec>& specs, size_t count,
                                              const std::vector<std::string>& value_names,
                                              absl::string_view what) {
  std::vector<size_t> positions;
  std::vector<bool> taken(count, false);
  for (size_t i = 0; i < specs.size(); ++i) {
    const auto by_name = std::find(value_names.begin(), value_names.end(), specs[i].name);
    size_t position = i;
    if (by_name != value_names.end()) {
      position = by_name - value_names.begin();
    } else if (const std::optional<size_t> in_name = PositionInName(specs[i].name)) {
      position = *in_name;
    }
    if (position >= count || taken[position]) {
      return absl::InvalidArgumentError(
          absl::StrCat("the module has ", count, " ", what, "s (", absl::StrJoin(value_names, ", "),
                       "); ", what, " \"", specs[i].name, "\" of the config is none of them"));
    }
    taken[position] = true;
    positions.push_back(position);
  }
  return positions;
}

class TorchScriptModel : public Model {
 public:
  static absl::StatusOr<std::unique_ptr<Model>> Create(const ModelSettings& settings,
                                                       torch::jit::Module module) {
    module.eval();
    if (!module.find_method("forward")) {
      return absl::InvalidArgumentError("the module has no method forward()");
    }
    if (settings.optimized_execution) module = torch::jit::optimize_for_inference(module);
    auto model = absl::WrapUnique(new TorchScriptModel(settings, std::move(module)));
    std::vector<std::string> arguments;
    for (const auto& argument : model->forward_.function().getSchema().arguments()) {
      arguments.push_back(argument.name());
    }
    arguments.erase(arguments.begin());  // self
    if (arguments.size() != settings.inputs.size()) {
      return absl::InvalidArgumentError(absl::StrCat("forward() takes ", arguments.size(),
                                                     " inputs (", absl::StrJoin(arguments, ", "),
                                                     "), the config has ", settings.inputs.size()));
    }
    WEIR_ASSIGN_OR_RETURN(model->input_positions_,
                          Positions(settings.inputs, arguments.size(), arguments, "input"));
    model->writes_to_inputs_ = model->MayWriteToInputs();
    WEIR_RETURN_IF_ERROR(model->WarmUp());
    return model;
  }

  absl::StatusOr<TensorBundle> Run(absl::Span<const TensorView> inputs) const override {
    try {
      return Forward(inputs);
    } catch (const std::exception& error) {
      return absl::InternalError(Reason(error));
    }
  }

 private:
  TorchScriptModel(const ModelSettings& settings, torch::jit::Module module)
      : settings_(settings), module_(std::move(module)), forward_(module_.get_method("forward")) {}

  absl::StatusOr<TensorBundle> Forward(absl::Span<const TensorView> inputs) const {
    const c10::InferenceMode inference_mode;
    std::vector<c10::IValue> arguments(inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      const TensorView& input = inputs[i];
      at::Tensor tensor = at::from_blob(const_cast<char*>(input.data.data()),
                                        at::IntArrayRef(input.shape.data(), input.shape.size()),
                                        at::TensorOptions(*ToScalarType(input.type)));
      arguments[input_positions_[i]] = writes_to_inputs_ ? tensor.clone() : std::move(tensor);
    }
    WEIR_ASSIGN_OR_RETURN(std::vector<at::Tensor> values, Unpack(forward_(arguments)));
    const auto dense = std::make_shared<std::vector<at::Tensor>>(std::move(values));
    TensorBundle outputs{.owner = dense};
    outputs.views.reserve(dense->size());
    const int64_t rows = settings_.max_batch_rows > 0 ? inputs[0].shape[0] : -1;
    for (size_t i = 0; i < dense->size(); ++i) {
      at::Tensor& value = (*dense)[i];
      WEIR_RETURN_IF_ERROR(CheckOutput(settings_.outputs[i], rows, value));
      value = value.contiguous();
      outputs.views.push_back(
          {.type = settings_.outputs[i].type,
           .shape = absl::MakeConstSpan(value.sizes().data(), value.sizes().size()),
           .data = absl::string_view(static_cast<const char*>(value.data_ptr()), value.nbytes())});
    }
    return outputs;
  }

  // Whether forward() may change its arguments, as x.clamp_() does: then it gets copies of its own.
  bool MayWriteToInputs() const {
    const std::shared_ptr<torch::jit::Graph> graph = forward_.graph()->copy();
    torch::jit::Inline(*graph);
    const torch::jit::AliasDb aliases(graph);
    for (const torch::jit::Value* input : graph->inputs().slice(1)) {
      if (aliases.hasWriters(input)) return true;
    }
    return false;
  }

  // The result of forward() as one tensor for each output of the settings.
  absl::StatusOr<std::vector<at::Tensor>> Unpack(const c10::IValue& result) const {
    std::vector<c10::IValue> values;
    if (result.isGenericDict()) {
      for (const TensorSpec& output : settings_.outputs) {
        const auto dict = result.toGenericDict();
        const auto entry = dict.find(output.name);
        if (entry == dict.end()) {
          return absl::InvalidArgumentError(
              absl::StrCat("forward() returns no output \"", output.name, "\""));
        }
        values.push_back(entry->value());
      }
    } else {
      std::vector<c10::IValue> all = {result};
      if (result.isTuple()) all = result.toTupleRef().elements().vec();
      if (result.isList()) all = result.toListRef().vec();
      WEIR_ASSIGN_OR_RETURN(const std::vector<size_t> positions,
                            Positions(settings_.outputs, all.size(), {}, "output"));
      for (const size_t position : positions) values.push_back(std::move(all[position]));
    }
    std::vector<at::Tensor> tensors;
    for (const c10::IValue& value : values) {
      if (!value.isTensor()) {
        return absl::InvalidArgumentError(
            absl::StrCat("forward() returns ", value.tagKind(), " where a tensor is expected"));
      }
      tensors.push_back(value.toTensor());
    }
    return tensors;
  }

  static absl::Status CheckOutput(const TensorSpec& spec, int64_t rows, const at::Tensor& value) {
    std::vector<int64_t> expected = spec.dims;
    if (rows >= 0) expected.insert(expected.begin(), rows);
    bool fits = value.scalar_type() == *ToScalarType(spec.type) &&
                value.dim() == static_cast<int64_t>(expected.size());
    for (size_t i = 0; fits && i < expected.size(); ++i) {
      fits = expected[i] == -1 || expected[i] == value.size(i);
    }
    if (fits) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "output \"", spec.name, "\": the config says ", v1::DataType_Name(spec.type), " ",
        ShapeToString(expected), ", the module returns ", c10::toString(value.scalar_type()), " ",
        ShapeToString(absl::MakeConstSpan(value.sizes().data(), value.sizes().size()))));
  }

  // The first calls of a module compile it.
  absl::Status WarmUp() const {
    constexpr int kRuns = 3;
    constexpr int64_t kMaxBytes = 64 << 20;  // Of one input; the largest batch may be absurd.
    std::vector<int64_t> row_counts = {1};
    if (settings_.max_batch_rows > 1) row_counts.push_back(settings_.max_batch_rows);
    for (const int64_t rows : row_counts) {
      std::vector<Tensor> zeros;
      for (const TensorSpec& input : settings_.inputs) {
        Tensor tensor{.type = input.type, .shape = input.dims};
        for (int64_t& size : tensor.shape) size = size == -1 ? 1 : size;
        if (settings_.max_batch_rows > 0) tensor.shape.insert(tensor.shape.begin(), rows);
        WEIR_ASSIGN_OR_RETURN(const int64_t count, ElementCount(tensor.shape));
        if (count * ElementBytes(input.type) > kMaxBytes) {
          return absl::InvalidArgumentError(absl::StrCat(
              "input \"", input.name, "\" of shape ", ShapeToString(tensor.shape),
              " is larger than ", kMaxBytes, " bytes; max_batch_size or dims are too large"));
        }
        tensor.data.assign(count * ElementBytes(input.type), '\0');
        zeros.push_back(std::move(tensor));
      }
      std::vector<TensorView> inputs;
      for (const Tensor& tensor : zeros) inputs.push_back({tensor.type, tensor.shape, tensor.data});
      for (int run = 0; run < kRuns; ++run) {
        const absl::StatusOr<TensorBundle> outputs = Run(inputs);
        if (!outputs.ok()) {
          return absl::InvalidArgumentError(
              absl::StrCat("warm-up with ", rows, " rows of zeros: ", outputs.status().message()));
        }
      }
    }
    return absl::OkStatus();
  }

  const ModelSettings& settings_;
  // Calling a method changes nothing in a module, though torch does not say so in its types.
  torch::jit::Module module_;
  mutable torch::jit::Method forward_;
  std::vector<size_t> input_positions_;  // Of each input among forward()'s arguments.
  bool writes_to_inputs_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> LoadTorchScriptModel(const ModelSettings& settings,
                                                            const std::string& path) {
  // torch takes a missing file for a corrupt one.
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::NotFoundError(absl::StrCat(path, ": there is no such file"));
  }
  torch::jit::Module module;
  try {
    module = torch::jit::load(path, at::kCPU);
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not a TorchScript file or a damaged one: ", Reason(error)));
  }
  try {
    absl::StatusOr<std::unique_ptr<Model>> model =
        TorchScriptModel::Create(settings, std::move(module));
    if (model.ok()) return model;
    return absl::Status(model.status().code(), absl::StrCat(path, ": ", model.status().message()));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be prepared: ", Reason(error)));
  }
}

}  // namespace weir
