#include "loadgen/report/report_text.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::LoadReport Report(const std::string& more = "") {
  v1::LoadReport report;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrCat(
          R"(scenario: "hello" description: "About 100 requests per second." seconds: 60
             started: "2026-11-21T14:00:00Z"
             generator {
               kept_up: true cpu_seconds: 1.26 peak_resident_bytes: 31.4e6
               send_lag { p50: 12e-6 p99: 55e-6 max: 0.0021 }
             }
             models {
               model: "fashion-fast" sent: 2000 answered: 1950 answered_per_second: 32.5
               codes { code: "OK" count: 1950 } codes { code: "RESOURCE_EXHAUSTED" count: 40 }
               codes { code: "UNAVAILABLE" count: 10 }
               latency { p50: 310e-6 p90: 520e-6 p99: 1.25e-3 p999: 3.1e-3 max: 3.4e-3 }
               quality { metric: "accuracy" value: 0.8912 low: 0.8766 high: 0.9043 rows: 1950 }
             }
             models { model: "silent" }
             all_models {
               sent: 2000 answered: 1950 answered_per_second: 32.5
               codes { code: "OK" count: 1950 } codes { code: "UNAVAILABLE" count: 50 }
               latency { p50: 310e-6 p90: 520e-6 p99: 1.25e-3 p999: 3.1e-3 max: 3.4e-3 }
             } )",
          more),
      &report));
  return report;
}

TEST(ReportTextTest, ShowsEachModelAndAllOfThem) {
  EXPECT_EQ(ReportText(Report(), false),
            R"(hello: About 100 requests per second.
60.0 s, begun 2026-11-21T14:00:00Z

model          sent  answered  failed  answered/s     p50     p90      p99    p99.9      max
fashion-fast  2,000     1,950      50        32.5  310 us  520 us  1.25 ms  3.10 ms  3.40 ms
silent            0         0       0        0.00       -       -        -        -        -
all           2,000     1,950      50        32.5  310 us  520 us  1.25 ms  3.10 ms  3.40 ms

failed        code                requests   share
fashion-fast  RESOURCE_EXHAUSTED        40  2.00 %
fashion-fast  UNAVAILABLE               10  0.50 %

quality       metric      value  95 % sure            rows
fashion-fast  accuracy  89.12 %  87.66 % to 90.43 %  1,950

Generator: requests were sent 12.0 us late (p50), 55.0 us (p99), 2.10 ms at most; 1.3 s of processor time, 31 MB of memory
)");
}

TEST(ReportTextTest, SeveralPhasesHaveATableOfTheirOwn) {
  const std::string text = ReportText(Report(R"(
    phases { name: "warm-up" seconds: 5 warm_up: true models { model: "fashion-fast" sent: 7 } }
    phases { name: "steady" seconds: 60
             models { model: "fashion-fast" sent: 2000 } models { model: "silent" } }
    phases { name: "pause" seconds: 1 })"),
                                      false);
  EXPECT_THAT(text, HasSubstr("phase                  seconds  model              sent  answered"));
  EXPECT_THAT(text, HasSubstr("\nwarm-up (not counted)      5.0  fashion-fast          7  "));
  EXPECT_THAT(text, HasSubstr("\nsteady                    60.0  fashion-fast      2,000  "));
  EXPECT_THAT(text, HasSubstr("\n                                silent                0  "));
  EXPECT_THAT(text, HasSubstr("\npause                      1.0  nothing was sent\n"));
}

TEST(ReportTextTest, PhasesTellTheirQuality) {
  const std::string text = ReportText(Report(R"(
    phases { name: "usual" seconds: 60 models { model: "fashion-fast" sent: 2000
             quality { metric: "accuracy" value: 0.9 low: 0.89 high: 0.91 rows: 2000 } } }
    phases { name: "inverted" seconds: 60 models { model: "fashion-fast" sent: 1900
             quality { metric: "accuracy" value: 0.2 low: 0.19 high: 0.21 rows: 1900 } }
             models { model: "silent" } })"),
                                      false);
  EXPECT_THAT(text, HasSubstr("  max  quality  95 % sure\n"));
  EXPECT_THAT(text, HasSubstr("  -  90.00 %  89.00 % to 91.00 %\n"));
  EXPECT_THAT(text, HasSubstr("  -  20.00 %  19.00 % to 21.00 %\n"));
}

TEST(ReportTextTest, OnePhaseIsNotRepeated) {
  EXPECT_THAT(ReportText(Report("phases { name: \"steady\" seconds: 60 }"), false),
              Not(HasSubstr("steady")));
}

TEST(ReportTextTest, ARunThatEndedInItsWarmUpShowsIt) {
  const std::string text =
      ReportText(Report("phases { name: \"warm-up\" seconds: 5 warm_up: true }"), false);
  EXPECT_THAT(text, HasSubstr("\nwarm-up (not counted)      5.0  nothing was sent\n"));
}

TEST(ReportTextTest, RequirementsAreShownWithTheirValues) {
  const v1::LoadReport report = Report(R"(
    requirements { text: "fashion-fast.p99<20ms" value: 0.00125 met: true }
    requirements { text: "error_ratio<0.01" value: 0.025 }
    requirements { text: "silent.p99<1s" problem: "no answers" })");
  EXPECT_THAT(ReportText(report, false), HasSubstr("\nrequirement                    measured\n"
                                                   "fashion-fast.p99<20ms  met     1.25 ms\n"
                                                   "error_ratio<0.01       FAILED  2.50 %\n"
                                                   "silent.p99<1s          FAILED  no answers\n"));
  EXPECT_THAT(ReportText(report, true), HasSubstr("\x1b[1;31mFAILED\x1b[0m"));
}

TEST(ReportTextTest, WarningsAreRed) {
  const v1::LoadReport report = Report("warnings: \"The generator could not keep up.\"");
  EXPECT_THAT(ReportText(report, true),
              HasSubstr("\n\x1b[1;31mWARNING: The generator could not keep up.\x1b[0m\n"));
  EXPECT_THAT(ReportText(report, false),
              HasSubstr("\nWARNING: The generator could not keep up.\n"));
}

TEST(ReportTextTest, AnInterruptedRunSaysSo) {
  EXPECT_THAT(ReportText(Report("interrupted: true"), false),
              HasSubstr("60.0 s, begun 2026-11-21T14:00:00Z, interrupted\n"));
}

TEST(ReportTextTest, WithoutColoursThereAreNoEscapes) {
  EXPECT_THAT(ReportText(Report("interrupted: true warnings: \"w\""), false),
              Not(HasSubstr("\x1b")));
}

TEST(ReportTextTest, OneModelHasNoLineForAll) {
  v1::LoadReport report = Report();
  report.mutable_models()->RemoveLast();
  EXPECT_THAT(ReportText(report, false), Not(HasSubstr("\nall ")));
}

TEST(ReportTextTest, AnEmptyReportIsShownToo) {
  EXPECT_THAT(ReportText(v1::LoadReport(), false), HasSubstr("0.0 s"));
}

}  // namespace
}  // namespace weir
