#include "server/stats/recorder.h"

#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/metrics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/stats/decoded_push.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

VersionDefinition Classifier() {
  return {.model = "fast",
          .version = 3,
          .slo_latency = absl::Milliseconds(20),
          .max_batch_rows = 8,
          .classes = {"shoe", "", "bag"}};
}

std::unique_ptr<Recorder> MakeRecorder(int shards = 4) {
  return *Recorder::Create({.replica = "host:8001", .shards = shards});
}

v1::PushRequest PushOf(Recorder& recorder) {
  v1::PushRequest push;
  recorder.FillPush(push);
  return push;
}

DecodedPush Decode(Recorder& recorder) { return DecodedPush(PushOf(recorder)); }

const AnswerRecord kAnswer = {
    .rows = 3, .total_ns = 20'000'000, .stage_ns = {1'000'000, 2'000'000, 15'000'000, 100'000}};

TEST(RecorderTest, APushHoldsWhatWasRecorded) {
  const auto recorder = MakeRecorder();
  VersionStats& stats = recorder->ForVersion(Classifier());
  stats.RecordStart();
  stats.RecordStart();
  stats.RecordStart();
  stats.RecordAnswer(kAnswer);
  stats.RecordAnswer({.code = absl::StatusCode::kResourceExhausted,
                      .rejection = Rejection::kQueueFull,
                      .rows = 7,
                      .total_ns = 5});
  stats.RecordBatch(3, absl::Milliseconds(15));
  stats.RecordClass(0, 0.93F);
  stats.RecordClass(0, 1.0F);
  stats.RecordClass(2, 0.1F);

  const DecodedPush push = Decode(*recorder);
  const std::vector<std::string> labels = {"fast", "3"};
  EXPECT_EQ(push.Value("weir_requests_total", {"fast", "3", "OK"}), 1);
  EXPECT_EQ(push.Value("weir_requests_total", {"fast", "3", "RESOURCE_EXHAUSTED"}), 1);
  EXPECT_EQ(push.Value("weir_rejections_total", {"fast", "3", "queue_full"}), 1);
  EXPECT_EQ(push.Value("weir_rejections_total", {"fast", "3", "expired"}), 0);
  EXPECT_EQ(push.Value("weir_rows_total", labels), 3);
  EXPECT_EQ(push.Value("weir_batches_total", labels), 1);
  EXPECT_EQ(push.Value("weir_instance_busy_seconds_total", labels), 0.015);
  const DecodedPush::Series& duration = push.Get("weir_request_duration_seconds", labels);
  EXPECT_EQ(duration.value, 0.02);
  EXPECT_EQ(duration.Count(), 1u);
  EXPECT_EQ(duration.bounds[7], 0.02);
  EXPECT_EQ(duration.buckets[7], 1u);
  EXPECT_EQ(duration.log_linear.at(HistogramBucketOf(20'000'000)), 1u);
  EXPECT_EQ(push.Value("weir_stage_duration_seconds", {"fast", "3", "queue"}), 0.001);
  EXPECT_EQ(push.Value("weir_stage_duration_seconds", {"fast", "3", "assemble"}), 0.002);
  EXPECT_EQ(push.Value("weir_stage_duration_seconds", {"fast", "3", "inference"}), 0.015);
  const auto& respond = push.Get("weir_stage_duration_seconds", {"fast", "3", "respond"});
  EXPECT_EQ(respond.value, 0.0001);
  EXPECT_EQ(respond.buckets[0], 1u);
  EXPECT_EQ(push.Get("weir_batch_rows", labels).value, 3);
  EXPECT_THAT(push.Get("weir_batch_rows", labels).bounds, ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(push.Get("weir_batch_rows", labels).buckets, ElementsAre(0, 0, 1, 0, 0));
  EXPECT_EQ(push.Value("weir_predictions_total", {"fast", "3", "shoe"}), 2);
  EXPECT_EQ(push.Value("weir_predictions_total", {"fast", "3", "1"}), 0);
  EXPECT_EQ(push.Value("weir_predictions_total", {"fast", "3", "bag"}), 1);
  EXPECT_EQ(push.Value("weir_predictions_total", {"fast", "3", "other"}), 0);
  const auto& confidence = push.Get("weir_prediction_confidence_ratio", labels);
  EXPECT_THAT(confidence.buckets, ElementsAre(1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1));
  EXPECT_EQ(confidence.value, double{0.93F} + 1.0 + double{0.1F});
  EXPECT_EQ(stats.in_flight(), 1);
}

TEST(RecorderTest, EverySeriesIsThereFromTheStartWithZero) {
  const auto recorder = MakeRecorder();
  recorder->ForVersion(Classifier());
  const DecodedPush push = Decode(*recorder);
  EXPECT_TRUE(push.Has("weir_requests_total", {"fast", "3", "CANCELLED"}));
  EXPECT_TRUE(push.Has("weir_requests_total", {"fast", "3", "UNAUTHENTICATED"}));
  for (const char* reason :
       {"queue_full", "unreachable_deadline", "expired", "cancelled", "invalid", "draining"}) {
    EXPECT_TRUE(push.Has("weir_rejections_total", {"fast", "3", reason})) << reason;
  }
  for (const auto& [name, series] : push.series()) {
    EXPECT_EQ(series.value, 0) << name;
    EXPECT_EQ(series.Count(), 0u) << name;
  }
}

TEST(RecorderTest, FamiliesAreThoseOfTheCatalogue) {
  const auto recorder = MakeRecorder();
  recorder->ForVersion(Classifier());
  recorder->ForVersion({.model = "flats", .version = 1, .has_values = true});
  recorder->Unresolved("fast");
  const DecodedPush push = Decode(*recorder);
  EXPECT_EQ(push.families().size(), 15u);
  for (const auto& [name, family] : push.families()) {
    const Metric* const metric = FindMetric(name);
    ASSERT_NE(metric, nullptr) << name;
    EXPECT_EQ(family.help(), std::string(metric->help));
    EXPECT_EQ(family.label_names_size(), static_cast<int>(metric->labels.size())) << name;
    EXPECT_EQ(family.log_linear(), metric->log_linear) << name;
    EXPECT_EQ(family.without_sum(), metric->without_sum) << name;
  }
}

TEST(RecorderTest, ValuesAreSplitBySignAndTheHistogramHasNoSum) {
  const auto recorder = MakeRecorder();
  VersionStats& stats = recorder->ForVersion(
      {.model = "flats", .version = 1, .has_values = true, .value_bounds = {-1, 0, 10}});
  for (const double value : {-3.0, -1.0, 0.0, 10.0, 10.5, 4.0}) stats.RecordValue(value);
  stats.RecordValue(std::nan(""));
  stats.RecordValue(std::numeric_limits<double>::infinity());
  stats.RecordValue(-std::numeric_limits<double>::infinity());
  const DecodedPush push = Decode(*recorder);
  EXPECT_THAT(push.Get("weir_prediction_value", {"flats", "1"}).buckets, ElementsAre(3, 1, 2, 3));
  EXPECT_EQ(push.Value("weir_prediction_value", {"flats", "1"}), 0);
  EXPECT_EQ(push.Value("weir_prediction_value_sum_total", {"flats", "1", "positive"}), 24.5);
  EXPECT_EQ(push.Value("weir_prediction_value_sum_total", {"flats", "1", "negative"}), 4);
  EXPECT_FALSE(push.Has("weir_predictions_total", {"flats", "1", "other"}));

  for (int i = 0; i < 3; ++i) stats.RecordValue(std::numeric_limits<double>::max());
  EXPECT_TRUE(std::isfinite(
      Decode(*recorder).Value("weir_prediction_value_sum_total", {"flats", "1", "positive"})));
}

TEST(RecorderTest, WhateverAModelSaysEverySumStaysFiniteAndNoBucketIsMissed) {
  const auto recorder = MakeRecorder();
  VersionDefinition definition = Classifier();
  definition.classes.assign(60, "x");
  VersionStats& stats = recorder->ForVersion(definition);
  for (const float score : {std::nanf(""), -1.0F, 0.0F, 2.0F, HUGE_VALF, -HUGE_VALF}) {
    stats.RecordClass(55, score);
  }
  for (const int64_t index : {int64_t{-1}, int64_t{50}, INT64_MAX, INT64_MIN}) {
    stats.RecordClass(index, 0.99F);
  }
  stats.RecordClass(49, 0.5F);
  stats.RecordBatch(-1, -absl::Seconds(1));
  stats.RecordBatch(1'000'000, absl::ZeroDuration());
  stats.RecordAnswer({.rows = -1, .total_ns = -1, .stage_ns = {-1, INT64_MIN, INT64_MAX, 0}});
  stats.RecordAnswer({.code = static_cast<absl::StatusCode>(99)});
  const DecodedPush push = Decode(*recorder);
  const std::vector<std::string> labels = {"fast", "3"};
  EXPECT_EQ(push.Value("weir_predictions_total", {"fast", "3", "other"}), 10);
  EXPECT_EQ(push.Value("weir_predictions_total", {"fast", "3", "x"}), 1);
  const auto& confidence = push.Get("weir_prediction_confidence_ratio", labels);
  EXPECT_EQ(confidence.Count(), 11u);
  EXPECT_EQ(confidence.buckets[0], 4u);
  EXPECT_EQ(confidence.buckets[11], 2u);
  EXPECT_THAT(push.Get("weir_batch_rows", labels).buckets, ElementsAre(1, 0, 0, 0, 1));
  EXPECT_EQ(push.Value("weir_instance_busy_seconds_total", labels), 0);
  EXPECT_EQ(push.Value("weir_rows_total", labels), 0);
  EXPECT_EQ(push.Value("weir_requests_total", {"fast", "3", "UNKNOWN"}), 1);
}

TEST(RecorderTest, AFlatModelAndItsVersionsCountApart) {
  const auto recorder = MakeRecorder();
  VersionDefinition definition = Classifier();
  recorder->ForVersion(definition).RecordAnswer(kAnswer);
  EXPECT_EQ(&recorder->ForVersion(definition), &recorder->ForVersion(definition));
  definition.version = 4;
  recorder->ForVersion(definition).RecordAnswer({.code = absl::StatusCode::kInternal});
  const DecodedPush push = Decode(*recorder);
  EXPECT_EQ(push.Value("weir_requests_total", {"fast", "3", "OK"}), 1);
  EXPECT_EQ(push.Value("weir_requests_total", {"fast", "4", "OK"}), 0);
  EXPECT_EQ(push.Value("weir_requests_total", {"fast", "4", "INTERNAL"}), 1);
}

TEST(RecorderTest, AVersionWhoseBoundsHaveChangedGoesOnBesideWhatItWas) {
  const auto recorder = MakeRecorder();
  VersionDefinition definition = Classifier();
  VersionStats& before = recorder->ForVersion(definition);
  before.RecordAnswer(kAnswer);
  definition.slo_latency = absl::Milliseconds(30);
  VersionStats& after = recorder->ForVersion(definition);
  EXPECT_NE(&before, &after);
  after.RecordAnswer(kAnswer);
  before.RecordAnswer(kAnswer);
  const v1::PushRequest push = PushOf(*recorder);
  v1::Dictionary dictionary;
  ASSERT_TRUE(dictionary.ParseFromString(push.dictionary()));
  for (const v1::MetricFamily& family : dictionary.families()) {
    if (family.name() != "weir_request_duration_seconds") continue;
    ASSERT_EQ(family.series_size(), 2);
    EXPECT_EQ(family.series(0).label_values(0), family.series(1).label_values(0));
    EXPECT_EQ(family.series(0).bounds(7), 0.02);
    EXPECT_EQ(family.series(1).bounds(8), 0.03);
  }
  EXPECT_EQ(DecodedPush(push).Value("weir_requests_total", {"fast", "3", "OK"}), 3);
}

TEST(RecorderTest, RequestsWithoutAVersionCountByTheirModelAndHowTheyEnded) {
  const auto recorder = MakeRecorder();
  VersionStats& unknown = recorder->Unresolved(metric::kUnknownModel);
  EXPECT_EQ(&unknown, &recorder->Unresolved(metric::kUnknownModel));
  unknown.RecordStart();
  unknown.RecordAnswer({.code = absl::StatusCode::kNotFound});
  recorder->Unresolved("fast").RecordAnswer(
      {.code = absl::StatusCode::kUnavailable, .rejection = Rejection::kDraining});
  unknown.RecordAnswer(kAnswer);  // These have no place there.
  unknown.RecordBatch(1, absl::Seconds(1));
  unknown.RecordClass(0, 1);
  unknown.RecordValue(1);
  recorder->RecordLoadFailure("fast");
  recorder->RecordLoadFailure("fast");
  const DecodedPush push = Decode(*recorder);
  EXPECT_EQ(push.Value("weir_requests_total", {"(unknown)", "", "NOT_FOUND"}), 1);
  EXPECT_EQ(push.Value("weir_requests_total", {"(unknown)", "", "OK"}), 1);
  EXPECT_EQ(push.Value("weir_requests_total", {"fast", "", "UNAVAILABLE"}), 1);
  EXPECT_EQ(push.Value("weir_rejections_total", {"fast", "", "draining"}), 1);
  EXPECT_EQ(push.Value("weir_model_load_failures_total", {"fast"}), 2);
  EXPECT_FALSE(push.Has("weir_model_load_failures_total", {"(unknown)"}));
  EXPECT_FALSE(push.Has("weir_rows_total", {"fast", ""}));
}

TEST(RecorderTest, WhatIsOfTheProcessGoesByItsReplica) {
  const auto recorder = MakeRecorder();
  recorder->RecordPushFailure();
  recorder->SetProcessCpu(absl::Milliseconds(1500));
  recorder->SetProcessCpu(absl::Milliseconds(1400));
  recorder->SetProcessCpu(-absl::Milliseconds(1));
  const DecodedPush push = Decode(*recorder);
  EXPECT_EQ(push.Value("weir_process_cpu_seconds_total", {"host:8001"}), 1.5);
  EXPECT_EQ(push.Value("weir_push_failures_total", {"host:8001"}), 1);
}

TEST(RecorderTest, ASnapshotSaysWhoseItIsAndTheNextOneIsNewer) {
  const auto recorder = MakeRecorder();
  const v1::PushRequest first = PushOf(*recorder);
  v1::PushRequest push = first;
  recorder->FillPush(push);
  EXPECT_EQ(first.seq(), 1u);
  EXPECT_EQ(push.seq(), 2u);
  EXPECT_EQ(push.replica(), "host:8001");
  EXPECT_EQ(push.boot_id(), recorder->boot_id());
  EXPECT_EQ(push.boot_id().size(), 16u);
  EXPECT_EQ(push.boot_unix_ns(), absl::ToUnixNanos(recorder->boot_time()));
  EXPECT_FALSE(push.last());
  EXPECT_EQ(push.values_size(), first.values_size());
  EXPECT_NE(MakeRecorder()->boot_id(), recorder->boot_id());
}

TEST(RecorderTest, LabelsThatAreNoTextAreEscaped) {
  const auto recorder = MakeRecorder();
  VersionDefinition definition = Classifier();
  definition.classes = {"a\xff", std::string(1000, 'x'), "K\xc3\xa4se", "other"};
  recorder->ForVersion(definition).RecordClass(3, 1);
  const DecodedPush push = Decode(*recorder);
  EXPECT_TRUE(push.Has("weir_predictions_total", {"fast", "3", "a\\xff"}));
  EXPECT_TRUE(push.Has("weir_predictions_total", {"fast", "3", std::string(256, 'x')}));
  EXPECT_TRUE(push.Has("weir_predictions_total", {"fast", "3", "K\xc3\xa4se"}));
  EXPECT_EQ(push.Value("weir_predictions_total", {"fast", "3", "other"}), 1);
}

TEST(RecorderTest, AReplicaIsAShortText) {
  EXPECT_EQ(Recorder::Create({.replica = ""}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(Recorder::Create({.replica = std::string(129, 'x')}).ok());
  EXPECT_FALSE(Recorder::Create({.replica = "\xff"}).ok());
  EXPECT_TRUE(Recorder::Create({.replica = std::string(128, 'x')}).ok());
}

TEST(RecorderTest, WithoutAStateDirItSaysWhatThatMeans) {
  testing::internal::CaptureStderr();
  MakeRecorder();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("memory only"));
  EXPECT_THAT(log, HasSubstr("if this process is killed"));
}

}  // namespace
}  // namespace weir
