#include "models/evaluate/quality.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace weir {
namespace {

TEST(AccuracyTest, IsTheShareOfRowsWhoseTrueClassIsTheLikeliest) {
  const std::vector<float> probabilities = {0.2f, 0.8f, 0.9f, 0.1f, 0.6f, 0.4f, 0.3f, 0.7f};
  EXPECT_DOUBLE_EQ(Accuracy(probabilities, std::vector<float>{1, 0, 1, 1}), 0.75);
}

TEST(RocAucTest, IsOneWhenEveryOneIsAboveEveryZero) {
  EXPECT_DOUBLE_EQ(
      RocAuc(std::vector<float>{0.1f, 0.9f, 0.2f, 0.8f}, std::vector<float>{0, 1, 0, 1}), 1);
  EXPECT_DOUBLE_EQ(RocAuc(std::vector<float>{0.9f, 0.1f}, std::vector<float>{0, 1}), 0);
}

TEST(RocAucTest, CountsEqualScoresHalf) {
  EXPECT_DOUBLE_EQ(RocAuc(std::vector<float>{0.5f, 0.5f, 0.5f}, std::vector<float>{0, 1, 0}), 0.5);
  EXPECT_DOUBLE_EQ(RocAuc(std::vector<float>{0.1f, 0.5f, 0.5f}, std::vector<float>{0, 1, 0}), 0.75);
}

TEST(RocAucTest, IsUndefinedForOneClassAlone) {
  EXPECT_TRUE(std::isnan(RocAuc(std::vector<float>{0.1f, 0.9f}, std::vector<float>{1, 1})));
}

TEST(R2Test, IsOneForTheTruthAndZeroForItsMean) {
  const std::vector<float> truth = {1, 2, 3, 6};
  EXPECT_DOUBLE_EQ(R2(truth, truth), 1);
  EXPECT_DOUBLE_EQ(R2(std::vector<float>{3, 3, 3, 3}, truth), 0);
  EXPECT_LT(R2(std::vector<float>{6, 3, 2, 1}, truth), 0);
}

}  // namespace
}  // namespace weir
