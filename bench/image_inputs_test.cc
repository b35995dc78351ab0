#include "bench/image_inputs.h"

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

ModelSettings Fashion() {
  ModelSettings settings;
  settings.name = "fashion-fast";
  settings.family = "fashion";
  settings.inputs.resize(1);
  settings.inputs[0].name = "image";
  settings.inputs[0].dims = {28, 28};
  return settings;
}

TEST(ImageInputsTest, BothGetTheSamePixels) {
  const auto inputs = ImageInputs(Fashion(), 3);
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  ASSERT_EQ(inputs->size(), 3U);
  EXPECT_NE((*inputs)[0].json, (*inputs)[1].json);
  for (const ImageInput& input : *inputs) {
    v1::PredictRequest request;
    ASSERT_TRUE(request.ParseFromString(input.predict_request));
    ASSERT_EQ(request.inputs(0).data().size(), 28U * 28U);
    EXPECT_EQ(input.json, ImageJson(request.inputs(0).data()));
  }
}

TEST(ImageInputsTest, PixelsBecomeNumbersInLines) {
  std::string pixels(28 * 28, '\0');
  pixels[0] = '\xff';
  pixels[27] = '\x01';
  const std::string json = ImageJson(pixels);
  EXPECT_TRUE(absl::StartsWith(json, "{\"image\":[[[255,0,0,")) << json;
  EXPECT_NE(json.find(",0,1],[0,"), std::string::npos) << json;
  EXPECT_TRUE(absl::EndsWith(json, ",0]]]}")) << json;
}

TEST(ImageInputsTest, APostHasItsLength) {
  EXPECT_TRUE(absl::EndsWith(PostRequest("{}"), "\r\nContent-Length: 2\r\n\r\n{}"));
}

TEST(ImageInputsTest, ProbabilitiesAreRead) {
  const auto numbers = ProbabilitiesInJson("{\"probabilities\":[[0.25,1e-3]]}");
  ASSERT_TRUE(numbers.ok()) << numbers.status();
  EXPECT_THAT(*numbers, testing::ElementsAre(0.25F, 0.001F));
  for (const char* bad : {"", "{\"detail\":\"no\"}", "{\"probabilities\":[[0.25,a]]}", "]][["}) {
    EXPECT_FALSE(ProbabilitiesInJson(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace weir
