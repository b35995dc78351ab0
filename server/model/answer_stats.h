// What is counted of a model's answers: the classes that it found, or the values that it predicted.
#ifndef WEIR_SERVER_MODEL_ANSWER_STATS_H_
#define WEIR_SERVER_MODEL_ANSWER_STATS_H_

#include <cstdint>

#include "absl/types/span.h"
#include "server/model/model_settings.h"
#include "server/model/tensor.h"
#include "server/stats/version_stats.h"

namespace weir {

// A model with a labelled output of scores, TYPE_FP32 or TYPE_FP64 of one dimension, is a
// classifier: the first such output is counted. One with value buckets, and a first output of
// TYPE_FP32 or TYPE_FP64, is a regression.
VersionDefinition DefineVersion(const ModelSettings& settings, int64_t version);

// Counts each row of an answer: the class with the highest score, or the value. `outputs` are in
// the order of the settings and fit them.
void RecordOutputs(const ModelSettings& settings, absl::Span<const TensorView> outputs,
                   VersionStats& stats);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_ANSWER_STATS_H_
