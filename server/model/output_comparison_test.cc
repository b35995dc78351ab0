#include "server/model/output_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

namespace weir {
namespace {

using testing::HasSubstr;

template <typename T>
Tensor Of(v1::DataType type, const std::vector<T>& values) {
  Tensor tensor{type, {static_cast<int64_t>(values.size())}, ""};
  tensor.data.resize(values.size() * sizeof(T));
  std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

std::string Compare(const Tensor& expected, const Tensor& actual) {
  const std::vector<TensorSpec> specs = {{"y", expected.type, {-1}}};
  const absl::Status status = CheckSameOutputs(specs, Bundle({expected}), Bundle({actual}));
  return status.ok() ? "same" : std::string(status.message());
}

template <typename T>
std::string Compare(v1::DataType type, T expected, T actual) {
  return Compare(Of<T>(type, {expected}), Of<T>(type, {actual}));
}

TEST(OutputComparisonTest, SmallDifferencesOfFloatsAreTheSame) {
  EXPECT_EQ(Compare<float>(v1::TYPE_FP32, 0.5, 0.5009), "same");
  EXPECT_THAT(Compare<float>(v1::TYPE_FP32, 0.5, 0.502), HasSubstr("output \"y\": it is off by"));
  EXPECT_EQ(Compare<float>(v1::TYPE_FP32, 1e6, 1e6 + 900), "same");
  EXPECT_THAT(Compare<float>(v1::TYPE_FP32, 1e6, 1e6 + 1100), HasSubstr("off by up to 1100"));
  EXPECT_EQ(Compare<double>(v1::TYPE_FP64, 1, 1 + 1e-7), "same");
  EXPECT_THAT(Compare<double>(v1::TYPE_FP64, 1, 1 + 1e-5), HasSubstr("off by"));
}

TEST(OutputComparisonTest, HalfPrecisionMayDifferMore) {
  EXPECT_EQ(Compare<uint16_t>(v1::TYPE_FP16, 0x3c00, 0x3c09), "same") << "1 and 1.0088";
  EXPECT_THAT(Compare<uint16_t>(v1::TYPE_FP16, 0x3c00, 0x3c10), HasSubstr("1.01562 instead of 1"));
  EXPECT_EQ(Compare<uint16_t>(v1::TYPE_BF16, 0x3f80, 0x3f81), "same") << "1 and 1.0078";
  EXPECT_THAT(Compare<uint16_t>(v1::TYPE_BF16, 0x3f80, 0x3f82), HasSubstr("1.01562 instead of 1"));
}

TEST(OutputComparisonTest, IntegersHaveToBeEqual) {
  EXPECT_EQ(Compare<int64_t>(v1::TYPE_INT64, 7, 7), "same");
  EXPECT_EQ(Compare<int64_t>(v1::TYPE_INT64, 7, 8),
            "output \"y\": it is off by up to 1: 8 instead of 7");
  EXPECT_NE(Compare<int64_t>(v1::TYPE_INT64, int64_t{1} << 60, (int64_t{1} << 60) + 1), "same");
  EXPECT_NE(Compare<uint8_t>(v1::TYPE_UINT8, 255, 254), "same");
  EXPECT_NE(Compare<uint8_t>(v1::TYPE_BOOL, 1, 0), "same");
}

TEST(OutputComparisonTest, WhatIsNoNumberIsComparedToo) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(Compare(v1::TYPE_FP32, kNan, -kNan), "same") << "whatever its bits";
  EXPECT_EQ(Compare(v1::TYPE_FP32, kInfinity, kInfinity), "same");
  EXPECT_THAT(Compare(v1::TYPE_FP32, 1.0F, kNan), HasSubstr("nan instead of 1"));
  EXPECT_THAT(Compare(v1::TYPE_FP32, kNan, 1.0F), HasSubstr("1 instead of nan"));
  EXPECT_THAT(Compare(v1::TYPE_FP32, kInfinity, 1.0F), HasSubstr("1 instead of inf"));
  EXPECT_THAT(Compare(v1::TYPE_FP32, kInfinity, -kInfinity), HasSubstr("-inf instead of inf"));
}

TEST(OutputComparisonTest, TheLargestDifferenceIsNamed) {
  EXPECT_EQ(Compare(Of<float>(v1::TYPE_FP32, {1, 2, 3}), Of<float>(v1::TYPE_FP32, {1.5, 4, 3.5})),
            "output \"y\": it is off by up to 2: 4 instead of 2");
}

TEST(OutputComparisonTest, AnotherShapeIsADifference) {
  EXPECT_EQ(Compare(Of<float>(v1::TYPE_FP32, {1, 2}), Of<float>(v1::TYPE_FP32, {1})),
            "output \"y\": the shape is [1] instead of [2]");
}

TEST(OutputComparisonTest, TheOutputThatDiffersIsNamed) {
  const std::vector<TensorSpec> specs = {{"a", v1::TYPE_FP32, {1}}, {"b", v1::TYPE_FP32, {1}}};
  const Tensor one = Of<float>(v1::TYPE_FP32, {1});
  const Tensor two = Of<float>(v1::TYPE_FP32, {2});
  EXPECT_TRUE(CheckSameOutputs(specs, Bundle({one, two}), Bundle({one, two})).ok());
  EXPECT_THAT(
      std::string(CheckSameOutputs(specs, Bundle({one, two}), Bundle({one, one})).message()),
      HasSubstr("output \"b\""));
}

}  // namespace
}  // namespace weir
