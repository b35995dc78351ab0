#include "gateway/window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <vector>

#include "base/histogram.h"

namespace weir {
namespace {

using Entry = SparseCounts::Entry;

const absl::Time kStart = absl::UnixEpoch() + absl::Hours(400'000);

std::vector<Entry> BucketsOf(const std::vector<uint64_t>& samples) {
  std::map<uint32_t, uint64_t> counts;
  for (const uint64_t sample : samples) ++counts[HistogramBucketOf(sample)];
  std::vector<Entry> entries;
  for (const auto& [key, count] : counts) entries.push_back({.key = key, .count = count});
  return entries;
}

TEST(SparseCountsTest, AddsAndTakesAwayLikeAMap) {
  std::mt19937 random(1);
  SparseCounts counts;
  std::map<uint32_t, uint64_t> truth;
  std::vector<std::vector<Entry>> added;
  for (int i = 0; i < 2000; ++i) {
    if (!added.empty() && random() % 2 == 0) {
      std::swap(added[random() % added.size()], added.back());
      counts.Subtract(added.back());
      for (const Entry& entry : added.back()) {
        if ((truth[entry.key] -= entry.count) == 0) truth.erase(entry.key);
      }
      added.pop_back();
    } else {
      std::map<uint32_t, uint64_t> more;
      for (uint32_t j = random() % 8; j > 0; --j) more[random() % 40] = 1 + random() % 3;
      std::vector<Entry>& entries = added.emplace_back();
      for (const auto& [key, count] : more) {
        entries.push_back({.key = key, .count = count});
        truth[key] += count;
      }
      counts.Add(entries);
    }
    std::vector<Entry> wanted;
    for (const auto& [key, count] : truth) wanted.push_back({.key = key, .count = count});
    ASSERT_EQ(std::vector<Entry>(counts.entries().begin(), counts.entries().end()), wanted);
  }
}

TEST(ModelWindowsTest, QuantilesAreWithin16PerMilleOfSortedSamples) {
  std::mt19937_64 random(3);
  for (const double sigma : {0.1, 1.0, 3.0}) {
    std::lognormal_distribution<double> durations(std::log(2e6), sigma);
    ModelWindows windows;
    std::vector<uint64_t> minute;
    std::vector<uint64_t> all;
    for (int second = 0; second < 250; ++second) {
      std::vector<uint64_t> samples(100);
      for (uint64_t& sample : samples) sample = static_cast<uint64_t>(durations(random)) + 1;
      windows.AddDurations(kStart + absl::Seconds(second), BucketsOf(samples));
      all.insert(all.end(), samples.begin(), samples.end());
      // The window begins with a slot.
      if (second >= 245 - 60) minute.insert(minute.end(), samples.begin(), samples.end());
    }
    for (auto* const samples : {&minute, &all}) {
      std::sort(samples->begin(), samples->end());
      for (const WindowQuantile& quantile : kWindowQuantiles) {
        const auto rank = static_cast<size_t>(
            std::ceil(quantile.q * static_cast<double>(samples->size()) - 1e-6));
        const double exact = static_cast<double>((*samples)[rank - 1]) / 1e9;
        const double found =
            windows.Quantile(samples == &minute ? kWindow1m : kWindow5m, quantile.q);
        EXPECT_NEAR(found, exact, exact * 0.016) << quantile.name;
      }
    }
  }
}

TEST(ModelWindowsTest, WhatIsOlderThanAWindowLeavesIt) {
  ModelWindows windows;
  EXPECT_TRUE(std::isnan(windows.Quantile(kWindow1m, 0.5)));
  windows.AddDurations(kStart, BucketsOf({1'000'000}));
  windows.AddRequests(kStart, /*ok=*/true, 7);
  windows.AddRequests(kStart, /*ok=*/false, 2);
  for (int second = 0; second < 400; ++second) {
    windows.Advance(kStart + absl::Seconds(second));
    EXPECT_EQ(windows.OkRequests(kWindow1m), second < 65 ? 7u : 0u) << second;
    EXPECT_EQ(windows.Requests(kWindow5m), second < 305 ? 9u : 0u) << second;
    EXPECT_EQ(std::isnan(windows.Quantile(kWindow1m, 0.5)), second >= 65) << second;
    EXPECT_EQ(std::isnan(windows.Quantile(kWindow5m, 0.5)), second >= 305) << second;
  }
}

TEST(ModelWindowsTest, AfterALongPauseNothingOldIsLeft) {
  for (const int pause : {310, 311, 320, 600, 100'000}) {
    ModelWindows windows;
    for (int second = 0; second < 290; second += 3) {
      windows.AddDurations(kStart + absl::Seconds(second), BucketsOf({5'000'000}));
    }
    windows.AddDurations(kStart + absl::Seconds(290 + pause), BucketsOf({1'000'000}));
    EXPECT_NEAR(windows.Quantile(kWindow1m, 1), 1e-3, 2e-5) << pause;
    EXPECT_NEAR(windows.Quantile(kWindow5m, 1), 1e-3, 2e-5) << pause;
  }
}

TEST(ModelWindowsTest, TimeThatGoesBackALittleCountsAsTheLatestAndBeyondThatBeginsAnew) {
  ModelWindows windows;
  windows.AddRequests(kStart, /*ok=*/true, 1);
  windows.AddRequests(kStart - absl::Seconds(20), /*ok=*/true, 1);
  EXPECT_EQ(windows.OkRequests(kWindow1m), 2u);
  windows.AddRequests(kStart - absl::Hours(1), /*ok=*/true, 1);
  EXPECT_EQ(windows.OkRequests(kWindow1m), 1u);
}

}  // namespace
}  // namespace weir
