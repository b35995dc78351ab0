#include "server/stats/gauges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "server/model/fake_servable.h"
#include "server/stats/decoded_push.h"

namespace weir {
namespace {

class GaugesTest : public testing::Test {
 protected:
  VersionStats& Stats(int64_t version) {
    return recorder_->ForVersion({.model = "m", .version = version});
  }

  std::shared_ptr<FakeServable> Make(int64_t version, ModelSettings settings = {.name = "m"}) {
    return std::make_shared<FakeServable>(std::move(settings), version, &Stats(version));
  }

  static Catalog::Version Ready(std::shared_ptr<Servable> servable) {
    const int64_t number = servable->version();
    return {.number = number,
            .state = LoadState::kReady,
            .servable = std::move(servable),
            .loaded = absl::FromUnixSeconds(1'800'000'000),
            .load_duration = absl::Milliseconds(1500)};
  }

  DecodedPush Push() {
    v1::PushRequest push;
    recorder_->FillPush(push);
    gauges_.AddTo(push);
    return DecodedPush(push);
  }

  const std::unique_ptr<Recorder> recorder_ = *Recorder::Create({.replica = "r"});
  Catalog catalog_;
  Gauges gauges_{catalog_, *recorder_};
};

TEST_F(GaugesTest, AnEmptyServerTellsOfItsProcess) {
  const DecodedPush push = Push();
  EXPECT_GT(push.Value("weir_process_cpu_limit_cores", {"r"}), 0);
  EXPECT_GT(push.Value("weir_process_resident_memory_bytes", {"r"}), 0);
  EXPECT_GT(push.Value("weir_process_memory_limit_bytes", {"r"}), 0);
  EXPECT_NEAR(push.Value("weir_process_start_time_seconds", {"r"}),
              absl::ToDoubleSeconds(recorder_->boot_time() - absl::UnixEpoch()), 1e-3);
  EXPECT_EQ(push.families().count("weir_model_info"), 0u);
}

TEST_F(GaugesTest, AReadyVersionTellsWhatItIs) {
  ModelSettings settings = {.name = "m", .family = "fashion", .variant = "fast"};
  settings.slo_latency = absl::Milliseconds(20);
  settings.slo_objective = 0.98;
  settings.slo_availability = 0.999;
  settings.value_limits = {{.bound = 2e7, .ratio = 0.3}};
  settings.quality = {{"accuracy", 0.9}, {"odd", std::numeric_limits<double>::infinity()}};
  settings.batching.levels = {{.max_rows = 10}, {}};
  catalog_.Publish("m", {.versions = {Ready(Make(2, settings))}});
  const DecodedPush push = Push();
  EXPECT_EQ(push.Value("weir_model_info", {"m", "2", "fashion", "fast", "cpu", ""}), 1);
  EXPECT_EQ(push.Value("weir_model_loaded", {"m"}), 1);
  EXPECT_EQ(push.Value("weir_model_load_timestamp_seconds", {"m", "2"}), 1.8e9);
  EXPECT_EQ(push.Value("weir_model_load_duration_seconds", {"m", "2"}), 1.5);
  EXPECT_EQ(push.Value("weir_model_slo_latency_seconds", {"m"}), 0.02);
  EXPECT_EQ(push.Value("weir_model_slo_objective_ratio", {"m", "latency"}), 0.98);
  EXPECT_EQ(push.Value("weir_model_slo_objective_ratio", {"m", "availability"}), 0.999);
  EXPECT_EQ(push.Value("weir_model_value_limit_ratio", {"m", "20000000"}), 0.3);
  EXPECT_EQ(push.Value("weir_model_quality_ratio", {"m", "accuracy"}), 0.9);
  EXPECT_FALSE(push.Has("weir_model_quality_ratio", {"m", "odd"}));
  EXPECT_EQ(push.Value("weir_instances", {"m", "2"}), 1);
  EXPECT_EQ(push.Value("weir_queue_capacity_rows", {"m", "2"}), 10 + kDefaultQueueRows);
  EXPECT_EQ(push.Value("weir_queue_rows", {"m", "2"}), 0);
}

TEST_F(GaugesTest, WithoutAnSloThereIsNone) {
  catalog_.Publish("m", {.versions = {Ready(Make(1))}});
  const DecodedPush push = Push();
  EXPECT_FALSE(push.Has("weir_model_slo_latency_seconds", {"m"}));
  EXPECT_FALSE(push.Has("weir_model_slo_objective_ratio", {"m", "latency"}));
  EXPECT_FALSE(push.Has("weir_model_slo_objective_ratio", {"m", "availability"}));
}

TEST_F(GaugesTest, OfSeveralVersionsTheNewestStandsForTheModel) {
  const auto settings = [](absl::Duration slo) {
    return ModelSettings{.name = "m", .slo_latency = slo};
  };
  catalog_.Publish("m", {.versions = {Ready(Make(1, settings(absl::Seconds(1)))),
                                      Ready(Make(2, settings(absl::Seconds(2)))),
                                      {.number = 3, .state = LoadState::kFailed}}});
  const DecodedPush push = Push();
  EXPECT_EQ(push.Value("weir_model_slo_latency_seconds", {"m"}), 2);
  EXPECT_TRUE(push.Has("weir_model_info", {"m", "1", "", "", "cpu", ""}));
  EXPECT_FALSE(push.Has("weir_model_info", {"m", "3", "", "", "cpu", ""}));
}

TEST_F(GaugesTest, RequestsInFlightCountOnceWhileOneLoadTakesOverFromAnother) {
  const auto leaving = Make(1);
  Stats(1).RecordStart();
  Stats(1).RecordStart();
  catalog_.Publish(
      "m", {.versions = {{.number = 1, .state = LoadState::kUnloading, .unloading = leaving},
                         Ready(Make(1))}});
  const DecodedPush push = Push();
  EXPECT_EQ(push.Value("weir_requests_in_flight", {"m", "1"}), 2);
  EXPECT_EQ(push.Value("weir_instances", {"m", "1"}), 1);
}

TEST_F(GaugesTest, AModelThatShouldBeThereAndIsNotIsTold) {
  catalog_.Publish("loading", {});
  catalog_.Publish("failed", {.absence = Catalog::Absence::kFailed});
  catalog_.Publish("unloaded", {.absence = Catalog::Absence::kUnloaded});
  catalog_.Publish("removed", {.absence = Catalog::Absence::kRemoved});
  const DecodedPush push = Push();
  EXPECT_EQ(push.Value("weir_model_loaded", {"loading"}), 0);
  EXPECT_EQ(push.Value("weir_model_loaded", {"failed"}), 0);
  EXPECT_FALSE(push.Has("weir_model_loaded", {"unloaded"}));
  EXPECT_FALSE(push.Has("weir_model_loaded", {"removed"}));
}

TEST_F(GaugesTest, NamesThatNoLabelCanBearAreEscaped) {
  catalog_.Publish("\xff", {});
  EXPECT_EQ(Push().Value("weir_model_loaded", {"\\xff"}), 0);
}

}  // namespace
}  // namespace weir
