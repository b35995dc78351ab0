#include "tests/alerts/durations.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(DurationsTest, SettingsGetShorter) {
  EXPECT_EQ(SpeedUp("  for: 1m\n", 20), "  for: 3000ms\n");
  EXPECT_EQ(SpeedUp("- {interval: 30s, rules: []}", 20), "- {interval: 1500ms, rules: []}");
  EXPECT_EQ(SpeedUp("keep_firing_for: '1h30m' # why", 10), "keep_firing_for: '540000ms' # why");
  EXPECT_EQ(SpeedUp("group_wait: 20s\nrepeat_interval: 2d\nscrape_timeout: 5s", 20),
            "group_wait: 1000ms\nrepeat_interval: 8640000ms\nscrape_timeout: 250ms");
}

TEST(DurationsTest, RangesStepsAndOffsetsGetShorter) {
  EXPECT_EQ(SpeedUp("rate(a[5m]) / rate(b[3d])", 20), "rate(a[15000ms]) / rate(b[12960000ms])");
  EXPECT_EQ(SpeedUp("max_over_time(a[1h:1m]) + a[1h:] offset 5m - b offset -10s", 10),
            "max_over_time(a[360000ms:6000ms]) + a[360000ms:] offset 30000ms - b offset -1000ms");
}

TEST(DurationsTest, PhasesOfALoadGetShorterAndItsFaultsStay) {
  EXPECT_EQ(SpeedUp("phases { name: \"5m\" duration: \"5m\" rate: 60\n"
                    "  traffic { timeout: \"10s\" faults { delay: \"2s\" } } }\n",
                    20),
            "phases { name: \"5m\" duration: \"15000ms\" rate: 60\n"
            "  traffic { timeout: \"10s\" faults { delay: \"2s\" } } }\n");
}

TEST(DurationsTest, NamesLabelsThresholdsAndTextsStay) {
  const char kRule[] =
      "- alert: WaitFor5m\n"
      "  expr: model:weir_requests:rate5m > 300 and a:b:ratio_rate1h[5] > 14.4\n"
      "  labels: {window: 1h, severity: critical}\n"
      "  annotations: {summary: 'for 5m nobody asked, an offset of 5metres'}\n";
  EXPECT_EQ(SpeedUp(kRule, 20), kRule);
}

TEST(DurationsTest, NoDurationBecomesZero) {
  EXPECT_EQ(SpeedUp("for: 1ms, rate(a[1ms])", 20), "for: 1ms, rate(a[1ms])");
  EXPECT_EQ(SpeedUp("for: 0s", 20), "for: 0ms") << "but for those that are";
}

}  // namespace
}  // namespace weir
