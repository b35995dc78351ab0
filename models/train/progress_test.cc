#include "models/train/progress.h"

#include <sstream>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

absl::Time At(int seconds) { return absl::FromUnixSeconds(1000 + seconds); }

TEST(ProgressTest, WritesOneLinePerEpochWhereThereIsNoTerminal) {
  std::ostringstream out;
  Progress progress({.model = "m", .quality = "accuracy"}, out);
  progress.Start(0, 4, 2, At(0));
  progress.Step(2.0, 0.5, At(10));
  EXPECT_EQ(out.str(), "");
  progress.Step(1.0, 0.7, At(20));
  progress.EpochDone(0.8, true, At(20));
  EXPECT_EQ(out.str(),
            "m [##########..........] epoch 1/2, loss 1.5000, accuracy 0.6000, validation 0.8000 "
            "(best), 0:20 left\n");
  progress.Step(0.5, 0.9, At(30));
  progress.Step(0.5, 0.9, At(40));
  progress.EpochDone(0.7, false, At(40));
  EXPECT_THAT(out.str(), HasSubstr("epoch 2/2, loss 0.5000, accuracy 0.9000, validation 0.7000, "));
}

TEST(ProgressTest, RedrawsOneLineOnATerminal) {
  std::ostringstream out;
  Progress progress({.model = "m", .quality = "accuracy", .is_terminal = true}, out);
  progress.Start(0, 100, 50, At(0));
  progress.Step(2.0, 0.5, At(10));
  EXPECT_THAT(out.str(), HasSubstr("\rm ["));
  EXPECT_THAT(out.str(), HasSubstr("epoch 1/2, loss 2.0000, accuracy 0.5000, 16:30 left"));
  EXPECT_THAT(out.str(), Not(HasSubstr("\n")));
}

TEST(ProgressTest, ReckonsTheTimeLeftFromTheStepsOfThisRunAlone) {
  std::ostringstream out;
  Progress progress({.model = "m", .quality = "accuracy"}, out);
  progress.Start(90, 100, 10, At(0));
  for (int step = 0; step < 5; ++step) progress.Step(1, 0, At(step + 1));
  progress.EpochDone(0.5, false, At(5));
  EXPECT_THAT(out.str(), HasSubstr("0:05 left"));
}

}  // namespace
}  // namespace weir
