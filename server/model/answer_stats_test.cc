#include "server/model/answer_stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/stats/decoded_push.h"
#include "server/stats/recorder.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<std::string> kLabels = {"m", "1"};

// A tensor of `values`, at an address that fits no number.
template <typename T>
Tensor TensorOf(v1::DataType type, std::vector<int64_t> shape, const std::vector<T>& values) {
  return {type, std::move(shape),
          std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T))};
}

Tensor Floats(std::vector<int64_t> shape, const std::vector<float>& values) {
  return TensorOf(v1::TYPE_FP32, std::move(shape), values);
}

// What is counted of answers of a model.
DecodedPush Record(const ModelSettings& settings, const std::vector<Tensor>& outputs) {
  const auto recorder = *Recorder::Create({.replica = "r"});
  VersionStats& stats = recorder->ForVersion(DefineVersion(settings, 1));
  std::vector<std::string> bytes;
  std::vector<TensorView> views;
  for (const Tensor& output : outputs) bytes.push_back("x" + output.data);
  for (size_t i = 0; i < outputs.size(); ++i) {
    views.push_back({outputs[i].type, outputs[i].shape, absl::string_view(bytes[i]).substr(1)});
  }
  RecordOutputs(settings, views, stats);
  v1::PushRequest push;
  recorder->FillPush(push);
  return DecodedPush(push);
}

ModelSettings Classifier(v1::DataType type = v1::TYPE_FP32) {
  return {.name = "m",
          .max_batch_rows = 8,
          .outputs = {{.name = "embedding", .type = v1::TYPE_FP32, .dims = {2}},
                      {.name = "scores", .type = type, .dims = {3}, .labels = {"a", "b", "c"}}}};
}

std::vector<double> Classes(const DecodedPush& push) {
  std::vector<double> counts;
  for (const char* label : {"a", "b", "c"}) {
    counts.push_back(push.Value("weir_predictions_total", {"m", "1", label}));
  }
  return counts;
}

TEST(AnswerStatsTest, EachRowOfAClassifierCountsForItsBestClass) {
  const DecodedPush push = Record(
      Classifier(), {Floats({4, 2}, {9, 9, 9, 9, 9, 9, 9, 9}),
                     Floats({4, 3}, {.1F, .7F, .2F, 1, 0, 0, .2F, .3F, .5F, .2F, .2F, .6F})});
  EXPECT_THAT(Classes(push), ElementsAre(1, 1, 2));
  const auto& confidence = push.Get("weir_prediction_confidence_ratio", kLabels);
  EXPECT_EQ(confidence.Count(), 4u);
  EXPECT_NEAR(confidence.value, .7 + 1 + .5 + .6, 1e-6);
}

TEST(AnswerStatsTest, OfEqualScoresTheFirstCountsAndNanIsTheLowest) {
  const float nan = std::nanf("");
  EXPECT_THAT(
      Classes(Record(Classifier(), {Floats({3, 2}, {0, 0, 0, 0, 0, 0}),
                                    Floats({3, 3}, {.4F, .4F, .2F, nan, nan, -1, nan, nan, nan})})),
      ElementsAre(2, 0, 1));
}

TEST(AnswerStatsTest, ScoresMayBeDoubles) {
  const Tensor scores = TensorOf<double>(v1::TYPE_FP64, {1, 3}, {.1, .2, .7});
  EXPECT_THAT(Classes(Record(Classifier(v1::TYPE_FP64), {Floats({1, 2}, {0, 0}), scores})),
              ElementsAre(0, 0, 1));
}

TEST(AnswerStatsTest, AModelWithoutARowDimensionHasOneRow) {
  ModelSettings settings = Classifier();
  settings.max_batch_rows = 0;
  settings.outputs.erase(settings.outputs.begin());
  EXPECT_THAT(Classes(Record(settings, {Floats({3}, {0, 1, 0})})), ElementsAre(0, 1, 0));
}

TEST(AnswerStatsTest, LabelsOfWhatIsNoScoreCountNothing) {
  ModelSettings settings = Classifier(v1::TYPE_INT64);
  EXPECT_THAT(DefineVersion(settings, 1).classes, IsEmpty());
  const Tensor numbers = TensorOf<int64_t>(v1::TYPE_INT64, {1, 3}, {1, 2, 3});
  const DecodedPush push = Record(settings, {Floats({1, 2}, {0, 0}), numbers});
  EXPECT_FALSE(push.Has("weir_predictions_total", {"m", "1", "a"}));
}

TEST(AnswerStatsTest, ValuesOfARegressionFallIntoItsBuckets) {
  const ModelSettings settings = {
      .name = "m",
      .max_batch_rows = 8,
      .outputs = {{.name = "price", .type = v1::TYPE_FP32, .dims = {1}}},
      .value_buckets = {0, 10}};
  const DecodedPush push = Record(settings, {Floats({4, 1}, {-5, 10, 10.5F, 1})});
  const auto& values = push.Get("weir_prediction_value", kLabels);
  EXPECT_THAT(values.bounds, ElementsAre(0, 10));
  EXPECT_THAT(values.buckets, ElementsAre(1, 2, 1));
  EXPECT_EQ(push.Value("weir_prediction_value_sum_total", {"m", "1", "positive"}), 21.5);
  EXPECT_EQ(push.Value("weir_prediction_value_sum_total", {"m", "1", "negative"}), 5);
}

TEST(AnswerStatsTest, SeveralValuesARowAreNone) {
  const ModelSettings settings = {
      .name = "m",
      .max_batch_rows = 8,
      .outputs = {{.name = "point", .type = v1::TYPE_FP32, .dims = {2}}},
      .value_buckets = {0}};
  const DecodedPush push = Record(settings, {Floats({1, 2}, {1, 2})});
  EXPECT_EQ(push.Get("weir_prediction_value", kLabels).Count(), 0u);
}

}  // namespace
}  // namespace weir
