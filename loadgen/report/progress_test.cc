#include "loadgen/report/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "loadgen/report/text_table.h"

namespace weir {
namespace {

using absl::Milliseconds;
using absl::Seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const absl::Time kStart = absl::FromUnixSeconds(1000);
const std::vector<LoadProgress::Phase> kPhases = {
    {.name = "warm-up", .warm_up = true, .length = Seconds(10)},
    {.name = "steady", .length = Seconds(90)}};

LoadProgress MakeProgress() { return {"hello", kPhases, kStart}; }

LiveView Live() {
  return {.phase = 1,
          .phase_began = kStart + Seconds(10),
          .seconds = 1,
          .models = {{.model = "fashion-fast",
                      .sent = 33,
                      .answered = 32,
                      .failed = 1,
                      .all_failed = 12,
                      .in_flight = 2,
                      .p50_seconds = 310e-6,
                      .p99_seconds = 0.00125},
                     {.model = "flats-tiny"}}};
}

constexpr LoadProgress::Terminal kPlain = {.width = 80, .height = 24, .colours = false};

// What a terminal shows of a block.
std::vector<std::string> Shown(const std::string& block) {
  const std::string text = absl::StrReplaceAll(block, {{"\x1b[K", ""}, {"\x1b[J", ""}});
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

TEST(LoadProgressBlockTest, ShowsTheTimeLeftThePhaseAndEachModel) {
  LoadProgress progress = MakeProgress();
  EXPECT_EQ(
      Shown(progress.Block(Live(), kStart + Seconds(50), kPlain)),
      std::vector<std::string>(
          {"hello  ━━━━━━━━━━━━━━━━━━━━━━━━━─────────────────────────   50 %  0:50 left",
           "steady, phase 2 of 2",
           "model         sent/s  answered/s  failed/s  failed     p50      p99  in flight",
           "fashion-fast    33.0        32.0      1.00      12  310 us  1.25 ms          2",
           "flats-tiny      0.00        0.00      0.00       0       -        -          0"}));
}

TEST(LoadProgressBlockTest, RatesArePerSecondAlsoOfSeveral) {
  LiveView live = Live();
  live.seconds = 3;
  LoadProgress progress = MakeProgress();
  EXPECT_THAT(progress.Block(live, kStart + Seconds(50), kPlain), HasSubstr(" 11.0  "));
}

TEST(LoadProgressBlockTest, WarmUpIsSaidToBeNotCounted) {
  LiveView live = Live();
  live.phase = 0;
  live.phase_began = kStart;
  LoadProgress progress = MakeProgress();
  const std::string block = progress.Block(live, kStart + Seconds(2), kPlain);
  EXPECT_THAT(block, HasSubstr("warm-up, phase 1 of 2, not counted"));
  EXPECT_THAT(block, HasSubstr("  2 %  1:38 left"));
}

TEST(LoadProgressBlockTest, TheEndWaitsForTheLastAnswers) {
  LiveView live = Live();
  live.phase_ended = true;
  LoadProgress progress = MakeProgress();
  const std::string block = progress.Block(live, kStart + Seconds(101), kPlain);
  EXPECT_THAT(block, HasSubstr("100 %  0:00 left"));
  EXPECT_THAT(block, HasSubstr("waiting for the last answers"));
}

TEST(LoadProgressBlockTest, BeforeTheFirstPhaseNothingIsDone) {
  LoadProgress progress = MakeProgress();
  EXPECT_THAT(progress.Block({}, kStart, kPlain), HasSubstr("  0 %  1:40 left"));
}

TEST(LoadProgressBlockTest, ARunWithoutAKnownEndShowsTheTimeSinceItsBegin) {
  LoadProgress progress("soak", {{.name = "on", .length = absl::InfiniteDuration()}}, kStart);
  const auto shown = Shown(
      progress.Block({.phase = 0, .phase_began = kStart}, kStart + absl::Minutes(61), kPlain));
  EXPECT_EQ(shown[0], "soak  1:01:00");
  EXPECT_EQ(shown[1], "on");
}

TEST(LoadProgressBlockTest, ANewBlockIsWrittenOverTheLastOne) {
  LoadProgress progress = MakeProgress();
  const std::string first = progress.Block(Live(), kStart + Seconds(50), kPlain);
  EXPECT_THAT(first, StartsWith("hello"));
  EXPECT_THAT(first, EndsWith("\x1b[K\n\x1b[J"));
  const std::string second = progress.Block(Live(), kStart + Seconds(51), kPlain);
  EXPECT_THAT(second, StartsWith("\x1b[5Fhello"));
  EXPECT_THAT(second, Not(HasSubstr("\x1b[2K")));
  EXPECT_EQ(progress.Clear(), "\x1b[5F\x1b[J");
  EXPECT_EQ(progress.Clear(), "");
  EXPECT_THAT(progress.Block(Live(), kStart + Seconds(52), kPlain), StartsWith("hello"));
}

TEST(LoadProgressBlockTest, NoLineIsWiderThanTheTerminal) {
  for (int width = 1; width < 120; ++width) {
    LoadProgress progress = MakeProgress();
    const LoadProgress::Terminal terminal = {.width = width, .height = 24, .colours = false};
    for (const std::string& line : Shown(progress.Block(Live(), kStart + Seconds(50), terminal))) {
      EXPECT_LE(TextWidth(line), width) << line;
    }
  }
}

TEST(LoadProgressBlockTest, ABlockIsLowerThanTheTerminal) {
  LiveView live = Live();
  live.models.resize(50, live.models[1]);
  LoadProgress progress = MakeProgress();
  const LoadProgress::Terminal terminal = {.width = 80, .height = 10, .colours = false};
  const auto shown = Shown(progress.Block(live, kStart + Seconds(50), terminal));
  EXPECT_EQ(shown.size(), 9U);
  EXPECT_EQ(shown.back(), "and 45 more");
  EXPECT_THAT(progress.Clear(), StartsWith("\x1b[9F"));
}

TEST(LoadProgressBlockTest, FailuresOfThisSecondAreRed) {
  LoadProgress progress = MakeProgress();
  const std::string block = progress.Block(Live(), kStart + Seconds(50), {.width = 100});
  EXPECT_THAT(block, HasSubstr("\x1b[1;31m1.00\x1b[0m"));
}

TEST(LoadProgressBlockTest, AGeneratorThatIsLateSaysSo) {
  LiveView live = Live();
  live.send_lag_p99_seconds = 0.012;
  LoadProgress progress = MakeProgress();
  EXPECT_THAT(progress.Block(live, kStart, kPlain), HasSubstr("requests are sent 12.0 ms late"));
  live.send_lag_p99_seconds = 0.004;
  EXPECT_THAT(progress.Block(live, kStart, kPlain), Not(HasSubstr("late")));
}

TEST(LoadProgressLinesTest, EachModelHasALineOfKeysAndValues) {
  EXPECT_EQ(MakeProgress().Lines(Live(), kStart + Milliseconds(12500)),
            "at=12 phase=steady model=fashion-fast sent=33 answered=32 failed=1 in_flight=2 "
            "p50_ms=0.310 p99_ms=1.250\n"
            "at=12 phase=steady model=flats-tiny sent=0 answered=0 failed=0 in_flight=0\n");
}

TEST(LoadProgressLinesTest, NothingIsSaidBeforeASecondIsOver) {
  EXPECT_EQ(MakeProgress().Lines(Live(), kStart + Milliseconds(999)), "");
}

TEST(LoadProgressLinesTest, WhatIsWaitedForAtTheEndIsDrained) {
  LiveView live = Live();
  live.phase_ended = true;
  EXPECT_THAT(MakeProgress().Lines(live, kStart + Milliseconds(1500)), HasSubstr(" phase=drain "));
}

TEST(LoadProgressLinesTest, NamesThatWouldBreakALineAreQuoted) {
  LoadProgress progress("x", {{.name = "a \"b\"\n", .length = Seconds(1)}}, kStart);
  const LiveView live = {.phase = 0, .models = {{.model = "m"}}};
  EXPECT_THAT(progress.Lines(live, kStart + Milliseconds(1500)),
              HasSubstr(R"(phase="a \"b\"\n" model=m)"));
}

TEST(LoadProgressTest, ALookComesInTheMiddleOfEachSecond) {
  const LoadProgress progress = MakeProgress();
  EXPECT_EQ(progress.NextLook(kStart), kStart + Milliseconds(500));
  EXPECT_EQ(progress.NextLook(kStart + Milliseconds(499)), kStart + Milliseconds(500));
  EXPECT_EQ(progress.NextLook(kStart + Milliseconds(500)), kStart + Milliseconds(1500));
  EXPECT_EQ(progress.NextLook(kStart + Milliseconds(7800)), kStart + Milliseconds(8500));
}

}  // namespace
}  // namespace weir
