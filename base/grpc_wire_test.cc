#include "base/grpc_wire.h"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/numbers.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

TEST(GrpcWireTest, AStatusIsANumberUpTo16) {
  EXPECT_EQ(ParseGrpcStatus("0"), absl::StatusCode::kOk);
  EXPECT_EQ(ParseGrpcStatus("16"), absl::StatusCode::kUnauthenticated);
  for (const absl::string_view none : {"", "17", "-1", "OK", "99999999999"}) {
    EXPECT_EQ(ParseGrpcStatus(none), absl::StatusCode::kUnknown) << none;
  }
}

TEST(GrpcWireTest, PercentSignsAreDecodedAndWhatIsNoEscapeStays) {
  EXPECT_EQ(PercentDecoded("100%25 of %C3%a9"), "100% of \xc3\xa9");
  EXPECT_EQ(PercentDecoded("%"), "%");
  EXPECT_EQ(PercentDecoded("%4"), "%4");
  EXPECT_EQ(PercentDecoded("%zz%41"), "%zzA");
  EXPECT_EQ(PercentDecoded(""), "");
}

TEST(GrpcWireTest, AnyBytesSurviveEncoding) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  const std::string encoded = PercentEncoded(all, 1000);
  EXPECT_EQ(PercentDecoded(encoded), all);
  for (const char c : encoded) EXPECT_TRUE(c >= ' ' && c <= '~') << static_cast<int>(c);
  EXPECT_EQ(PercentEncoded("100% of \xc3\xa9\n", 100), "100%25 of %C3%A9%0A");
}

TEST(GrpcWireTest, WhatIsTooLongEndsBetweenTwoCharacters) {
  EXPECT_EQ(PercentEncoded("abc", 3), "abc");
  EXPECT_EQ(PercentEncoded("abcd", 3), "abc");
  EXPECT_EQ(PercentEncoded("a\n", 3), "a");
  EXPECT_EQ(PercentEncoded("a\xc3\xa9", 7), "a%C3%A9");
  EXPECT_EQ(PercentEncoded("a\xc3\xa9z", 7), "a%C3%A9");
  EXPECT_EQ(PercentEncoded("a\xc3\xa9", 6), "a");
  EXPECT_EQ(PercentEncoded("\xa9\xa9\xa9", 4), "");
}

TEST(GrpcWireTest, ATimeoutIsUpToEightDigitsAndAUnit) {
  EXPECT_EQ(ParseGrpcTimeout("1n"), 1);
  EXPECT_EQ(ParseGrpcTimeout("20u"), 20'000);
  EXPECT_EQ(ParseGrpcTimeout("0m"), 0);
  EXPECT_EQ(ParseGrpcTimeout("99999999m"), 99'999'999'000'000);
  EXPECT_EQ(ParseGrpcTimeout("3S"), 3'000'000'000);
  EXPECT_EQ(ParseGrpcTimeout("2M"), 120'000'000'000);
  EXPECT_EQ(ParseGrpcTimeout("1H"), 3'600'000'000'000);
  EXPECT_LE(ParseGrpcTimeout("99999999H"), kMaxTimeoutNs);
  EXPECT_GT(ParseGrpcTimeout("99999999H"), kMaxTimeoutNs / 2);
  for (const absl::string_view none :
       {"", "1", "n", "-1n", "+1n", " 1n", "1 n", "1s", "123456789n"}) {
    EXPECT_EQ(ParseGrpcTimeout(none), std::nullopt) << none;
  }
}

TEST(GrpcWireTest, HttpStatusesAndResetsHaveGrpcsMeaning) {
  EXPECT_EQ(CodeOfHttpStatus(404), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(CodeOfHttpStatus(503), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeOfHttpStatus(500), absl::StatusCode::kUnknown);
  EXPECT_EQ(CodeOfReset(7), absl::StatusCode::kUnavailable);         // REFUSED_STREAM
  EXPECT_EQ(CodeOfReset(8), absl::StatusCode::kCancelled);           // CANCEL
  EXPECT_EQ(CodeOfReset(11), absl::StatusCode::kResourceExhausted);  // ENHANCE_YOUR_CALM
  EXPECT_EQ(CodeOfReset(2), absl::StatusCode::kInternal);            // INTERNAL_ERROR
  EXPECT_EQ(CodeOfReset(12345), absl::StatusCode::kInternal);
}

// In nanoseconds.
double Parsed(absl::string_view timeout) {
  const std::string units = "numSMH";
  const double ns[] = {1, 1e3, 1e6, 1e9, 60e9, 3600e9};
  const size_t unit = units.find(timeout.back());
  timeout.remove_suffix(1);
  double value = 0;
  EXPECT_TRUE(absl::SimpleAtod(timeout, &value));
  EXPECT_LE(timeout.size(), 8);
  return value * ns[unit];
}

TEST(GrpcTimeoutTest, IsRoundedUpALittle) {
  for (double ns = 1; ns < 1e18; ns *= 1.003) {
    const GrpcTimeout timeout(static_cast<int64_t>(ns));
    EXPECT_GE(Parsed(timeout.text()), std::floor(ns)) << timeout.text();
    EXPECT_LE(Parsed(timeout.text()), ns * 1.05 + 1) << timeout.text();
  }
}

TEST(GrpcTimeoutTest, RoundOnesStayWhatTheyAreWhenALittleOfThemHasPassed) {
  for (const int64_t ms : {1, 2, 5, 10, 25, 50, 100, 150, 250, 500, 1000, 1500, 2000, 30'000}) {
    const int64_t ns = ms * 1'000'000;
    EXPECT_EQ(Parsed(GrpcTimeout(ns).text()), static_cast<double>(ns)) << ms;
    EXPECT_EQ(Parsed(GrpcTimeout(ns - ns / 1000).text()), static_cast<double>(ns)) << ms;
  }
}

TEST(GrpcTimeoutTest, TheEndsOfTheRangeAreTimeoutsToo) {
  EXPECT_EQ(GrpcTimeout(0).text(), "1n");
  EXPECT_EQ(GrpcTimeout(-5).text(), "1n");
  EXPECT_GT(Parsed(GrpcTimeout(std::numeric_limits<int64_t>::max()).text()), 0.9e18);
}

}  // namespace
}  // namespace weir
