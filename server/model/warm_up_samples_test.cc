#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "server/model/model_settings.h"

namespace weir {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::string Config(const std::string& warm_up, int max_batch_size = 4) {
  return absl::StrCat("backend: 'pytorch' max_batch_size: ", max_batch_size,
                      " input { name: 'a' data_type: TYPE_UINT8 dims: [ 2, -1 ] }"
                      " input { name: 'b' data_type: TYPE_FP32 dims: 1 }"
                      " output { name: 'y' data_type: TYPE_FP32 dims: 1 } ",
                      warm_up);
}

std::string Sample(const std::string& fields) {
  return absl::StrCat("model_warmup { name: 's' ", fields, " } ");
}

std::string Input(const std::string& name, const std::string& fields) {
  return absl::StrCat("inputs { key: '", name, "' value { ", fields, " } } ");
}

const std::string kInputA = Input("a", "data_type: TYPE_UINT8 dims: [ 2, 3 ] random_data: true");
const std::string kInputB = Input("b", "data_type: TYPE_FP32 dims: 1 zero_data: true");

// The settings of a directory of the test's own.
class WarmUpSamplesTest : public testing::Test {
 protected:
  WarmUpSamplesTest()
      : directory_(absl::StrCat(testing::TempDir(), "/",
                                testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(directory_ + "/warmup");
  }

  void Write(const std::string& file, const std::string& text) const {
    std::ofstream(directory_ + "/" + file) << text;
  }

  absl::StatusOr<ModelSettings> Load(const std::string& config) const {
    Write("config.pbtxt", config);
    return LoadModelSettings(directory_);
  }

  const std::string directory_;
};

std::string Error(const absl::StatusOr<ModelSettings>& settings) {
  return settings.ok() ? "no error" : std::string(settings.status().message());
}

// What the text alone tells.
std::string Error(const std::string& config) {
  return Error(ParseModelConfig(config, "m", "m/config.pbtxt"));
}

TEST_F(WarmUpSamplesTest, ASampleHasTheInputsInTheOrderOfTheModel) {
  const auto settings =
      Load(Config(Sample(absl::StrCat("batch_size: 3 count: 5 ", kInputB, kInputA))));
  ASSERT_TRUE(settings.ok()) << settings.status();
  ASSERT_THAT(settings->warm_up, SizeIs(1));
  const WarmUpSample& sample = settings->warm_up[0];
  EXPECT_EQ(sample.name, "s");
  EXPECT_EQ(sample.rows, 3);
  EXPECT_EQ(sample.count, 5);
  ASSERT_THAT(sample.inputs, SizeIs(2));
  EXPECT_EQ(sample.inputs[0].type, v1::TYPE_UINT8);
  EXPECT_THAT(sample.inputs[0].shape, ElementsAre(3, 2, 3));
  EXPECT_THAT(sample.inputs[0].data, SizeIs(18));
  EXPECT_NE(sample.inputs[0].data, std::string(18, '\0'));
  EXPECT_THAT(sample.inputs[1].shape, ElementsAre(3, 1));
  EXPECT_THAT(sample.inputs[1].data, SizeIs(12));
  EXPECT_THAT(sample.inputs[1].data, Each('\0'));
}

TEST_F(WarmUpSamplesTest, ASampleRunsOnceUnlessSaid) {
  EXPECT_EQ(Load(Config(Sample("batch_size: 1 " + kInputA + kInputB)))->warm_up[0].count, 1);
}

TEST_F(WarmUpSamplesTest, AFileHoldsOneRowThatIsRepeated) {
  Write("warmup/row", "abcdef");
  const auto settings = Load(Config(Sample(absl::StrCat(
      "batch_size: 2 ", Input("a", "data_type: TYPE_UINT8 dims: [ 2, 3 ] input_data_file: 'row'"),
      kInputB))));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->warm_up[0].inputs[0].data, "abcdefabcdef");
}

TEST_F(WarmUpSamplesTest, AModelWithoutRowsTakesASampleOfSizeOne) {
  const auto settings = Load(Config(Sample("batch_size: 1 " + kInputA + kInputB), 0));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->warm_up[0].rows, 0);
  EXPECT_THAT(settings->warm_up[0].inputs[0].shape, ElementsAre(2, 3));
  EXPECT_THAT(Error(Config(Sample("batch_size: 2 " + kInputA + kInputB), 0)),
              HasSubstr("batch_size is 2, expected 1"));
}

