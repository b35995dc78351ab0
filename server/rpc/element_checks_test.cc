#include "server/rpc/element_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace weir {
namespace {

using testing::HasSubstr;

template <typename T>
std::vector<T> Unpack(const absl::StatusOr<std::string>& bytes) {
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  std::vector<T> elements(bytes.ok() ? bytes->size() / sizeof(T) : 0);
  if (bytes.ok()) std::memcpy(elements.data(), bytes->data(), bytes->size());
  return elements;
}

template <typename T>
std::string Bytes(const std::vector<T>& elements) {
  return std::string(reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T));
}

std::string Error(const absl::StatusOr<std::string>& bytes) {
  return bytes.ok() ? "no error" : std::string(bytes.status().message());
}

TEST(PackValuesTest, NumbersBecomeElementsOfTheType) {
  EXPECT_EQ(Unpack<uint8_t>(PackValues({0, 255}, v1::TYPE_UINT8)), (std::vector<uint8_t>{0, 255}));
  EXPECT_EQ(Unpack<int16_t>(PackValues({-32768}, v1::TYPE_INT16)), (std::vector<int16_t>{-32768}));
  EXPECT_EQ(Unpack<int64_t>(PackValues({-5, 9e15}, v1::TYPE_INT64)),
            (std::vector<int64_t>{-5, 9'000'000'000'000'000}));
  EXPECT_THAT(Error(PackValues({9.1e15}, v1::TYPE_INT64)), HasSubstr("is no TYPE_INT64"))
      << "a double may have rounded it";
  EXPECT_EQ(Unpack<float>(PackValues({1.5, -2}, v1::TYPE_FP32)), (std::vector<float>{1.5f, -2}));
  EXPECT_EQ(Unpack<double>(PackValues({0.1}, v1::TYPE_FP64)), (std::vector<double>{0.1}));
}

TEST(PackValuesTest, ANumberThatTheTypeCannotHoldIsNamed) {
  EXPECT_EQ(Error(PackValues({1, 256}, v1::TYPE_UINT8)), "values[1] = 256 is no TYPE_UINT8");
  EXPECT_EQ(Error(PackValues({-1}, v1::TYPE_UINT8)), "values[0] = -1 is no TYPE_UINT8");
  EXPECT_EQ(Error(PackValues({0.5}, v1::TYPE_INT32)), "values[0] = 0.5 is no TYPE_INT32");
  EXPECT_THAT(Error(PackValues({std::nan("")}, v1::TYPE_INT32)), HasSubstr("is no TYPE_INT32"));
  EXPECT_THAT(Error(PackValues({9.3e18}, v1::TYPE_INT64)), HasSubstr("is no TYPE_INT64"));
  EXPECT_THAT(Error(PackValues({1e39}, v1::TYPE_FP32)), HasSubstr("is no TYPE_FP32"));
}

TEST(PackValuesTest, FloatsMayBeInfiniteUntilAModelForbidsIt) {
  EXPECT_TRUE(std::isinf(
      Unpack<float>(PackValues({std::numeric_limits<double>::infinity()}, v1::TYPE_FP32))[0]));
  EXPECT_TRUE(std::isnan(Unpack<float>(PackValues({std::nan("")}, v1::TYPE_FP32))[0]));
}

TEST(PackValuesTest, HalfPrecisionHasToTravelAsBytes) {
  EXPECT_THAT(Error(PackValues({1}, v1::TYPE_FP16)), HasSubstr("has to travel in data"));
}

TEST(CheckFiniteTest, TheFirstNanOrInfinityIsNamed) {
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(CheckFinite(Bytes<float>({0, -1, 3e38f, 1e-42f}), v1::TYPE_FP32).ok());
  EXPECT_THAT(std::string(CheckFinite(Bytes<float>({0, -inf}), v1::TYPE_FP32).message()),
              HasSubstr("element 1 is NaN or infinite"));
  EXPECT_FALSE(CheckFinite(Bytes<float>({std::nanf("")}), v1::TYPE_FP32).ok());
  EXPECT_FALSE(CheckFinite(Bytes<double>({1, std::nan("")}), v1::TYPE_FP64).ok());
  EXPECT_TRUE(CheckFinite(Bytes<double>({1e308}), v1::TYPE_FP64).ok());
}

TEST(CheckFiniteTest, HalfPrecisionIsCheckedByItsBits) {
  EXPECT_TRUE(CheckFinite(Bytes<uint16_t>({0x7bff}), v1::TYPE_FP16).ok());   // 65504
  EXPECT_FALSE(CheckFinite(Bytes<uint16_t>({0xfc00}), v1::TYPE_FP16).ok());  // -infinity
  EXPECT_TRUE(CheckFinite(Bytes<uint16_t>({0x7bff}), v1::TYPE_BF16).ok());
  EXPECT_FALSE(CheckFinite(Bytes<uint16_t>({0x7fc0}), v1::TYPE_BF16).ok());  // NaN
}

TEST(CheckFiniteTest, IntegersAreAlwaysFinite) {
  EXPECT_TRUE(CheckFinite(Bytes<int32_t>({-1}), v1::TYPE_INT32).ok());
}

TEST(CheckBoolsTest, OnlyZeroAndOneAreBools) {
  EXPECT_TRUE(CheckBools(Bytes<char>({0, 1})).ok());
  EXPECT_THAT(std::string(CheckBools(Bytes<unsigned char>({0, 200})).message()),
              HasSubstr("element 1 of TYPE_BOOL is 200"));
}

}  // namespace
}  // namespace weir
