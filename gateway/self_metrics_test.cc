#include "gateway/self_metrics.h"

#include <string>

#include "absl/time/time.h"
#include "gateway/committer.h"
#include "gateway/page_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

std::string Rendered(const SelfMetrics& metrics, const Committer::Counters& counters) {
  PageText out;
  metrics.Render(counters, out);
  return out.ToString();
}

TEST(SelfMetricsTest, AllAreThereFromTheStart) {
  const std::string text = Rendered(SelfMetrics(), {});
  for (const char* const line : {
           "# TYPE weir_gateway_pushes_total counter\n",
           "weir_gateway_pushes_total{result=\"applied\"} 0\n",
           "weir_gateway_pushes_total{result=\"duplicate\"} 0\n",
           "weir_gateway_pushes_total{result=\"rejected\"} 0\n",
           "weir_gateway_series_dropped_total 0\n",
           "weir_gateway_journal_bytes 0\n",
           "weir_gateway_journal_writable 1\n",
           "weir_gateway_journal_sync_seconds_count 0\n",
           "weir_gateway_scrape_duration_seconds_count 0\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(SelfMetricsTest, ShowsWhatTheCommitterCounted) {
  Committer::Counters counters;
  counters.applied = 7;
  counters.duplicate = 2;
  counters.rejected = 1;
  counters.dropped_series = 300;
  counters.journal_bytes = int64_t{3} << 40;
  counters.journal_writable = false;
  counters.sync_counts[0] = 4;
  counters.sync_counts[2] = 3;
  counters.sync_counts.back() = 1;
  counters.sync_sum_seconds = 2.5;
  const std::string text = Rendered(SelfMetrics(), counters);
  for (const char* const line : {
           "weir_gateway_pushes_total{result=\"applied\"} 7\n",
           "weir_gateway_pushes_total{result=\"duplicate\"} 2\n",
           "weir_gateway_pushes_total{result=\"rejected\"} 1\n",
           "weir_gateway_series_dropped_total 300\n",
           "weir_gateway_journal_bytes 3298534883328\n",
           "weir_gateway_journal_writable 0\n",
           "weir_gateway_journal_sync_seconds_bucket{le=\"1e-05\"} 4\n",
           "weir_gateway_journal_sync_seconds_bucket{le=\"0.0001\"} 4\n",
           "weir_gateway_journal_sync_seconds_bucket{le=\"2.5\"} 7\n",
           "weir_gateway_journal_sync_seconds_bucket{le=\"+Inf\"} 8\n",
           "weir_gateway_journal_sync_seconds_sum 2.5\n",
           "weir_gateway_journal_sync_seconds_count 8\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(SelfMetricsTest, ObservesScrapes) {
  SelfMetrics metrics;
  metrics.ObserveScrape(absl::Milliseconds(2));
  metrics.ObserveScrape(absl::Milliseconds(30));
  const std::string text = Rendered(metrics, {});
  EXPECT_THAT(text, HasSubstr("weir_gateway_scrape_duration_seconds_bucket{le=\"0.0025\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weir_gateway_scrape_duration_seconds_count 2\n"));
  EXPECT_THAT(text, HasSubstr("weir_gateway_scrape_duration_seconds_sum 0.032\n"));
}

}  // namespace
}  // namespace weir
