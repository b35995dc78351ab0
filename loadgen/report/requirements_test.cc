#include "loadgen/report/requirements.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace weir {
namespace {

using testing::HasSubstr;

v1::LoadReport Report() {
  v1::LoadReport report;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(models {
           model: "fashion-fast" sent: 1000 answered: 990 answered_per_second: 99
           codes { code: "OK" count: 990 } codes { code: "UNAVAILABLE" count: 10 }
           latency { mean: 0.004 p50: 0.003 p90: 0.005 p95: 0.006 p99: 0.02 p999: 0.05 max: 0.06 }
           quality { metric: "accuracy" value: 0.87 low: 0.85 high: 0.89 rows: 990 }
         }
         models { model: "flats-v1.5" sent: 5 codes { code: "INTERNAL" count: 5 } }
         models { model: "silent" }
         all_models {
           sent: 1005 answered: 990 answered_per_second: 99
           codes { code: "OK" count: 990 } codes { code: "INTERNAL" count: 15 }
           latency { p99: 0.02 }
         })",
      &report));
  return report;
}

v1::LoadRequirement Check(absl::string_view text) {
  const absl::StatusOr<Requirement> requirement = Requirement::Parse(text);
  EXPECT_TRUE(requirement.ok()) << requirement.status();
  return requirement.ok() ? requirement->Check(Report()) : v1::LoadRequirement();
}

bool Met(absl::string_view text) { return Check(text).met(); }

TEST(RequirementTest, ComparesWithEachOperator) {
  EXPECT_TRUE(Met("fashion-fast.p99<21ms"));
  EXPECT_FALSE(Met("fashion-fast.p99<20ms"));
  EXPECT_TRUE(Met("fashion-fast.p99<=20ms"));
  EXPECT_FALSE(Met("fashion-fast.p99<=19ms"));
  EXPECT_TRUE(Met("fashion-fast.sent>999"));
  EXPECT_FALSE(Met("fashion-fast.sent>1000"));
  EXPECT_TRUE(Met("fashion-fast.sent>=1000"));
  EXPECT_FALSE(Met("fashion-fast.sent>=1001"));
}

TEST(RequirementTest, AQualityThatOnlyPhasesHaveIsLookedForThere) {
  v1::LoadReport report = Report();
  v1::LoadModel& shifted = *report.mutable_models(0);
  *report.add_phases()->add_models() = shifted;
  shifted.clear_quality();
  EXPECT_EQ(Requirement::Parse("fashion-fast.quality>1%")->Check(report).problem(),
            "its inputs were not all shifted alike: see the phases");
  EXPECT_EQ(Requirement::Parse("silent.quality>1%")->Check(report).problem(),
            "the truth is not known");
}

TEST(RequirementTest, WhatOnlyTimedOutHasALatency) {
  v1::LoadReport report = Report();
  v1::LoadModel& stalled = *report.mutable_models(1);
  stalled.mutable_codes(0)->set_code("DEADLINE_EXCEEDED");
  stalled.mutable_latency()->set_p99(1);
  stalled.mutable_latency()->set_max(1);
  const v1::LoadRequirement result = Requirement::Parse("flats-v1.5.p99<20ms")->Check(report);
  EXPECT_FALSE(result.met());
  EXPECT_EQ(result.value(), 1);
  EXPECT_EQ(result.problem(), "");
}

TEST(RequirementTest, EachMetricIsWhatItsNameSays) {
  EXPECT_EQ(Check("fashion-fast.sent<1").value(), 1000);
  EXPECT_EQ(Check("fashion-fast.answered<1").value(), 990);
  EXPECT_EQ(Check("fashion-fast.error_ratio<1").value(), 0.01);
  EXPECT_EQ(Check("fashion-fast.rate<1").value(), 99);
  EXPECT_EQ(Check("fashion-fast.mean<1s").value(), 0.004);
  EXPECT_EQ(Check("fashion-fast.p50<1s").value(), 0.003);
  EXPECT_EQ(Check("fashion-fast.p90<1s").value(), 0.005);
  EXPECT_EQ(Check("fashion-fast.p95<1s").value(), 0.006);
  EXPECT_EQ(Check("fashion-fast.p99<1s").value(), 0.02);
  EXPECT_EQ(Check("fashion-fast.p999<1s").value(), 0.05);
  EXPECT_EQ(Check("fashion-fast.max<1s").value(), 0.06);
  EXPECT_EQ(Check("fashion-fast.quality<1").value(), 0.87);
}

TEST(RequirementTest, ValuesHaveUnits) {
  EXPECT_TRUE(Met("fashion-fast.p50<3001us"));
  EXPECT_FALSE(Met("fashion-fast.p50<2999000ns"));
  EXPECT_TRUE(Met("fashion-fast.p50<0.0031s"));
  EXPECT_TRUE(Met("fashion-fast.p50<1m"));
  EXPECT_TRUE(Met("fashion-fast.p50<31e-1ms"));
  EXPECT_TRUE(Met("fashion-fast.quality>86.9%"));
  EXPECT_FALSE(Met("fashion-fast.quality>0.871"));
  EXPECT_TRUE(Met(" fashion-fast.error_ratio <= 1 % "));
}

