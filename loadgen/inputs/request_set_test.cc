#include "loadgen/inputs/request_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "loadgen/inputs/test_models.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

RequestSet Make(const std::string& traffic, const v1::ModelDescription& model) {
  absl::StatusOr<RequestSet> set = RequestSet::Create(Traffic(traffic), model, {});
  if (!set.ok()) {
    ADD_FAILURE() << set.status();
    abort();
  }
  return *std::move(set);
}

std::string Error(const std::string& traffic, const v1::ModelDescription& model) {
  const absl::Status status = RequestSet::Create(Traffic(traffic), model, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

v1::PredictRequest Request(absl::string_view message) {
  v1::PredictRequest request;
  EXPECT_TRUE(request.ParseFromArray(message.data(), static_cast<int>(message.size())));
  return request;
}

// A request to flats of which only the first feature is shown.
std::vector<float> FirstFeatures(const v1::PredictRequest& request) {
  const std::string& data = request.inputs(0).data();
  std::vector<float> features;
  for (size_t at = 0; at < data.size(); at += 14 * sizeof(float)) {
    std::memcpy(&features.emplace_back(), &data[at], sizeof(float));
  }
  return features;
}

std::string ClassAnswer(const std::vector<int>& classes) {
  v1::PredictResponse response;
  v1::Classification& classification = *response.add_classifications();
  for (const int index : classes) {
    classification.add_rows()->add_classes()->set_index(index);
  }
  return response.SerializeAsString();
}

std::string ValueAnswer(const std::vector<float>& values) {
  v1::PredictResponse response;
  response.add_outputs()->set_data(values.data(), values.size() * sizeof(float));
  return response.SerializeAsString();
}

TEST(RequestSetTest, ARequestNamesTheModelAndAsksForTheBestClass) {
  const RequestSet set = Make("version: 3 priority: 2", FashionModel());
  EXPECT_EQ(set.size(), 10'000);
  EXPECT_EQ(set.rows(), 1);
  v1::PredictRequest request = Request(set.message(0));
  EXPECT_EQ(request.inputs(0).data().size(), 784U);
  request.mutable_inputs(0)->clear_data();
  EXPECT_EQ(request.ShortDebugString(),
            "model { name: \"fashion-fast\" version: 3 } "
            "inputs { name: \"image\" shape: 1 shape: 28 shape: 28 } "
            "outputs { name: \"probabilities\" top_k: 1 } priority: 2");
}

TEST(RequestSetTest, ARequestAsksForAValueAsATensor) {
  const v1::PredictRequest request = Request(Make("", FlatsModel()).message(0));
  ASSERT_EQ(request.outputs_size(), 1);
  EXPECT_EQ(request.outputs(0).ShortDebugString(), "name: \"price\"");
}

TEST(RequestSetTest, WithoutATruthAllOutputsAreAskedForAndNothingIsJudged) {
  const RequestSet set = Make("input: \"random\"", FashionModel());
  EXPECT_FALSE(set.judges());
  EXPECT_EQ(Request(set.message(0)).outputs_size(), 0);
  Quality quality;
  set.Judge(0, ClassAnswer({1}), quality);
  EXPECT_FALSE(quality.known());
}

TEST(RequestSetTest, TheOutputWithLabelsIsJudged) {
  v1::ModelDescription model = FashionModel();
  const v1::TensorDescription labelled = model.outputs(0);
  model.clear_outputs();
  model.add_outputs()->set_name("embedding");
  model.mutable_outputs(0)->set_data_type(v1::TYPE_FP32);
  model.mutable_outputs(0)->add_dims(64);
  EXPECT_EQ(Request(Make("", model).message(0)).outputs(0).name(), "embedding");
  *model.add_outputs() = labelled;
  EXPECT_EQ(Request(Make("", model).message(0)).outputs(0).name(), "probabilities");
}

TEST(RequestSetTest, AModelWhoseAnswersAreOfAnotherKindIsNotJudged) {
  v1::ModelDescription model = FashionModel();
  model.mutable_outputs(0)->set_data_type(v1::TYPE_INT64);
  EXPECT_FALSE(Make("", model).judges());
  model = FlatsModel();
  model.mutable_outputs(0)->set_dims(0, 2);
  EXPECT_FALSE(Make("", model).judges());
}

TEST(RequestSetTest, RowsComeInTheirOrderAndTheFirstFollowTheLast) {
  const std::string path = testing::TempDir() + "/rows";
  std::ofstream(path) << "abcdefg";
  const RequestSet set =
      Make(absl::StrCat("rows: 3 input: \"file:", path, "\""),
           Model("name: \"m\" max_batch_size: 4 inputs { data_type: TYPE_UINT8 dims: 1 }"));
  std::vector<std::string> rows;
  for (int i = 0; i < set.size(); ++i) rows.push_back(Request(set.message(i)).inputs(0).data());
  EXPECT_THAT(rows, ElementsAre("abc", "def", "gab"));
}

TEST(RequestSetTest, ARequestMayHaveMoreRowsThanTheSource) {
  const std::string path = testing::TempDir() + "/few";
  std::ofstream(path) << "ab";
  const RequestSet set =
      Make(absl::StrCat("rows: 5 input: \"file:", path, "\""),
           Model("name: \"m\" max_batch_size: 8 inputs { data_type: TYPE_UINT8 dims: 1 }"));
  ASSERT_EQ(set.size(), 1);
  EXPECT_EQ(Request(set.message(0)).inputs(0).data(), "ababa");
}

TEST(RequestSetTest, AModelWithoutRowsTakesOneAtATime) {
  v1::ModelDescription model = FlatsModel();
  model.set_max_batch_size(0);
  const v1::PredictRequest request = Request(Make("", model).message(0));
  EXPECT_THAT(request.inputs(0).shape(), ElementsAre(14));
  EXPECT_EQ(FirstFeatures(request).size(), 1U);
  EXPECT_EQ(Error("rows: 2", model), "traffic to \"flats-price\": rows: 2; the model takes 1");
}

TEST(RequestSetTest, MoreRowsThanTheModelTakesAreRefused) {
  EXPECT_EQ(Error("rows: 65", FashionModel()),
            "traffic to \"fashion-fast\": rows: 65; the model takes 1 to 64");
  EXPECT_THAT(Error("rows: -1", FashionModel()), HasSubstr("rows: -1"));
}

TEST(RequestSetTest, WhatIsWrongWithTheInputNamesTheTraffic) {
  EXPECT_THAT(Error("input: \"flats\"", FashionModel()),
              HasSubstr("traffic to \"fashion-fast\": input \"flats\": its rows are"));
}

TEST(RequestSetTest, RequestsOfLargeRowsAreFewer) {
  const v1::ModelDescription model = Model(
      "name: \"m\" max_batch_size: 2 inputs { data_type: TYPE_UINT8 dims: [ 1024, 1024, 40 ] }");
  EXPECT_EQ(Make("", model).size(), 1);
  EXPECT_THAT(Error("rows: 2", model), HasSubstr("rows: a request with 2 rows takes 83886"));
}

TEST(RequestSetTest, RowsThatDoNotFitInAreCounted) {
  const std::string path = testing::TempDir() + "/large";
  std::ofstream(path) << "a";
  std::filesystem::resize_file(path, 70 << 20);
  const RequestSet set =
      Make(absl::StrCat("rows: 2 input: \"file:", path, "\""),
           Model("name: \"m\" max_batch_size: 2 inputs { data_type: TYPE_UINT8 dims: 1048576 }"));
  EXPECT_EQ(set.size(), 31) << "a request is more than its rows";
  EXPECT_EQ(set.rows_used(), 62);
  EXPECT_EQ(set.rows_there(), 70);
  const RequestSet all = Make("rows: 3", FashionModel());
  EXPECT_EQ(all.rows_used(), 10'000);
  EXPECT_EQ(all.rows_there(), 10'000);
}

TEST(RequestSetTest, AMalformedRequestLacksAByte) {
  const RequestSet set = Make("rows: 2", FlatsModel());
  v1::PredictRequest malformed = Request(set.malformed());
  EXPECT_EQ(malformed.model().name(), "flats-price");
  EXPECT_THAT(malformed.inputs(0).shape(), ElementsAre(2, 14));
  EXPECT_EQ(malformed.inputs(0).data().size(), 2 * 14 * sizeof(float) - 1);
}

TEST(RequestSetTest, EachRowOfAnAnswerIsJudgedByItsOwnTruth) {
  const Source source = *OpenSource({}, FashionModel(), {});
  const RequestSet set = Make("rows: 3", FashionModel());
  const auto label = [&](int row) { return static_cast<int>(source.truth[row % 10'000]); };
  for (const int i : {0, 1, 3333}) {  // The last one goes on with the first row.
    std::vector<int> classes = {label(3 * i), label(3 * i + 1), label(3 * i + 2)};
    Quality right;
    set.Judge(i, ClassAnswer(classes), right);
    EXPECT_EQ(right.Report().value(), 1) << i;
    EXPECT_EQ(right.Report().rows(), 3) << i;
    classes[1] = (classes[1] + 1) % 10;
    Quality wrong;
    set.Judge(i, ClassAnswer(classes), wrong);
    EXPECT_DOUBLE_EQ(wrong.Report().value(), 2.0 / 3) << i;
  }
}

TEST(RequestSetTest, ValuesAreJudgedByTheirDistanceFromTheTruth) {
  const Source source = *OpenSource({}, FlatsModel(), {});
  const RequestSet set = Make("rows: 2", FlatsModel());
  Quality quality;
  set.Judge(1, ValueAnswer({source.truth[2] * 1.1F, source.truth[3] * 0.9F}), quality);
  EXPECT_NEAR(quality.Report().low(), 0.1, 0.002);
  EXPECT_NEAR(quality.Report().high(), 0.1, 0.002);
}

TEST(RequestSetTest, AnAnswerThatCannotBeReadIsWrong) {
  const RequestSet classes = Make("rows: 3", FashionModel());
  for (const std::string& answer :
       {std::string(), std::string("\xff"), ClassAnswer({1, 2}), ClassAnswer({1, 2, 3, 4})}) {
    Quality quality;
    classes.Judge(0, answer, quality);
    EXPECT_EQ(quality.Report().rows(), 3);
    EXPECT_EQ(quality.Report().value(), 0);
  }
  Quality quality;
  Make("", FlatsModel()).Judge(0, "", quality);
  EXPECT_GT(quality.Report().value(), 0.9e6);
}

TEST(RequestSetTest, RowsThatComeAgainDoNotNarrowTheInterval) {
  const RequestSet set = Make("", FashionModel());
  const Source source = *OpenSource({}, FashionModel(), {});
  Quality once, often;
  for (int times = 0; times < 3; ++times) {
    for (int i = 0; i < set.size(); ++i) {
      const std::string answer = ClassAnswer({i % 4 == 0 ? 0 : static_cast<int>(source.truth[i])});
      set.Judge(i, answer, often);
      if (times == 0) set.Judge(i, answer, once);
    }
  }
  EXPECT_EQ(often.Report().rows(), 30'000);
  EXPECT_DOUBLE_EQ(often.Report().low(), once.Report().low());
}

}  // namespace
}  // namespace weir
