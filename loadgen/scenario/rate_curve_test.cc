#include "loadgen/scenario/rate_curve.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"

namespace weir {
namespace {

// The curve of a phase with `fields`: "<from>-<to> for <length>" for each piece.
std::string Curve(const std::string& fields) {
  v1::LoadPhase phase;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(fields, &phase)) << fields;
  std::string text;
  for (const RatePiece& piece : CurveOf(phase)) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", piece.from, "-", piece.to, " for ",
                    absl::FormatDuration(piece.length));
  }
  return text;
}

TEST(RateCurveTest, ARateAndARampAreOnePiece) {
  EXPECT_EQ(Curve("duration: '10s' rate: 5"), "5-5 for 10s");
  EXPECT_EQ(Curve("duration: '10s' ramp { from: 5 to: 50 }"), "5-50 for 10s");
}

TEST(RateCurveTest, StepsTakeEqualParts) {
  EXPECT_EQ(Curve("duration: '1m' steps { rates: [ 1, 0, 4 ] }"),
            "1-1 for 20s, 0-0 for 20s, 4-4 for 20s");
}

TEST(RateCurveTest, ASpikeStandsOnItsBase) {
  EXPECT_EQ(Curve("duration: '1m' spike { base: 1 peak: 9 at: '20s' length: '5s' }"),
            "1-1 for 20s, 9-9 for 5s, 1-1 for 35s");
}

TEST(RateCurveTest, ASpikeAtAnEndOfItsPhaseLeavesNoEmptyPiece) {
  EXPECT_EQ(Curve("duration: '1m' spike { base: 1 peak: 9 at: '0s' length: '5s' }"),
            "9-9 for 5s, 1-1 for 55s");
  EXPECT_EQ(Curve("duration: '1m' spike { base: 1 peak: 9 at: '55s' length: '5s' }"),
            "1-1 for 55s, 9-9 for 5s");
}

TEST(RateCurveTest, OtherPhasesHaveNone) {
  EXPECT_EQ(Curve("duration: '1m' concurrency: 4"), "");
  EXPECT_EQ(Curve("duration: '1m' capacity_multiple: 4"), "");
  EXPECT_EQ(Curve("replay_file: 'a'"), "");
}

}  // namespace
}  // namespace weir
