#include "server/rpc/tensor_codec.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/wire_writer.h"
#include "server/rpc/predict_request.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ModelSettings OneInput() {
  return {.name = "m",
          .max_batch_rows = 4,
          .inputs = {{"image", v1::TYPE_UINT8, {2, 2}}},
          .outputs = {{"probabilities", v1::TYPE_FP32, {3}, "", {"cat", "dog", "cow"}},
                      {"feature", v1::TYPE_INT64, {-1}}}};
}

ModelSettings TwoInputs() {
  return {.name = "m",
          .max_batch_rows = 4,
          .inputs = {{"a", v1::TYPE_FP32, {1}}, {"b", v1::TYPE_FP32, {-1}}},
          .outputs = {{"y", v1::TYPE_FP32, {1}}}};
}

// As it comes: the views of `request` point into `message`.
struct ReadRequest {
  explicit ReadRequest(const std::string& text) {
    v1::PredictRequest written;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &written)) << text;
    message = written.SerializeAsString();
    request = ReadPredictRequest(message).value();
  }

  std::string message;
  PredictRequest request;
};

std::string DecodeError(const std::string& text, const ModelSettings& settings = OneInput()) {
  const ReadRequest read(text);
  const auto decoded = DecodeInputs(read.request, settings);
  if (decoded.ok()) return "no error";
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(decoded.status().message());
}

TEST(DecodeInputsTest, BytesAreTakenWhereTheyLie) {
  const ReadRequest read(
      "inputs { name: 'image' data_type: TYPE_UINT8 shape: [2, 2, 2] data: 'abcdefgh' }");
  const auto decoded = DecodeInputs(read.request, OneInput());
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->rows, 2);
  EXPECT_EQ(decoded->inputs[0].data.data(), read.request.inputs[0].data.data());
  EXPECT_THAT(decoded->inputs[0].shape, ElementsAre(2, 2, 2));
}

TEST(DecodeInputsTest, NumbersAreConverted) {
  const ReadRequest read("inputs { shape: [1, 2, 2] values: [1, 2, 3, 255] }");
  const auto decoded = DecodeInputs(read.request, OneInput());
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->inputs[0].data, "\x01\x02\x03\xff");
}

TEST(DecodeInputsTest, InputsMayComeInAnyOrder) {
  const ReadRequest read(
      "inputs { name: 'b' shape: [2, 3] values: [1, 2, 3, 4, 5, 6] }"
      "inputs { name: 'a' shape: [2, 1] values: [7, 8] }");
  const auto decoded = DecodeInputs(read.request, TwoInputs());
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_THAT(decoded->inputs[0].shape, ElementsAre(2, 1));
  EXPECT_THAT(decoded->inputs[1].shape, ElementsAre(2, 3));
}

TEST(DecodeInputsTest, AModelWithoutBatchingTakesItsDimsAsTheyAre) {
  ModelSettings settings = OneInput();
  settings.max_batch_rows = 0;
  const ReadRequest read("inputs { shape: [2, 2] data: 'abcd' }");
  const auto decoded = DecodeInputs(read.request, settings);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->rows, 1);
}

TEST(DecodeInputsTest, NamesAreChecked) {
  EXPECT_EQ(DecodeError(""), "input \"image\" is missing");
  EXPECT_EQ(DecodeError("inputs { name: 'img' shape: [1, 2, 2] data: 'abcd' }"),
            "input \"img\" is unknown; the model's inputs are: image");
  EXPECT_EQ(DecodeError("inputs { shape: [1, 1] values: 1 }", TwoInputs()),
            "input \"\" is unknown; the model's inputs are: a, b");
  const std::string image = "inputs { name: 'image' shape: [1, 2, 2] data: 'abcd' }";
  EXPECT_EQ(DecodeError(image + image), "input \"image\" came twice");
}

TEST(DecodeInputsTest, ANameThatIsRubbishIsShownShortAndHarmless) {
  const std::string error =
      DecodeError(absl::StrCat("inputs { name: '\\n\\001", std::string(5000, 'x'), "' }"));
  EXPECT_THAT(error, HasSubstr("\\n\\x01xxx"));
  EXPECT_LT(error.size(), 200u);
}

TEST(DecodeInputsTest, TypesAreChecked) {
  EXPECT_EQ(DecodeError("inputs { name: 'image' data_type: TYPE_FP32 shape: [1, 2, 2] }"),
            "input \"image\": expected TYPE_UINT8, got TYPE_FP32");
}

TEST(DecodeInputsTest, ShapesAreChecked) {
  const auto error = [](const std::string& shape) {
    return DecodeError(absl::StrCat("inputs { name: 'image' data: 'abcd' shape: ", shape, " }"));
  };
  EXPECT_EQ(error("[2, 2]"), "input \"image\": expected shape [rows, 2, 2], got [2, 2]");
  EXPECT_EQ(error("[1, 2, 3]"), "input \"image\": expected shape [rows, 2, 2], got [1, 2, 3]");
  EXPECT_EQ(error("[]"), "input \"image\": expected shape [rows, 2, 2], got []");
  EXPECT_EQ(error("[5, 2, 2]"), "input \"image\": expected 1 to 4 rows, got shape [5, 2, 2]");
  EXPECT_EQ(error("[0, 2, 2]"), "input \"image\": expected 1 to 4 rows, got shape [0, 2, 2]");
  EXPECT_EQ(error("[-1, 2, 2]"), "input \"image\": expected 1 to 4 rows, got shape [-1, 2, 2]");
}

