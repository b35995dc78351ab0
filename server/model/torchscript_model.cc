#include "server/model/torchscript_model.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/passes/common_subexpression_elimination.h>
#include <torch/csrc/jit/passes/constant_pooling.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/peephole.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/interpreter.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "server/model/compute_backend.h"
#include "server/model/load_check.h"
#include "server/model/torch_tensor.h"

namespace weir {
namespace {

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
    model->Compile();
    return model;
  }

  absl::StatusOr<TensorBundle> Run(absl::Span<const TensorView> inputs) const override {
    try {
      SetThreadsWithinOperations(settings_.intra_op_threads);
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
    torch::jit::Stack stack(inputs.size() + 1);
    stack[0] = module_._ivalue();
    for (size_t i = 0; i < inputs.size(); ++i) {
      at::Tensor tensor = ToTorch(inputs[i]);
      stack[input_positions_[i] + 1] = writes_to_inputs_ ? tensor.clone() : std::move(tensor);
    }
    torch::jit::InterpreterState(code_).run(stack);
    WEIR_ASSIGN_OR_RETURN(std::vector<at::Tensor> values, Unpack(stack.front()));
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

  // The interpreter runs forward() itself: torch's executor looks for a plan that suits the
  // arguments at each call, behind a lock.
  void Compile() {
    std::shared_ptr<torch::jit::Graph> graph = forward_.graph()->copy();
    torch::jit::Inline(*graph);
    torch::jit::runRequiredPasses(graph);
    torch::jit::ConstantPropagation(graph);
    torch::jit::EliminateCommonSubexpression(graph);
    torch::jit::PeepholeOptimize(graph);
    torch::jit::ConstantPooling(graph);
    torch::jit::EliminateDeadCode(graph);
    code_ = torch::jit::Code(graph, "forward");
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

  const ModelSettings& settings_;
  // Calling a method changes nothing in a module, though torch does not say so in its types.
  torch::jit::Module module_;
  torch::jit::Method forward_;
  torch::jit::Code code_;
  std::vector<size_t> input_positions_;  // Of each input among forward()'s arguments.
  bool writes_to_inputs_ = false;
};

// The module frozen and optimised, if that gives the same answers.
absl::StatusOr<std::unique_ptr<Model>> Optimized(const ModelSettings& settings,
                                                 const torch::jit::Module& module,
                                                 const LoadCheck& check) {
  try {
    // What torch.jit.optimize_for_inference does in Python. The function of that name in C++
    // freezes only modules that have an attribute `training`, changes the original of others, and
    // does not fold normalisations into convolutions.
    torch::jit::Module frozen = torch::jit::freeze_module(module);
    std::shared_ptr<torch::jit::Graph> graph = frozen.get_method("forward").graph();
    torch::jit::OptimizeFrozenGraph(graph);
    WEIR_ASSIGN_OR_RETURN(
        std::unique_ptr<Model> model,
        TorchScriptModel::Create(settings, torch::jit::optimize_for_inference(frozen)));
    WEIR_RETURN_IF_ERROR(check.Compare(*model));
    return model;
  } catch (const std::exception& error) {
    return absl::InternalError(Reason(error));
  }
}

absl::StatusOr<std::unique_ptr<Model>> Prepare(const ModelSettings& settings,
                                               const std::string& path,
                                               const torch::jit::Module& module) {
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<Model> plain, TorchScriptModel::Create(settings, module));
  WEIR_ASSIGN_OR_RETURN(const LoadCheck check, LoadCheck::Create(settings, *plain));
  if (!settings.optimized_execution) return plain;
  absl::StatusOr<std::unique_ptr<Model>> optimized = Optimized(settings, module, check);
  if (optimized.ok()) return optimized;
  WEIR_LOG(kWarning, "the module runs as it is, since its optimised form fails or differs",
           LogField("model", settings.name), LogField("path", path),
           LogField("difference", optimized.status().message()));
  return plain;
}

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
    absl::StatusOr<std::unique_ptr<Model>> model = Prepare(settings, path, module);
    if (model.ok()) return model;
    return absl::Status(model.status().code(), absl::StrCat(path, ": ", model.status().message()));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be prepared: ", Reason(error)));
  }
}

}  // namespace weir