TEST_F(WarmUpSamplesTest, AFileOfTheWrongSizeOrNoneIsNamed) {
  const std::string config = Config(Sample(absl::StrCat(
      "batch_size: 2 ", Input("a", "data_type: TYPE_UINT8 dims: [ 2, 3 ] input_data_file: 'row'"),
      kInputB)));
  EXPECT_THAT(Error(Load(config)),
              testing::AllOf(HasSubstr("config.pbtxt: model_warmup[0] \"s\": input \"a\": cannot "
                                       "open "),
                             HasSubstr("/warmup/row")));
  Write("warmup/row", "abcde");
  EXPECT_THAT(Error(Load(config)), HasSubstr("/warmup/row has 5 bytes, expected 6"));
}

TEST_F(WarmUpSamplesTest, AFileElsewhereIsRefused) {
  const std::string a =
      Input("a", "data_type: TYPE_UINT8 dims: [ 2, 3 ] input_data_file: '../../secret'");
  EXPECT_THAT(Error(Config(Sample("batch_size: 1 " + a + kInputB))),
              HasSubstr("input_data_file holds a path: ../../secret"));
}

TEST_F(WarmUpSamplesTest, ASampleThatDoesNotFitTheModelIsNamed) {
  EXPECT_EQ(Error(Config(Sample("batch_size: 1 " + kInputA))),
            "m/config.pbtxt: model_warmup[0] \"s\": input \"b\": is missing");
  EXPECT_THAT(Error(Config(Sample("batch_size: 1 " + Input("c", "") + kInputA + kInputB))),
              HasSubstr("model_warmup[0] \"s\": the model has no input \"c\""));
  EXPECT_THAT(Error(Config(Sample("batch_size: 1 " + kInputA +
                                  Input("b", "data_type: TYPE_FP64 dims: 1 zero_data: true")))),
              HasSubstr("input \"b\": data_type is TYPE_FP64, expected TYPE_FP32"));
  EXPECT_THAT(Error(Config(Sample("batch_size: 1 " + kInputA +
                                  Input("b", "data_type: TYPE_FP32 dims: 2 zero_data: true")))),
              HasSubstr("input \"b\": dims are [2], expected [1]"));
  EXPECT_THAT(
      Error(Config(Sample("batch_size: 1 " + kInputB +
                          Input("a", "data_type: TYPE_UINT8 dims: [ 2, -1 ] zero_data: true")))),
      HasSubstr("input \"a\": dims are [2, -1], expected [2, -1] with a size for each -1"));
  EXPECT_THAT(Error(Config(
                  Sample("batch_size: 1 " + kInputA + Input("b", "data_type: TYPE_FP32 dims: 1")))),
              HasSubstr("input \"b\": expected zero_data, random_data or input_data_file"));
}

TEST_F(WarmUpSamplesTest, NumbersOutOfRangeAreNamed) {
  EXPECT_THAT(Error(Config(Sample(kInputA + kInputB))),
              HasSubstr("batch_size is 0, expected 1 to 4"));
  EXPECT_THAT(Error(Config(Sample("batch_size: 5 " + kInputA + kInputB))),
              HasSubstr("batch_size is 5, expected 1 to 4"));
  EXPECT_THAT(Error(Config(Sample("batch_size: 1 count: 4000000000 " + kInputA + kInputB))),
              HasSubstr("count is 4000000000, expected at most 10000"));
}

TEST_F(WarmUpSamplesTest, AnAbsurdSizeIsRefusedBeforeItTakesMemory) {
  const std::string a =
      Input("a", "data_type: TYPE_UINT8 dims: [ 2, 1000000000000 ] zero_data: true");
  EXPECT_THAT(Error(Load(Config(Sample("batch_size: 1 " + a + kInputB)))),
              testing::AllOf(HasSubstr("input \"a\": shape [1, 2, 1000000000000]"),
                             testing::AnyOf(HasSubstr("too many"), HasSubstr("more than"))));
}

}  // namespace
}  // namespace weir