TEST(RequirementTest, WithoutAModelItIsAllOfThem) {
  EXPECT_EQ(Check("sent>1").value(), 1005);
  EXPECT_NEAR(Check("error_ratio<0.01").value(), 15 / 1005.0, 1e-12);
  EXPECT_EQ(Check("p99<1s").value(), 0.02);
}

TEST(RequirementTest, AModelsNameMayHaveDots) {
  EXPECT_EQ(Requirement::Parse("flats-v1.5.p99<1s")->model(), "flats-v1.5");
  EXPECT_EQ(Check("flats-v1.5.error_ratio<0.5").value(), 1);
}

TEST(RequirementTest, WhatWasNotMeasuredIsNotMet) {
  EXPECT_FALSE(Met("flats-v1.5.p99<1s"));
  EXPECT_EQ(Check("flats-v1.5.p99<1s").problem(), "no answers");
  EXPECT_FALSE(Met("silent.error_ratio<0.5"));
  EXPECT_EQ(Check("silent.error_ratio<0.5").problem(), "nothing was sent");
  EXPECT_FALSE(Met("silent.quality<1"));
  EXPECT_EQ(Check("silent.quality<1").problem(), "the truth is not known");
  EXPECT_FALSE(Met("other.sent<1"));
  EXPECT_TRUE(Met("silent.sent<1"));
}

TEST(RequirementTest, ValuesReadAsTheirMetric) {
  EXPECT_EQ(Requirement::Parse("p99<1s")->ValueText(0.0123), "12.3 ms");
  EXPECT_EQ(Requirement::Parse("error_ratio<1")->ValueText(0.25), "25.00 %");
  EXPECT_EQ(Requirement::Parse("rate>1")->ValueText(1234), "1,234/s");
  EXPECT_EQ(Requirement::Parse("sent>1")->ValueText(1234), "1,234");
}

TEST(RequirementTest, AMistakeIsNamed) {
  const auto error = [](absl::string_view text) {
    const absl::StatusOr<Requirement> requirement = Requirement::Parse(text);
    EXPECT_EQ(requirement.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_TRUE(absl::StrContains(requirement.status().message(), "requirement \"")) << text;
    return std::string(requirement.status().message());
  };
  EXPECT_THAT(error(""), HasSubstr("has no <"));
  EXPECT_THAT(error("p99=20ms"), HasSubstr("has no <"));
  EXPECT_THAT(error("p98<20ms"), HasSubstr("there is no metric \"p98\"; there are sent, answered"));
  EXPECT_THAT(error("<20ms"), HasSubstr("there is no metric \"\""));
  EXPECT_THAT(error("fashion-fast<20ms"), HasSubstr("there is no metric \"fashion-fast\""));
  EXPECT_THAT(error(".p99<20ms"), HasSubstr("has no model before its dot"));
  EXPECT_THAT(error("p99<20"), HasSubstr("\"20\" is not a time with its unit"));
  EXPECT_THAT(error("p99<"), HasSubstr("\"\" is not a time"));
  EXPECT_THAT(error("p99<ms"), HasSubstr("\"ms\" is not a time"));
  EXPECT_THAT(error("p99<20%"), HasSubstr("is not a time"));
  EXPECT_THAT(error("p99<20 ms!"), HasSubstr("is not a time"));
  EXPECT_THAT(error("p99<nan"), HasSubstr("is not a time"));
  EXPECT_THAT(error("p99<1e999s"), HasSubstr("is not a time"));
  EXPECT_THAT(error("p99<<20ms"), HasSubstr("is not a time"));
  EXPECT_THAT(error("p99>=20ms<30ms"), HasSubstr("is not a time"));
  EXPECT_THAT(error("error_ratio<1ms"), HasSubstr("\"1ms\" is not a share"));
  EXPECT_THAT(error("rate>1%"), HasSubstr("\"1%\" is not a number"));
  EXPECT_THAT(error("quality>80%"), HasSubstr("quality is that of one model"));
  EXPECT_THAT(error("p99\x1b[31m<20ms"), HasSubstr("\\x1b"));
}

TEST(RequirementsTest, AModelThatTheRunLacksIsAnErrorBeforeIt) {
  const auto has_model = [](absl::string_view model) { return model == "fashion-fast"; };
  const auto good = ParseRequirements({"fashion-fast.p99<1s", "p99<1s"}, has_model);
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(good->size(), 2U);
  const auto bad = ParseRequirements({"p99<1s", "fashion-slow.p99<1s"}, has_model);
  EXPECT_EQ(bad.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(bad.status().message()),
              HasSubstr("\"fashion-slow.p99<1s\": the run has no model \"fashion-slow\""));
}

TEST(RequirementsTest, TheReportHoldsEachWithItsValue) {
  const auto parsed =
      ParseRequirements({"fashion-fast.p99<1s", "sent<5"}, [](absl::string_view) { return true; });
  v1::LoadReport report = Report();
  EXPECT_FALSE(CheckRequirements(*parsed, report));
  ASSERT_EQ(report.requirements_size(), 2);
  EXPECT_EQ(report.requirements(0).text(), "fashion-fast.p99<1s");
  EXPECT_TRUE(report.requirements(0).met());
  EXPECT_FALSE(report.requirements(1).met());
  EXPECT_EQ(report.requirements(1).value(), 1005);
  EXPECT_TRUE(CheckRequirements({}, report));
}

}  // namespace
}  // namespace weir