TEST(DecodeInputsTest, AShapeWithAbsurdlyManyDimensionsIsShownShort) {
  std::string shape = "1";
  for (int i = 0; i < 9999; ++i) shape += ", 1";
  EXPECT_EQ(DecodeError("inputs { name: 'image' shape: [" + shape + "] }"),
            "input \"image\": expected shape [rows, 2, 2], got [1, 1, 1, 1, 1, 1, 1, 1, ...] "
            "(10000 dimensions)");
}

TEST(DecodeInputsTest, OpenSizesCannotBeEmptyNegativeOrOverflow) {
  const std::string a = "inputs { name: 'a' shape: [1, 1] values: 1 }";
  EXPECT_EQ(DecodeError(a + "inputs { name: 'b' shape: [1, -3] }", TwoInputs()),
            "input \"b\": shape [1, -3] has a size below 1");
  EXPECT_EQ(DecodeError(a + "inputs { name: 'b' shape: [1, 0] }", TwoInputs()),
            "input \"b\": shape [1, 0] has a size below 1");
  EXPECT_EQ(DecodeError(a + "inputs { name: 'b' shape: [4, 4611686018427387905] }", TwoInputs()),
            "input \"b\": shape [4, 4611686018427387905] has too many elements");
}

TEST(DecodeInputsTest, SizesAreChecked) {
  EXPECT_EQ(DecodeError("inputs { name: 'image' shape: [1, 2, 2] data: 'abc' }"),
            "input \"image\": shape [1, 2, 2] of TYPE_UINT8 takes 4 bytes, got 3");
  EXPECT_EQ(DecodeError("inputs { name: 'image' shape: [1, 2, 2] }"),
            "input \"image\": shape [1, 2, 2] of TYPE_UINT8 takes 4 bytes, got 0");
  EXPECT_EQ(DecodeError("inputs { name: 'image' shape: [1, 2, 2] values: [1, 2] }"),
            "input \"image\": shape [1, 2, 2] takes 4 values, got 2");
  EXPECT_EQ(DecodeError("inputs { name: 'image' shape: [1, 2, 2] values: 1 data: 'abcd' }"),
            "input \"image\": expected data or values, got both");
}

TEST(DecodeInputsTest, ValuesAreChecked) {
  EXPECT_EQ(DecodeError("inputs { name: 'image' shape: [1, 2, 2] values: [1, 2, 300, 4] }"),
            "input \"image\": values[2] = 300 is no TYPE_UINT8");
}

TEST(DecodeInputsTest, NanIsRefusedWhereTheConfigForbidsIt) {
  const std::string text =
      "inputs { name: 'a' shape: [1, 1] values: nan } inputs { name: 'b' shape: [1, 1] values: 1 }";
  ModelSettings settings = TwoInputs();
  EXPECT_EQ(DecodeError(text, settings), "no error");
  settings.finite_inputs = true;
  EXPECT_THAT(DecodeError(text, settings), HasSubstr("input \"a\": element 0 is NaN or infinite"));
}

TEST(DecodeInputsTest, AllInputsHaveTheSameRows) {
  EXPECT_EQ(DecodeError("inputs { name: 'a' shape: [2, 1] values: [1, 2] }"
                        "inputs { name: 'b' shape: [1, 1] values: 1 }",
                        TwoInputs()),
            "input \"b\": expected 2 rows as in input \"a\", got 1");
}

TEST(CheckRequestedOutputsTest, OutputsMustExistOnceAndSuitTheirForm) {
  const auto error = [](const std::string& text) {
    return std::string(CheckRequestedOutputs(ReadRequest(text).request, OneInput()).message());
  };
  EXPECT_EQ(error(""), "");
  EXPECT_EQ(error("outputs { name: 'probabilities' } outputs { name: 'probabilities' top_k: 1 }"),
            "");
  EXPECT_EQ(error("outputs { name: 'x' }"),
            "output \"x\" is unknown; the model's outputs are: probabilities, feature");
  EXPECT_EQ(error("outputs { name: 'feature' } outputs { name: 'feature' }"),
            "output \"feature\" was asked for twice in the same form");
  EXPECT_THAT(error("outputs { name: 'feature' top_k: 1 }"),
              HasSubstr("top_k takes one dimension of TYPE_FP32 or TYPE_FP64"));
}

