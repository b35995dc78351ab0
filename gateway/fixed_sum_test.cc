#include "gateway/fixed_sum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace weir {
namespace {

TEST(FixedSumTest, NanosecondsAddUpToExactSeconds) {
  FixedSum sum;
  for (int i = 0; i < 1000; ++i) sum += FixedSum::Of(123457e-9);
  EXPECT_EQ(sum.ToDouble(), 0.123457);
  EXPECT_EQ(FixedSum::Of(0.3).ToDouble(), 0.3);
  EXPECT_EQ((FixedSum::Of(0.1) + FixedSum::Of(0.2)).ToDouble(), 0.3);
}

TEST(FixedSumTest, WholeNumbersAreExactHoweverLarge) {
  for (const double value : {0.0, 1.0, 4503599627370497.0, 9007199254740991.0, 9e18, 1e19, 1e21}) {
    EXPECT_EQ(FixedSum::Of(value).ToDouble(), value);
    EXPECT_EQ(FixedSum::Of(-value).ToDouble(), -value);
    EXPECT_EQ((FixedSum::Of(value) + FixedSum::Of(1) - FixedSum::Of(value)).ToDouble(), 1);
  }
  EXPECT_EQ(FixedSum::Of(12345).AsInteger(), 12345);
  EXPECT_EQ(FixedSum::Of(-9e17).AsInteger(), -900'000'000'000'000'000);
  EXPECT_EQ(FixedSum::Of(0.5).AsInteger(), std::nullopt);
  EXPECT_EQ(FixedSum::Of(1e20).AsInteger(), std::nullopt);
}

TEST(FixedSumTest, WhatIsLargerNeverBecomesSmaller) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const double value =
        std::ldexp(static_cast<double>(random() >> 11), -static_cast<int>(random() % 90));
    if (value > 1e21) continue;
    const double next = std::nextafter(value, INFINITY);
    ASSERT_LE(FixedSum::Of(value), FixedSum::Of(next)) << value;
    ASSERT_LE(FixedSum::Of(-next), FixedSum::Of(-value)) << value;
    ASSERT_LE(FixedSum::Of(value).ToDouble(), FixedSum::Of(next).ToDouble()) << value;
  }
}

TEST(FixedSumTest, TheOrderOfAddingDoesNotMatter) {
  std::mt19937_64 random(2);
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) {
    values.push_back(
        std::ldexp(static_cast<double>(random() >> 11), -static_cast<int>(random() % 60)));
  }
  FixedSum forwards;
  FixedSum backwards;
  for (size_t i = 0; i < values.size(); ++i) {
    forwards += FixedSum::Of(values[i]);
    backwards += FixedSum::Of(values[values.size() - 1 - i]);
  }
  EXPECT_EQ(forwards, backwards);
  for (const double value : values) forwards -= FixedSum::Of(value);
  EXPECT_EQ(forwards, FixedSum());
}

TEST(FixedSumTest, WhatADoubleBecameIsMadeOfItsDoubleAgain) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 1'000'000; ++i) {
    const double value =
        std::ldexp(static_cast<double>(random() >> 11), -static_cast<int>(random() % 90));
    const FixedSum sum = FixedSum::Of(value);
    ASSERT_EQ(FixedSum::Of(sum.ToDouble()), sum) << value;
    ASSERT_EQ(FixedSum::Of(-sum.ToDouble()), FixedSum() - sum) << value;
  }
}

TEST(FixedSumTest, ItsPartsMakeItAgain) {
  for (const double value : {0.0, 1.5, -1.5, 1e21, -1e21, 1e-9, -1e-9}) {
    const FixedSum sum = FixedSum::Of(value);
    EXPECT_EQ(FixedSum::FromParts(sum.high(), sum.low()), sum);
  }
}

}  // namespace
}  // namespace weir
