#include "models/data/random.h"

#include <array>
#include <cmath>

#include "gtest/gtest.h"

namespace weir {
namespace {

TEST(RandomTest, GivesThePublishedStreamOfSplitMix64) {
  Random random(0);
  EXPECT_EQ(random.Next(), 0xe220a8397b1dcdaf);
  EXPECT_EQ(random.Next(), 0x6e789e6aa1b965f4);
  EXPECT_EQ(random.Next(), 0x06c45d188009454f);
}

TEST(RandomTest, UniformFillsItsRangeEvenly) {
  Random random(1);
  std::array<int, 10> tenths = {};
  for (int i = 0; i < 100'000; ++i) ++tenths[static_cast<int>(random.Uniform() * 10)];
  for (int count : tenths) EXPECT_NEAR(count, 10'000, 400);
}

TEST(RandomTest, IntegerReachesBothEndsAndStaysBetweenThem) {
  Random random(2);
  std::array<int, 4> counts = {};
  for (int i = 0; i < 40'000; ++i) {
    const int value = random.Integer(-1, 2);
    ASSERT_GE(value, -1);
    ASSERT_LE(value, 2);
    ++counts[value + 1];
  }
  for (int count : counts) EXPECT_NEAR(count, 10'000, 400);
  EXPECT_EQ(random.Integer(7, 7), 7);
}

TEST(RandomTest, NormalHasMeanZeroAndDeviationOne) {
  Random random(3);
  double sum = 0, squares = 0;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.Normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.02);
  EXPECT_NEAR(std::sqrt(squares / kDraws), 1, 0.02);
}

TEST(RandomTest, ChooseFollowsItsWeightsAndNeverTakesAZero) {
  Random random(4);
  std::array<int, 4> counts = {};
  for (int i = 0; i < 40'000; ++i) ++counts[random.Choose({1, 0, 3, 0})];
  EXPECT_NEAR(counts[0], 10'000, 400);
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[2], 30'000, 400);
  EXPECT_EQ(counts[3], 0);
}

}  // namespace
}  // namespace weir
