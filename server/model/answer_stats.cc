#include "server/model/answer_stats.h"

#include <cmath>
#include <cstddef>
#include <cstring>

#include "absl/strings/string_view.h"

namespace weir {
namespace {

bool IsFloat(v1::DataType type) { return type == v1::TYPE_FP32 || type == v1::TYPE_FP64; }

bool HasClasses(const TensorSpec& output) {
  return !output.labels.empty() && output.dims.size() == 1 && IsFloat(output.type);
}

bool HasValues(const ModelSettings& settings) {
  return !settings.value_buckets.empty() && !settings.outputs.empty() &&
         IsFloat(settings.outputs[0].type);
}

// The bytes of a string need not be aligned.
template <typename T>
T Load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

template <typename T>
void RecordClasses(const TensorView& scores, VersionStats& stats) {
  const int64_t classes = scores.shape.back();
  const size_t row_bytes = classes * sizeof(T);
  for (absl::string_view rows = scores.data; rows.size() >= row_bytes;
       rows.remove_prefix(row_bytes)) {
    int64_t best = 0;
    T best_score = Load<T>(rows.data());
    for (int64_t i = 1; i < classes; ++i) {
      const T score = Load<T>(rows.data() + i * sizeof(T));
      // NaN is lower than every number.
      if (score > best_score || (std::isnan(best_score) && !std::isnan(score))) {
        best = i;
        best_score = score;
      }
    }
    stats.RecordClass(best, static_cast<float>(best_score));
  }
}

template <typename T>
void RecordValues(absl::string_view values, VersionStats& stats) {
  for (; values.size() >= sizeof(T); values.remove_prefix(sizeof(T))) {
    stats.RecordValue(static_cast<double>(Load<T>(values.data())));
  }
}

int64_t Rows(const ModelSettings& settings, const TensorView& output) {
  return settings.max_batch_rows > 0 ? output.shape[0] : 1;
}

}  // namespace

VersionDefinition DefineVersion(const ModelSettings& settings, int64_t version) {
  VersionDefinition definition{.model = settings.name,
                               .version = version,
                               .slo_latency = settings.slo_latency,
                               .max_batch_rows = settings.max_batch_rows};
  for (const TensorSpec& output : settings.outputs) {
    if (!HasClasses(output)) continue;
    definition.classes = output.labels;
    break;
  }
  if (HasValues(settings)) {
    definition.has_values = true;
    definition.value_bounds = settings.value_buckets;
  }
  return definition;
}

void RecordOutputs(const ModelSettings& settings, absl::Span<const TensorView> outputs,
                   VersionStats& stats) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!HasClasses(settings.outputs[i])) continue;
    if (outputs[i].shape.empty() || outputs[i].shape.back() < 1) break;
    if (outputs[i].type == v1::TYPE_FP32) {
      RecordClasses<float>(outputs[i], stats);
    } else {
      RecordClasses<double>(outputs[i], stats);
    }
    break;
  }
  if (!HasValues(settings) || outputs.empty()) return;
  // Only where it is one value a row.
  const TensorView& output = outputs[0];
  const auto count = static_cast<int64_t>(output.data.size()) / ElementBytes(output.type);
  if (count != Rows(settings, output)) return;
  if (output.type == v1::TYPE_FP32) {
    RecordValues<float>(output.data, stats);
  } else {
    RecordValues<double>(output.data, stats);
  }
}

}  // namespace weir
