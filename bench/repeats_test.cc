#include "bench/repeats.h"

#include <gtest/gtest.h>

#include <cmath>

namespace weir {
namespace {

TEST(MedianTest, IsTheMiddleOrTheMeanOfTheTwoInTheMiddle) {
  EXPECT_EQ(Median({5, 1, 3}), 3);
  EXPECT_EQ(Median({5, 1, 3, 4}), 3.5);
  EXPECT_TRUE(std::isnan(Median({})));
}

TEST(RepeatsTest, EachQuantityHasItsLineInTheOrderOfTheirFirstValues) {
  Repeats repeats;
  repeats.Add("requests/s", 61234.5);
  repeats.Add("ratio", 0.5);
  repeats.Add("requests/s", 70000);
  repeats.Add("ratio", 0.25);
  repeats.Add("ratio", 0.9);
  EXPECT_EQ(repeats.Table("a model"),
            "a model             min     median        max\n"
            "  requests/s      61234      65617      70000\n"
            "  ratio           0.250      0.500      0.900\n");
  EXPECT_EQ(repeats.MedianOf("ratio"), 0.5);
  EXPECT_TRUE(std::isnan(repeats.MedianOf("another")));
}

}  // namespace
}  // namespace weir