TEST(CheckRequestedOutputsTest, OnlyAModelWithOneOutputNeedsNoName) {
  EXPECT_EQ(
      CheckRequestedOutputs(ReadRequest("outputs { top_k: 1 }").request, OneInput()).message(),
      "output \"\" is unknown; the model's outputs are: probabilities, feature");
  ModelSettings settings = OneInput();
  settings.outputs.pop_back();
  EXPECT_TRUE(
      CheckRequestedOutputs(ReadRequest("outputs { top_k: 1 } outputs {}").request, settings).ok());
  EXPECT_EQ(CheckRequestedOutputs(
                ReadRequest("outputs {} outputs { name: 'probabilities' }").request, settings)
                .message(),
            "output \"probabilities\" was asked for twice in the same form");
}

std::string Floats(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

v1::PredictResponse Encode(const std::string& request, const ModelSettings& settings,
                           const TensorBundle& outputs) {
  WireWriter writer;
  EncodeOutputs(ReadRequest(request).request, settings, outputs.views, writer);
  v1::PredictResponse response;
  EXPECT_TRUE(response.ParseFromString(std::string(writer.bytes())));
  return response;
}

v1::PredictResponse Encode(const std::string& request, const std::vector<float>& scores) {
  const int64_t rows = scores.size() / 3;
  const TensorBundle outputs = Bundle({{v1::TYPE_FP32, {rows, 3}, Floats(scores)},
                                       {v1::TYPE_INT64, {rows, 1}, std::string(8 * rows, 'x')}});
  return Encode(request, OneInput(), outputs);
}

TEST(EncodeOutputsTest, WithoutAWishAllOutputsComeAsTensors) {
  const auto response = Encode("", {0.1f, 0.2f, 0.7f});
  ASSERT_EQ(response.outputs_size(), 2);
  EXPECT_EQ(response.outputs(0).name(), "probabilities");
  EXPECT_EQ(response.outputs(0).data_type(), v1::TYPE_FP32);
  EXPECT_THAT(response.outputs(0).shape(), ElementsAre(1, 3));
  EXPECT_EQ(response.outputs(0).data(), Floats({0.1f, 0.2f, 0.7f}));
  EXPECT_EQ(response.outputs(1).name(), "feature");
}

TEST(EncodeOutputsTest, TopKRanksTheClassesOfEachRow) {
  const auto response =
      Encode("outputs { name: 'probabilities' top_k: 2 }", {0.1f, 0.2f, 0.7f, 0.6f, 0.3f, 0.1f});
  EXPECT_EQ(response.outputs_size(), 0);
  ASSERT_EQ(response.classifications_size(), 1);
  const v1::Classification& classes = response.classifications(0);
  EXPECT_EQ(classes.output_name(), "probabilities");
  ASSERT_EQ(classes.rows_size(), 2);
  ASSERT_EQ(classes.rows(0).classes_size(), 2);
  EXPECT_EQ(classes.rows(0).classes(0).label(), "cow");
  EXPECT_EQ(classes.rows(0).classes(0).index(), 2);
  EXPECT_FLOAT_EQ(classes.rows(0).classes(0).score(), 0.7f);
  EXPECT_EQ(classes.rows(0).classes(1).label(), "dog");
  EXPECT_EQ(classes.rows(1).classes(0).label(), "cat");
}

TEST(EncodeOutputsTest, AnOutputMayBeAskedForBothWays) {
  const auto response = Encode(
      "outputs { name: 'probabilities' } outputs { name: 'probabilities' top_k: 1 }", {0, 1, 0});
  EXPECT_EQ(response.outputs_size(), 1);
  EXPECT_EQ(response.outputs(0).data(), Floats({0, 1, 0}));
  EXPECT_EQ(response.classifications(0).rows(0).classes(0).label(), "dog");
}

TEST(EncodeOutputsTest, AnAnswerNamesAnOutputThatWasAskedForWithoutAName) {
  ModelSettings settings = OneInput();
  settings.outputs.pop_back();
  const TensorBundle outputs = Bundle({{v1::TYPE_FP32, {1, 3}, Floats({0, 1, 0})}});
  const auto response = Encode("outputs { top_k: 1 } outputs {}", settings, outputs);
  EXPECT_EQ(response.classifications(0).output_name(), "probabilities");
  EXPECT_EQ(response.classifications(0).rows(0).classes(0).label(), "dog");
  EXPECT_EQ(response.outputs(0).name(), "probabilities");
}

TEST(EncodeOutputsTest, MoreClassesThanThereAreGiveAll) {
  const auto response = Encode("outputs { name: 'probabilities' top_k: 4000000000 }", {0, 1, 0});
  EXPECT_EQ(response.classifications(0).rows(0).classes_size(), 3);
}

TEST(EncodeOutputsTest, EqualScoresKeepTheirOrderAndNanComesLast) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto response = Encode("outputs { name: 'probabilities' top_k: 3 }", {nan, 0.5f, 0.5f});
  const auto& classes = response.classifications(0).rows(0).classes();
  EXPECT_EQ(classes[0].label(), "dog");
  EXPECT_EQ(classes[1].label(), "cow");
  EXPECT_EQ(classes[2].label(), "cat");
}

}  // namespace
}  // namespace weir
