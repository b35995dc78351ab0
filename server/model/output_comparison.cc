#include "server/model/output_comparison.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/model/torch_tensor.h"

namespace weir {
namespace {

double Tolerance(v1::DataType type) {
  switch (type) {
    case v1::TYPE_FP64:
      return 1e-6;
    case v1::TYPE_FP32:
      return 1e-3;
    case v1::TYPE_FP16:
    case v1::TYPE_BF16:
      return 1e-2;
    default:
      return 0;
  }
}

double Difference(double expected, double actual) {
  if (expected == actual || (std::isnan(expected) && std::isnan(actual))) return 0;
  const double difference = std::abs(expected - actual);
  return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
}

absl::Status CheckSame(const TensorView& expected, const TensorView& actual) {
  if (expected.data == actual.data && expected.shape == actual.shape) return absl::OkStatus();
  if (expected.shape != actual.shape) {
    return absl::InvalidArgumentError(absl::StrCat("the shape is ", ShapeToString(actual.shape),
                                                   " instead of ", ShapeToString(expected.shape)));
  }
  const double tolerance = Tolerance(expected.type);
  const at::Tensor expected_values = ToTorch(expected).to(at::kDouble);
  const at::Tensor actual_values = ToTorch(actual).to(at::kDouble);
  const auto* const expecteds = expected_values.data_ptr<double>();
  const auto* const actuals = actual_values.data_ptr<double>();
  int64_t worst = -1;
  for (int64_t i = 0; i < expected_values.numel(); ++i) {
    const double allowed =
        std::isfinite(expecteds[i]) ? tolerance * std::max(1.0, std::abs(expecteds[i])) : 0;
    const double difference = Difference(expecteds[i], actuals[i]);
    if (difference <= allowed) continue;
    if (worst < 0 || difference > Difference(expecteds[worst], actuals[worst])) worst = i;
  }
  if (worst < 0 && tolerance > 0) return absl::OkStatus();
  if (worst < 0) return absl::InvalidArgumentError("large integers differ");  // Equal as doubles.
  return absl::InvalidArgumentError(absl::StrCat("it is off by up to ",
                                                 Difference(expecteds[worst], actuals[worst]), ": ",
                                                 actuals[worst], " instead of ", expecteds[worst]));
}

}  // namespace

absl::Status CheckSameOutputs(absl::Span<const TensorSpec> specs, const TensorBundle& expected,
                              const TensorBundle& actual) {
  for (size_t i = 0; i < specs.size(); ++i) {
    const absl::Status status = CheckSame(expected.views[i], actual.views[i]);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("output \"", specs[i].name, "\": ", status.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace weir
