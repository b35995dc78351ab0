#include "server/model/load_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/model/output_comparison.h"
#include "server/model/warm_up.h"

namespace weir {
namespace {

constexpr int64_t kSeveralRows = 8;

}  // namespace

absl::StatusOr<LoadCheck> LoadCheck::Create(const ModelSettings& settings, const Model& model) {
  LoadCheck check(settings);
  std::vector<int64_t> row_counts = {1};
  if (settings.max_batch_rows > 1) {
    row_counts.push_back(std::min(settings.max_batch_rows, kSeveralRows));
  }
  for (const int64_t rows : row_counts) {
    WEIR_ASSIGN_OR_RETURN(std::vector<Tensor> made_up, MadeUpInputs(settings, rows));
    TensorBundle inputs = Bundle(std::move(made_up));
    check.made_up_.push_back(std::move(inputs.owner));
    check.cases_.push_back({absl::StrCat(rows, rows == 1 ? " row" : " rows", " of made-up inputs"),
                            std::move(inputs.views)});
  }
  for (const WarmUpSample& sample : settings.warm_up) {
    check.cases_.push_back({absl::StrCat("sample \"", sample.name, "\" of model_warmup")});
    for (const Tensor& input : sample.inputs) check.cases_.back().inputs.push_back(View(input));
  }
  for (Case& one : check.cases_) {
    absl::StatusOr<TensorBundle> outputs = model.Run(one.inputs);
    if (!outputs.ok()) return On(one, outputs.status());
    one.outputs = *std::move(outputs);
  }
  return check;
}

absl::Status LoadCheck::Compare(const Model& other) const {
  for (const Case& one : cases_) {
    const absl::StatusOr<TensorBundle> outputs = other.Run(one.inputs);
    if (!outputs.ok()) return On(one, outputs.status());
    const absl::Status same = CheckSameOutputs(settings_.outputs, one.outputs, *outputs);
    if (!same.ok()) return On(one, same);
  }
  return absl::OkStatus();
}

absl::Status LoadCheck::On(const Case& on, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat("on ", on.description, ": ", status.message()));
}

}  // namespace weir
