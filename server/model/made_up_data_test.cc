#include "server/model/made_up_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstring>

namespace weir {
namespace {

using testing::AllOf;
using testing::Each;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;
using testing::Lt;

template <typename T>
std::vector<T> Random(v1::DataType type) {
  Tensor tensor = *ZeroTensor(type, {20, 50});
  FillWithRandom(tensor);
  std::vector<T> values(1000);
  EXPECT_EQ(tensor.data.size(), values.size() * sizeof(T));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  EXPECT_NE(values[0], values[999]) << "random";
  return values;
}

TEST(MadeUpDataTest, FloatingPointNumbersAreBetweenZeroAndOne) {
  EXPECT_THAT(Random<float>(v1::TYPE_FP32), Each(AllOf(Ge(0), Lt(1))));
  EXPECT_THAT(Random<double>(v1::TYPE_FP64), Each(AllOf(Ge(0), Lt(1))));
  for (const uint16_t bits : Random<uint16_t>(v1::TYPE_BF16)) {
    EXPECT_THAT(std::bit_cast<float>(uint32_t{bits} << 16), AllOf(Ge(0), Lt(1)));
  }
  // Bits of half precision ascend with the numbers; 0x3c00 is 1.
  EXPECT_THAT(Random<uint16_t>(v1::TYPE_FP16), Each(Lt(0x3c00)));
}

TEST(MadeUpDataTest, IntegersAreSmall) {
  EXPECT_THAT(Random<uint8_t>(v1::TYPE_UINT8), testing::Contains(Ge(200)));
  EXPECT_THAT(Random<int8_t>(v1::TYPE_INT8), Each(Ge(0)));
  EXPECT_THAT(Random<int16_t>(v1::TYPE_INT16), Each(AllOf(Ge(0), Le(127))));
  EXPECT_THAT(Random<int32_t>(v1::TYPE_INT32), Each(AllOf(Ge(0), Le(127))));
  EXPECT_THAT(Random<int64_t>(v1::TYPE_INT64), Each(AllOf(Ge(0), Le(127))));
}

TEST(MadeUpDataTest, TruthValuesAreZeroOrOne) {
  Tensor tensor = *ZeroTensor(v1::TYPE_BOOL, {100});
  FillWithRandom(tensor);
  EXPECT_THAT(tensor.data,
              AllOf(Each(AllOf(Ge(0), Le(1))), testing::Contains('\0'), testing::Contains('\1')));
}

TEST(MadeUpDataTest, TheNumbersAreTheSameEachTime) {
  EXPECT_EQ(Random<float>(v1::TYPE_FP32), Random<float>(v1::TYPE_FP32));
}

TEST(MadeUpDataTest, AnAbsurdShapeIsRefused) {
  EXPECT_THAT(std::string(ZeroTensor(v1::TYPE_FP32, {1 << 20, 1 << 10}).status().message()),
              HasSubstr("shape [1048576, 1024] takes 4294967296 bytes, more than 67108864"));
}

}  // namespace
}  // namespace weir
