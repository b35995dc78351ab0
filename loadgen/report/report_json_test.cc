#include "loadgen/report/report_json.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::LoadReport Report() {
  v1::LoadReport report;
  report.set_scenario("a \"b\" </c>\n");
  v1::LoadModel& model = *report.add_models();
  model.set_model("fashion-fast");
  model.set_sent(123456789);
  model.mutable_latency()->set_p99(0.1);
  return report;
}

TEST(ReportJsonTest, FieldsHaveTheNamesOfTheProtoFile) {
  const std::string json = *ReportJson(Report());
  EXPECT_THAT(json, HasSubstr("\"answered_per_second\": 0"));
  EXPECT_THAT(json, HasSubstr("\"slo_latency_seconds\": 0"));
  EXPECT_THAT(json, Not(HasSubstr("answeredPerSecond")));
}

TEST(ReportJsonTest, CountsAreNumbers) {
  EXPECT_THAT(*ReportJson(Report()), HasSubstr("\"sent\": 123456789,"));
}

TEST(ReportJsonTest, WhatIsNotKnownIsLeftOut) {
  EXPECT_THAT(*ReportJson(Report()), Not(HasSubstr("\"quality\"")));
}

TEST(ReportJsonTest, ItReadsBackAsTheSameReport) {
  v1::LoadReport read;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(*ReportJson(Report()), &read).ok());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(read, Report()));
}

}  // namespace
}  // namespace weir
