#include "loadgen/inputs/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "loadgen/inputs/test_models.h"
#include "models/data/flats.h"
#include "models/evaluate/held_out.h"

namespace weir {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kKitchen = 8, kLiving = 9, kTotal = 12, kYear = 13;  // Columns of flats.

template <typename T>
std::vector<T> Elements(const Source& source, int64_t first_row, int64_t rows, int input = 0) {
  std::string bytes;
  source.inputs[input].AppendRows(first_row, rows, bytes);
  std::vector<T> elements(bytes.size() / sizeof(T));
  std::memcpy(elements.data(), bytes.data(), bytes.size());
  return elements;
}

Source Open(const std::string& traffic, const v1::ModelDescription& model, uint64_t seed = 1) {
  absl::StatusOr<Source> source = OpenSource(Traffic(traffic), model, {.seed = seed});
  EXPECT_TRUE(source.ok()) << source.status();
  return source.ok() ? *std::move(source) : Source();
}

std::string Error(const std::string& traffic, const v1::ModelDescription& model) {
  return std::string(OpenSource(Traffic(traffic), model, {}).status().message());
}

// One input of `type` and `dims`.
v1::ModelDescription ModelOf(const std::string& type, const std::string& dims) {
  return Model(absl::StrCat("name: \"m\" max_batch_size: 8 inputs { name: \"x\" data_type: ", type,
                            " dims: [", dims, "] }"));
}

TEST(SourceTest, TheFamilySuggestsTheRows) {
  const Source images = Open("", FashionModel());
  EXPECT_EQ(images.rows, 10'000);
  EXPECT_EQ(images.truth_is, Truth::kClass);
  EXPECT_EQ(images.truth.size(), 10'000U);
  EXPECT_THAT(images.inputs[0].shape, ElementsAre(28, 28));

  const Source flats = Open("", FlatsModel());
  EXPECT_EQ(flats.rows, kFlatsHeldOutRows);
  EXPECT_EQ(flats.truth_is, Truth::kValue);
  const Table table = GenerateFlats(2, kFlatsHeldOutSeed);
  EXPECT_EQ(Elements<float>(flats, 0, 2), table.features);
  EXPECT_EQ(flats.truth[1], table.truth[1]);

  const Source accidents =
      Open("", Model("family: \"accidents\" inputs { data_type: TYPE_FP32 dims: 28 }"));
  EXPECT_EQ(accidents.rows, 10'000);
  EXPECT_EQ(accidents.truth_is, Truth::kClass);

  const Source others = Open("", ModelOf("TYPE_FP32", "3"));
  EXPECT_EQ(others.truth_is, Truth::kUnknown);
  EXPECT_EQ(others.rows, 1024);
}

TEST(SourceTest, AMissingDatasetIsNamed) {
  const absl::Status status =
      OpenSource({}, FashionModel(), {.fashion_directory = "/nowhere"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nowhere"));
}

TEST(SourceTest, AreasAndYearOfOneFlatRiseRowByRow) {
  const Source source = Open("input: \"flat_rows\"", FlatsModel());
  EXPECT_EQ(source.truth_is, Truth::kUnknown);
  ASSERT_EQ(source.rows, 64);
  const std::vector<float> first = Elements<float>(source, 0, 1);
  for (int row = 0; row < source.rows; ++row) {
    std::vector<float> expected = first;
    for (const int column : {kKitchen, kLiving, kTotal, kYear}) expected[column] += row;
    EXPECT_EQ(Elements<float>(source, row, 1), expected) << row;
  }
  EXPECT_EQ(kFlatColumns[kKitchen].name, "kitchen_area");
  EXPECT_EQ(kFlatColumns[kLiving].name, "living_area");
  EXPECT_EQ(kFlatColumns[kTotal].name, "total_area");
  EXPECT_EQ(kFlatColumns[kYear].name, "build_year");
}

TEST(SourceTest, ThereAreAsManyRisingFlatsAsARequestHasRows) {
  EXPECT_EQ(Open("input: \"flat_rows\" rows: 100", FlatsModel()).rows, 100);
}

TEST(SourceTest, ImagesAreInvertedAndThenBrightened) {
  const Source plain = Open("", FashionModel());
  const Source shifted = Open("shift { invert: true brightness: 60 }", FashionModel());
  const Source darker = Open("shift { brightness: -60 }", FashionModel());
  const std::vector<uint8_t> before = Elements<uint8_t>(plain, 0, 50);
  const std::vector<uint8_t> after = Elements<uint8_t>(shifted, 0, 50);
  const std::vector<uint8_t> dark = Elements<uint8_t>(darker, 0, 50);
  for (size_t i = 0; i < before.size(); ++i) {
    ASSERT_EQ(after[i], std::min(255, 255 - before[i] + 60));
    ASSERT_EQ(dark[i], std::max(0, before[i] - 60));
  }
  EXPECT_EQ(shifted.truth_is, Truth::kClass) << "an image shows the same whatever the light";
}

TEST(SourceTest, LargerFlatsHaveNoKnownPrice) {
  const Source plain = Open("", FlatsModel());
  const Source larger = Open("shift { area_factor: 3 }", FlatsModel());
  EXPECT_EQ(larger.truth_is, Truth::kUnknown);
  std::vector<float> expected = Elements<float>(plain, 9'999, 1);
  for (const int column : {kKitchen, kLiving, kTotal}) expected[column] *= 3;
  EXPECT_EQ(Elements<float>(larger, 9'999, 1), expected);
  EXPECT_EQ(Open("shift { area_factor: 1 }", FlatsModel()).truth_is, Truth::kValue);
}

TEST(SourceTest, AShiftOfSomethingElseIsRefused) {
  EXPECT_EQ(Error("shift { brightness: 1 }", FlatsModel()),
            "shift.brightness is for input \"fashion\", not for \"flats\"");
  EXPECT_EQ(Error("shift { invert: true }", FlatsModel()),
            "shift.invert is for input \"fashion\", not for \"flats\"");
  EXPECT_EQ(Error("shift { area_factor: 2 }", FashionModel()),
            "shift.area_factor is for inputs \"flats\" and \"flat_rows\", not for \"fashion\"");
}

TEST(SourceTest, SizesThatAModelLeavesOpenAreFilledIn) {
  EXPECT_THAT(Open("input: \"fashion\"", ModelOf("TYPE_UINT8", "784")).inputs[0].shape,
              ElementsAre(784));
  EXPECT_THAT(Open("input: \"fashion\"", ModelOf("TYPE_UINT8", "1, -1, 28")).inputs[0].shape,
              ElementsAre(1, 28, 28));
  EXPECT_THAT(Open("input: \"fashion\"", ModelOf("TYPE_UINT8", "-1, -1")).inputs[0].shape,
              ElementsAre(28, 28));
  EXPECT_THAT(Open("", ModelOf("TYPE_UINT8", "-1, 5")).inputs[0].shape, ElementsAre(1, 5));
}

TEST(SourceTest, RowsThatDoNotFitTheModelAreRefused) {
  EXPECT_EQ(Error("input: \"fashion\"", FlatsModel()),
            "input \"fashion\": its rows are one tensor, TYPE_UINT8 [28, 28]; the model takes "
            "TYPE_FP32 [14]");
  for (const char* dims : {"783", "3, -1", "-1, -1, -1", "-1, 14, -1"}) {
    EXPECT_THAT(Error("input: \"fashion\"", ModelOf("TYPE_UINT8", dims)),
                HasSubstr(absl::StrCat("the model takes TYPE_UINT8 [")))
        << dims;
  }
  EXPECT_THAT(Error("input: \"fashion\"", ModelOf("TYPE_FP32", "28, 28")),
              HasSubstr("the model takes TYPE_FP32 [28, 28]"));
  v1::ModelDescription two = FashionModel();
  *two.add_inputs() = two.inputs(0);
  EXPECT_THAT(Error("", two), HasSubstr("the model takes 2 inputs"));
  two.clear_inputs();
  EXPECT_EQ(Error("", two), "input \"fashion\": the model has no inputs");
}

TEST(SourceTest, AnUnknownInputIsNamed) {
  EXPECT_EQ(Error("input: \"cats\"", FashionModel()),
            "input \"cats\": expected fashion, flats, accidents, flat_rows, random or file:PATH");
}

TEST(SourceTest, RandomRowsAreTheSameForTheSameSeed) {
  const v1::ModelDescription model = ModelOf("TYPE_FP32", "3");
  EXPECT_EQ(Open("", model).inputs[0].bytes, Open("", model).inputs[0].bytes);
  EXPECT_NE(Open("", model, 1).inputs[0].bytes, Open("", model, 2).inputs[0].bytes);
}

TEST(SourceTest, RandomNumbersSuitTheirType) {
  using testing::AllOf;
  using testing::Ge;
  using testing::Le;
  using testing::Lt;
  const auto bits_below = [](const std::string& type, uint16_t one) {
    const Source source = Open("", ModelOf(type, "9"));
    EXPECT_THAT(Elements<uint16_t>(source, 0, source.rows), Each(Lt(one))) << type;
  };
  bits_below("TYPE_FP16", 0x3c00);
  bits_below("TYPE_BF16", 0x3f80);
  EXPECT_THAT(Elements<float>(Open("", ModelOf("TYPE_FP32", "9")), 0, 1024),
              Each(AllOf(Ge(0), Lt(1))));
  EXPECT_THAT(Elements<double>(Open("", ModelOf("TYPE_FP64", "9")), 0, 1024),
              Each(AllOf(Ge(0), Lt(1))));
  EXPECT_THAT(Elements<int64_t>(Open("", ModelOf("TYPE_INT64", "9")), 0, 1024),
              Each(AllOf(Ge(0), Le(127))));
  EXPECT_THAT(Elements<int8_t>(Open("", ModelOf("TYPE_INT8", "9")), 0, 1024), Each(Ge(0)));
  EXPECT_THAT(Elements<uint8_t>(Open("", ModelOf("TYPE_BOOL", "9")), 0, 1024), Each(Le(1)));
}

TEST(SourceTest, RandomHalvesAreSpreadEvenly) {
  const Source source = Open("", ModelOf("TYPE_FP16", "9"));
  double sum = 0;
  int count = 0;
  for (const uint16_t bits : Elements<uint16_t>(source, 0, source.rows)) {
    // A number that is not 0 is 2^(exponent - 25) * (1024 + mantissa).
    sum += bits == 0 ? 0 : std::ldexp(1024 + (bits & 0x3ff), (bits >> 10) - 25);
    ++count;
  }
  EXPECT_NEAR(sum / count, 0.5, 0.02);
}

TEST(SourceTest, ModelsWithSeveralInputsTakeRandomRows) {
  const Source source = Open("", Model("inputs { name: \"a\" data_type: TYPE_UINT8 dims: 2 } "
                                       "inputs { name: \"b\" data_type: TYPE_FP32 }"));
  ASSERT_EQ(source.inputs.size(), 2U);
  EXPECT_EQ(Elements<uint8_t>(source, 5, 1, 0).size(), 2U);
  EXPECT_EQ(Elements<float>(source, 5, 1, 1).size(), 1U) << "a number without dimensions";
}

TEST(SourceTest, RandomRowsOfALargeModelAreFewer) {
  EXPECT_EQ(Open("", ModelOf("TYPE_UINT8", "1024, 1024, 4")).rows, 4);
  EXPECT_EQ(Error("", ModelOf("TYPE_FP32", "1024, 1024, 17")),
            "input \"random\": rows cannot be made for the model's input \"x\", TYPE_FP32 "
            "[1024, 1024, 17]");
  EXPECT_THAT(Error("", ModelOf("TYPE_FP32", "4611686018427387904, 4")), HasSubstr("cannot be"));
  EXPECT_THAT(Error("", ModelOf("TYPE_FP32", "0")), HasSubstr("cannot be"));
  EXPECT_THAT(Error("", ModelOf("TYPE_STRING", "1")), HasSubstr("cannot be"));
}

class FileSourceTest : public testing::Test {
 protected:
  std::string Write(const std::string& bytes) {
    std::ofstream(path_) << bytes;
    return absl::StrCat("input: \"file:", path_, "\"");
  }

  const std::string path_ = absl::StrCat(
      testing::TempDir(), "/", testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(FileSourceTest, AFileHoldsRowAfterRow) {
  const Source source = Open(Write("abcdef"), ModelOf("TYPE_UINT8", "2"));
  EXPECT_EQ(source.rows, 3);
  EXPECT_EQ(source.truth_is, Truth::kUnknown);
  EXPECT_THAT(Elements<char>(source, 1, 1), ElementsAre('c', 'd'));
}

TEST_F(FileSourceTest, OfALargeFileTheFirstRowsAreUsed) {
  const std::string input = Write("abcdef");
  std::filesystem::resize_file(path_, 70 << 20);
  const Source source = Open(input, ModelOf("TYPE_UINT8", "1048576"));
  EXPECT_EQ(source.rows, 64);
  EXPECT_EQ(source.rows_left_out, 6);
  EXPECT_EQ(source.inputs[0].bytes.size(), 64U << 20);
  EXPECT_EQ(source.inputs[0].bytes[5], 'f');
  std::filesystem::resize_file(path_, (70 << 20) + 1);
  EXPECT_THAT(Error(input, ModelOf("TYPE_UINT8", "1048576")), HasSubstr("73400321 bytes"));
}

TEST_F(FileSourceTest, AFileThatHoldsNoWholeRowsIsRefusedByName) {
  EXPECT_EQ(Error(Write("abc"), ModelOf("TYPE_UINT8", "2")),
            absl::StrCat("input \"file:", path_,
                         "\": the file has 3 bytes, expected a multiple of "
                         "2: a row is TYPE_UINT8 [2]"));
  EXPECT_THAT(Error(Write(""), ModelOf("TYPE_UINT8", "2")), HasSubstr("the file has 0 bytes"));
}

TEST_F(FileSourceTest, AFileThatIsNotThereIsNamed) {
  EXPECT_THAT(Error("input: \"file:/nowhere\"", ModelOf("TYPE_UINT8", "2")), HasSubstr("/nowhere"));
}

TEST_F(FileSourceTest, AModelWhoseRowsHaveNoFixedSizeTakesNoFile) {
  EXPECT_THAT(Error(Write("ab"), ModelOf("TYPE_UINT8", "-1")), HasSubstr("of no fixed size"));
  EXPECT_THAT(Error(Write("ab"), Model("inputs { data_type: TYPE_UINT8 dims: 2 } "
                                       "inputs { data_type: TYPE_UINT8 dims: 2 }")),
              HasSubstr("the model takes 2 inputs"));
}

}  // namespace
}  // namespace weir
