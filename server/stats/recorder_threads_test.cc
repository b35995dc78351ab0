// The recorder under many threads: totals are exact.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "server/stats/decoded_push.h"
#include "server/stats/recorder.h"

namespace weir {
namespace {

const VersionDefinition kDefinition = {.model = "m",
                                       .version = 1,
                                       .max_batch_rows = 8,
                                       .classes = {"a", "b"},
                                       .has_values = true,
                                       .value_bounds = {0}};

DecodedPush Decode(Recorder& recorder) {
  v1::PushRequest push;
  recorder.FillPush(push);
  return DecodedPush(push);
}

// What one request records.
void RecordOne(VersionStats& stats, int i) {
  stats.RecordStart();
  stats.RecordBatch(2, absl::Nanoseconds(10));
  stats.RecordClass(i % 3, 0.5F);
  stats.RecordValue(i % 2 == 0 ? 0.25 : -0.25);
  stats.RecordAnswer({.rows = 2, .total_ns = 1000, .stage_ns = {1, 2, 3, 4}});
}

void ExpectTotals(Recorder& recorder, uint64_t requests) {
  const DecodedPush push = Decode(recorder);
  const auto count = static_cast<double>(requests);
  const std::vector<std::string> labels = {"m", "1"};
  EXPECT_EQ(push.Value("weir_requests_total", {"m", "1", "OK"}), count);
  EXPECT_EQ(push.Value("weir_rows_total", labels), 2 * count);
  EXPECT_EQ(push.Value("weir_batches_total", labels), count);
  EXPECT_EQ(push.Get("weir_batch_rows", labels).Count(), requests);
  EXPECT_EQ(push.Get("weir_request_duration_seconds", labels).Count(), requests);
  EXPECT_EQ(
      push.Get("weir_request_duration_seconds", labels).log_linear.at(HistogramBucketOf(1000)),
      requests);
  EXPECT_DOUBLE_EQ(push.Value("weir_request_duration_seconds", labels), count * 1000 / 1e9);
  EXPECT_DOUBLE_EQ(push.Value("weir_stage_duration_seconds", {"m", "1", "respond"}),
                   count * 4 / 1e9);
  EXPECT_EQ(push.Get("weir_prediction_confidence_ratio", labels).Count(), requests);
  EXPECT_EQ(push.Value("weir_prediction_confidence_ratio", labels), count / 2);
  EXPECT_EQ(push.Get("weir_prediction_value", labels).Count(), requests);
  EXPECT_EQ(push.Value("weir_prediction_value_sum_total", {"m", "1", "positive"}), count / 8);
  EXPECT_EQ(push.Value("weir_prediction_value_sum_total", {"m", "1", "negative"}), count / 8);
}

void RunThreads(VersionStats& stats, int threads, int requests) {
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&stats, requests] {
      for (int i = 0; i < requests; ++i) RecordOne(stats, i);
    });
  }
  for (std::thread& thread : running) thread.join();
}

// The argument is the number of shards, for eight threads at a time.
class RecorderThreadsTest : public testing::TestWithParam<int> {};

TEST_P(RecorderThreadsTest, TotalsAreExactAlsoOverThreadsThatHaveEnded) {
  const auto recorder = *Recorder::Create({.replica = "r", .shards = GetParam()});
  VersionStats& stats = recorder->ForVersion(kDefinition);
  for (int round = 1; round <= 5; ++round) {
    RunThreads(stats, 8, 2000);
    ExpectTotals(*recorder, round * 8 * 2000);
    EXPECT_EQ(stats.in_flight(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, RecorderThreadsTest, testing::Values(0, 1, 3, 16));

TEST(RecorderThreadsTest, NoCountFallsWhileOthersRecordAndVersionsAreAdded) {
  const auto recorder = *Recorder::Create({.replica = "r", .shards = 2});
  VersionStats& stats = recorder->ForVersion(kDefinition);
  std::atomic<bool> stop = false;  // Stands for itself.
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; !stop; ++i) {
        RecordOne(stats, i);
        recorder->Unresolved(i % 2 == 0 ? "m" : "n").RecordAnswer({});
      }
    });
  }
  std::map<std::string, DecodedPush::Series> before;
  for (int version = 2; version < 40; ++version) {
    const DecodedPush push = Decode(*recorder);
    for (const auto& [name, series] : before) {
      const DecodedPush::Series& now = push.series().at(name);
      EXPECT_GE(now.value, series.value) << name;
      for (size_t i = 0; i < series.buckets.size(); ++i) {
        EXPECT_GE(now.buckets[i], series.buckets[i]) << name;
      }
    }
    before = push.series();
    VersionDefinition definition = kDefinition;
    definition.version = version;
    RecordOne(recorder->ForVersion(definition), 0);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stats.in_flight(), 0);
}

// Each request comes on one thread and is answered on the other.
TEST(RecorderThreadsTest, RequestsInFlightNeverReadLow) {
  constexpr int kHeld = 5;
  constexpr int kRounds = 20'000;
  const auto recorder = *Recorder::Create({.replica = "r", .shards = 16});
  VersionStats& stats = recorder->ForVersion(kDefinition);
  for (int i = 0; i <= kHeld; ++i) stats.RecordStart();
  std::atomic<int> turn = 0;       // Its store releases what was recorded before.
  std::atomic<bool> done = false;  // Stands for itself.
  const auto play = [&](int self) {
    for (int i = 0; i < kRounds; ++i) {
      turn.wait(1 - self);
      stats.RecordAnswer({});
      stats.RecordStart();
      turn.store(1 - self);
      turn.notify_one();
    }
    done = true;
  };
  std::thread first(play, 0);
  std::thread second(play, 1);
  int64_t lowest = kHeld + 1;
  while (!done) lowest = std::min(lowest, stats.in_flight());
  first.join();
  second.join();
  EXPECT_GE(lowest, kHeld);
  EXPECT_EQ(stats.in_flight(), kHeld + 1);
}

TEST(RecorderThreadsTest, WhatAThreadRecordedBeforeItSaidSoIsInTheNextPush) {
  const auto recorder = *Recorder::Create({.replica = "r", .shards = 1});
  VersionStats& stats = recorder->ForVersion(kDefinition);
  for (int i = 1; i <= 200; ++i) {
    std::atomic<bool> recorded = false;  // Its store releases what was recorded before.
    std::thread thread([&] {
      RecordOne(stats, i);
      recorded.store(true);
      recorded.notify_one();
    });
    recorded.wait(false);
    EXPECT_EQ(Decode(*recorder).Value("weir_requests_total", {"m", "1", "OK"}), i);
    thread.join();
  }
}

}  // namespace
}  // namespace weir
