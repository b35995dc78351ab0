#include "server/rpc/fault_injection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

using Metadata = std::vector<std::pair<std::string, std::string>>;

std::string Refusal(const Metadata& metadata) {
  const absl::StatusOr<Fault> fault = ParseFault(metadata);
  EXPECT_EQ(fault.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(fault.status().message());
}

TEST(FaultInjectionTest, MetadataOfOthersAsksForNoFault) {
  for (const Metadata& metadata :
       {Metadata{}, Metadata{{"user-agent", "x"}, {"zz", "1"}}, Metadata{{"weir-other", "x"}}}) {
    const absl::StatusOr<Fault> fault = ParseFault(metadata);
    ASSERT_TRUE(fault.ok()) << fault.status();
    EXPECT_EQ(fault->delay, absl::ZeroDuration());
    EXPECT_TRUE(fault->Outcome(0).ok());
  }
}

TEST(FaultInjectionTest, ADelayIsInMillisecondsAndFailsNothing) {
  const absl::StatusOr<Fault> fault = ParseFault({{"weir-delay-ms", "250"}, {"a", "b"}});
  ASSERT_TRUE(fault.ok()) << fault.status();
  EXPECT_EQ(fault->delay, absl::Milliseconds(250));
  EXPECT_TRUE(fault->Outcome(0).ok());
}

TEST(FaultInjectionTest, ADelayMayHaveAFractionAndLastAMinuteAtMost) {
  EXPECT_EQ(ParseFault({{"weir-delay-ms", "0.5"}})->delay, absl::Microseconds(500));
  EXPECT_EQ(ParseFault({{"weir-delay-ms", "0"}})->delay, absl::ZeroDuration());
  EXPECT_EQ(ParseFault({{"weir-delay-ms", "60000"}})->delay, absl::Minutes(1));
}

TEST(FaultInjectionTest, AMalformedDelayIsRefusedByName) {
  EXPECT_EQ(Refusal({{"weir-delay-ms", "soon"}}),
            "weir-delay-ms: expected milliseconds from 0 to 60000, got \"soon\"");
  for (const char* value : {"", "-1", "60001", "1e300", "nan", "inf", "1s", "1 2"}) {
    EXPECT_THAT(Refusal({{"weir-delay-ms", value}}), HasSubstr(absl::StrCat("\"", value, "\"")));
  }
}

TEST(FaultInjectionTest, ACodeAloneFailsEveryRequest) {
  const absl::StatusOr<Fault> fault = ParseFault({{"weir-fail-code", "UNAVAILABLE"}});
  ASSERT_TRUE(fault.ok()) << fault.status();
  for (const double draw : {0.0, 0.5, 0.999999}) {
    EXPECT_EQ(fault->Outcome(draw).code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(fault->Outcome(0).message(), "a fault that the request asked for with weir-fail-code");
}

TEST(FaultInjectionTest, EveryCodeOfGrpcGoesByNameAndByNumber) {
  const std::vector<std::string> names = {"CANCELLED",
                                          "UNKNOWN",
                                          "INVALID_ARGUMENT",
                                          "DEADLINE_EXCEEDED",
                                          "NOT_FOUND",
                                          "ALREADY_EXISTS",
                                          "PERMISSION_DENIED",
                                          "RESOURCE_EXHAUSTED",
                                          "FAILED_PRECONDITION",
                                          "ABORTED",
                                          "OUT_OF_RANGE",
                                          "UNIMPLEMENTED",
                                          "INTERNAL",
                                          "UNAVAILABLE",
                                          "DATA_LOSS",
                                          "UNAUTHENTICATED"};
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string number = absl::StrCat(i + 1);
    const absl::StatusOr<Fault> by_name = ParseFault({{"weir-fail-code", names[i]}});
    const absl::StatusOr<Fault> by_number = ParseFault({{"weir-fail-code", number}});
    ASSERT_TRUE(by_name.ok()) << by_name.status();
    ASSERT_TRUE(by_number.ok()) << by_number.status();
    EXPECT_EQ(static_cast<size_t>(by_name->fail_code), i + 1);
    EXPECT_EQ(by_number->fail_code, by_name->fail_code);
  }
  EXPECT_EQ(ParseFault({{"weir-fail-code", "internal"}})->fail_code, absl::StatusCode::kInternal);
}

TEST(FaultInjectionTest, ACodeThatIsNoFailureIsRefusedByName) {
  EXPECT_EQ(Refusal({{"weir-fail-code", "OK"}}),
            "weir-fail-code: expected a gRPC code but OK, by name or number, got \"OK\"");
  for (const char* value : {"", "0", "17", "-1", "99999999999", "BROKEN", "14x", "1.0"}) {
    EXPECT_THAT(Refusal({{"weir-fail-code", value}}), HasSubstr(absl::StrCat("\"", value, "\"")));
  }
}

TEST(FaultInjectionTest, ARatioFailsThatPartOfTheDraws) {
  const absl::StatusOr<Fault> fault =
      ParseFault({{"weir-fail-code", "14"}, {"weir-fail-ratio", "0.25"}});
  ASSERT_TRUE(fault.ok()) << fault.status();
  int failed = 0;
  for (int i = 0; i < 1000; ++i) failed += fault->Outcome(i / 1000.0).ok() ? 0 : 1;
  EXPECT_EQ(failed, 250);
}

TEST(FaultInjectionTest, ARatioOfZeroFailsNothingAndOfOneEverything) {
  const auto none = ParseFault({{"weir-fail-code", "14"}, {"weir-fail-ratio", "0"}});
  const auto all = ParseFault({{"weir-fail-code", "14"}, {"weir-fail-ratio", "1"}});
  EXPECT_TRUE(none->Outcome(0).ok());
  EXPECT_FALSE(all->Outcome(0.999999).ok());
}

TEST(FaultInjectionTest, AMalformedRatioIsRefusedByName) {
  EXPECT_EQ(Refusal({{"weir-fail-code", "14"}, {"weir-fail-ratio", "half"}}),
            "weir-fail-ratio: expected a number from 0 to 1, got \"half\"");
  for (const char* value : {"", "-0.1", "1.1", "nan", "50%"}) {
    EXPECT_THAT(Refusal({{"weir-fail-code", "14"}, {"weir-fail-ratio", value}}),
                HasSubstr(absl::StrCat("\"", value, "\"")));
  }
}

TEST(FaultInjectionTest, ARatioWithoutACodeIsRefused) {
  EXPECT_EQ(Refusal({{"weir-fail-ratio", "0.5"}}),
            "weir-fail-ratio: expected together with weir-fail-code, came alone");
}

TEST(FaultInjectionTest, AKeyThatComesTwiceIsRefused) {
  EXPECT_EQ(Refusal({{"weir-delay-ms", "1"}, {"weir-delay-ms", "1"}}),
            "weir-delay-ms: expected once, came several times");
}

TEST(FaultInjectionTest, ARefusalShowsNoControlCharactersAndNoLongValues) {
  EXPECT_THAT(Refusal({{"weir-fail-code", "a\nb"}}), HasSubstr("got \"a\\nb\""));
  const std::string value(10'000, 'x');
  EXPECT_LT(Refusal({{"weir-fail-code", value}}).size(), 200u);
}

}  // namespace
}  // namespace weir
