#include "loadgen/inputs/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// An answer as servers give it, with the two best classes of each row.
std::string Classes(const std::vector<int32_t>& best) {
  v1::PredictResponse response;
  response.mutable_model()->set_name("m");
  response.set_request_id("1");
  v1::Classification& classification = *response.add_classifications();
  classification.set_output_name("probabilities");
  for (const int32_t index : best) {
    v1::RankedClasses& row = *classification.add_rows();
    v1::ScoredClass& first = *row.add_classes();
    first.set_index(index);
    first.set_label("T-shirt/top");
    first.set_score(0.9);
    row.add_classes()->set_index(index + 1);
  }
  response.mutable_timings()->set_total_ns(100);
  return response.SerializeAsString();
}

template <typename T>
std::string Values(const std::vector<T>& values) {
  v1::PredictResponse response;
  v1::Tensor& output = *response.add_outputs();
  output.set_name("price");
  output.add_shape(static_cast<int64_t>(values.size()));
  output.set_data(values.data(), values.size() * sizeof(T));
  return response.SerializeAsString();
}

// What was read; empty if it could not be.
std::vector<int32_t> Read(const std::string& response, int rows) {
  std::vector<int32_t> classes(rows, -1);
  return ReadClasses(response, absl::MakeSpan(classes)) ? classes : std::vector<int32_t>();
}

std::vector<double> Read(const std::string& response, v1::DataType type, int count) {
  std::vector<double> values(count);
  return ReadValues(response, type, absl::MakeSpan(values)) ? values : std::vector<double>();
}

TEST(AnswerTest, TheBestClassOfEachRowIsRead) {
  EXPECT_THAT(Read(Classes({7}), 1), ElementsAre(7));
  EXPECT_THAT(Read(Classes({0, 3, 9}), 3), ElementsAre(0, 3, 9)) << "0 is not on the wire";
}

TEST(AnswerTest, AnAnswerWithMoreOrFewerRowsIsNotRead) {
  EXPECT_THAT(Read(Classes({1, 2}), 1), IsEmpty());
  EXPECT_THAT(Read(Classes({1, 2}), 3), IsEmpty());
  EXPECT_THAT(Read(Classes({}), 1), IsEmpty());
  EXPECT_THAT(Read("", 1), IsEmpty());
  EXPECT_THAT(Read(Values<float>({1}), 1), IsEmpty());
}

TEST(AnswerTest, ARowWithoutClassesIsNotRead) {
  v1::PredictResponse response;
  response.add_classifications()->add_rows();
  EXPECT_THAT(Read(response.SerializeAsString(), 1), IsEmpty());
}

TEST(AnswerTest, ValuesOfBothTypesAreRead) {
  EXPECT_THAT(Read(Values<float>({1.5F, -2}), v1::TYPE_FP32, 2), ElementsAre(1.5, -2));
  EXPECT_THAT(Read(Values<double>({1e300}), v1::TYPE_FP64, 1), ElementsAre(1e300));
}

TEST(AnswerTest, AnAnswerWithMoreOrFewerValuesIsNotRead) {
  EXPECT_THAT(Read(Values<float>({1, 2}), v1::TYPE_FP32, 1), IsEmpty());
  EXPECT_THAT(Read(Values<float>({1, 2}), v1::TYPE_FP32, 3), IsEmpty());
  EXPECT_THAT(Read(Values<float>({1}), v1::TYPE_FP64, 1), IsEmpty());
  EXPECT_THAT(Read(Values<float>({}), v1::TYPE_FP32, 1), IsEmpty());
  EXPECT_THAT(Read(Classes({1}), v1::TYPE_FP32, 1), IsEmpty());
}

TEST(AnswerTest, ATruncatedAnswerIsNotRead) {
  const std::string classes = Classes({4, 5});
  const std::string values = Values<float>({1, 2});
  // Behind the classes come the timings, 4 bytes, without which there is still an answer.
  for (size_t size = 0; size < classes.size() - 4; ++size) {
    EXPECT_THAT(Read(classes.substr(0, size), 2), IsEmpty()) << size;
  }
  for (size_t size = 0; size < values.size(); ++size) {
    EXPECT_THAT(Read(values.substr(0, size), v1::TYPE_FP32, 2), IsEmpty()) << size;
  }
}

}  // namespace
}  // namespace weir
