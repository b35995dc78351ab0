#include "server/rpc/predict_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/wire_writer.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::PredictRequest WholeRequest() {
  v1::PredictRequest request;
  request.mutable_model()->set_name("m");
  request.mutable_model()->set_version(3);
  request.set_request_id("r");
  v1::Tensor& tensor = *request.add_inputs();
  tensor.set_name("x");
  tensor.set_data_type(v1::TYPE_FP64);
  for (const int64_t size : {int64_t{1}, int64_t{300}, int64_t{-1}}) tensor.add_shape(size);
  tensor.set_data("abc");
  v1::Tensor& numbers = *request.add_inputs();
  numbers.add_values(2.5);
  numbers.add_values(-1);
  v1::RequestedOutput& output = *request.add_outputs();
  output.set_name("y");
  output.set_top_k(std::numeric_limits<uint32_t>::max());
  request.set_priority(7);
  request.set_timeout_us(-8);
  return request;
}

// A message of one field.
std::string Field(uint32_t number, absl::string_view bytes) {
  WireWriter writer;
  writer.Bytes(number, bytes);
  return std::string(writer.bytes());
}

TEST(PredictRequestTest, EveryFieldIsRead) {
  const std::string message = WholeRequest().SerializeAsString();
  const absl::StatusOr<PredictRequest> read = ReadPredictRequest(message);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->model, "m");
  EXPECT_EQ(read->version, 3);
  EXPECT_EQ(read->request_id, "r");
  ASSERT_EQ(read->inputs.size(), 2U);
  EXPECT_EQ(read->inputs[0].name, "x");
  EXPECT_EQ(read->inputs[0].type, v1::TYPE_FP64);
  EXPECT_THAT(read->inputs[0].shape, ElementsAre(1, 300, -1));
  EXPECT_EQ(read->inputs[0].data, "abc");
  EXPECT_EQ(read->inputs[0].data.data(), message.data() + message.find("abc")) << "where it lies";
  EXPECT_THAT(read->inputs[1].values, ElementsAre(2.5, -1));
  ASSERT_EQ(read->outputs.size(), 1U);
  EXPECT_EQ(read->outputs[0].name, "y");
  EXPECT_EQ(read->outputs[0].top_k, std::numeric_limits<uint32_t>::max());
  EXPECT_EQ(read->priority, 7U);
  EXPECT_EQ(read->timeout_us, -8);
}

TEST(PredictRequestTest, NoBytesAreAnEmptyRequest) {
  const absl::StatusOr<PredictRequest> read = ReadPredictRequest("");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->model, "");
  EXPECT_TRUE(read->inputs.empty());
}

TEST(PredictRequestTest, WhatComesTwiceCountsAsProtobufHasIt) {
  v1::PredictRequest first = WholeRequest(), second;
  second.mutable_model()->set_name("other");
  second.set_priority(9);
  second.add_inputs()->set_name("z");
  const std::string message = first.SerializeAsString() + second.SerializeAsString();
  const absl::StatusOr<PredictRequest> read = ReadPredictRequest(message);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->model, "other");
  EXPECT_EQ(read->version, 3) << "messages within are merged";
  EXPECT_EQ(read->priority, 9U);
  EXPECT_EQ(read->inputs.size(), 3U);
}

TEST(PredictRequestTest, RepeatedNumbersNeedNotBePacked) {
  WireWriter tensor;
  for (const uint64_t size : {2, 3}) tensor.Number(v1::Tensor::kShapeFieldNumber, size);
  for (const double value : {1.5, 2.5}) tensor.Double(v1::Tensor::kValuesFieldNumber, value);
  const std::string message = Field(v1::PredictRequest::kInputsFieldNumber, tensor.bytes());
  const absl::StatusOr<PredictRequest> read = ReadPredictRequest(message);
  ASSERT_TRUE(read.ok());
  EXPECT_THAT(read->inputs[0].shape, ElementsAre(2, 3));
  EXPECT_THAT(read->inputs[0].values, ElementsAre(1.5, 2.5));
}

TEST(PredictRequestTest, NumbersThatAreNotPackedCountAsOneFieldEachWhateverTheyFollow) {
  WireWriter tensor;
  tensor.Bytes(v1::Tensor::kDataFieldNumber, std::string(50'000, 'x'));
  for (int i = 0; i < 4; ++i) tensor.Number(v1::Tensor::kShapeFieldNumber, 1);
  const std::string message = Field(v1::PredictRequest::kInputsFieldNumber, tensor.bytes());
  const absl::StatusOr<PredictRequest> read = ReadPredictRequest(message);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->inputs[0].shape, ElementsAre(1, 1, 1, 1));
}

TEST(PredictRequestTest, WhatIsNotKnownIsPassedOver) {
  WireWriter writer;
  writer.Number(99, 1);
  writer.Bytes(100, "x");
  writer.Double(v1::PredictRequest::kModelFieldNumber, 1);  // Of no type that it may have.
  writer.Number(v1::PredictRequest::kInputsFieldNumber, 1);
  writer.Bytes(v1::PredictRequest::kPriorityFieldNumber, "x");
  const absl::StatusOr<PredictRequest> read = ReadPredictRequest(writer.bytes());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->model, "");
  EXPECT_TRUE(read->inputs.empty());
  EXPECT_EQ(read->priority, 0U);
}

TEST(PredictRequestTest, BytesThatAreNoRequestAreRefused) {
  const std::string whole = WholeRequest().SerializeAsString();
  v1::PredictRequest named;
  named.mutable_model()->set_name("n");
  const std::string model = named.SerializeAsString();
  std::vector<std::string> bad = {"no message", whole.substr(0, whole.size() - 1),
                                  std::string("\0", 1), "\x0b\x0c"};
  for (const uint32_t field : {1U, 2U, 3U, 4U}) {
    // Text that is no text, within the message, or in place of one.
    const std::string inner = field == 2 ? "\xff" : Field(1, "\xff");
    bad.push_back(model + Field(field, inner));
  }
  for (const std::string& message : bad) {
    EXPECT_EQ(ReadPredictRequest(message).status(),
              absl::InvalidArgumentError("the message is no weir.v1.PredictRequest"))
        << message;
  }
}

TEST(PredictRequestTest, SoManyFieldsAreRefusedThatTheyWouldTakeManyTimesTheirSize) {
  const auto repeat = [](const std::string& text, int times) {
    std::string repeated;
    for (int i = 0; i < times; ++i) repeated += text;
    return repeated;
  };
  const std::string empty_input("\x1a\0", 2);
  EXPECT_EQ(ReadPredictRequest(repeat(empty_input, 100'000)).status().message(),
            "the message holds more than 10346 fields in its 200000 bytes");
  for (const std::string& message :
       {repeat("\x28\1", 100'000), Field(3, repeat("\x18\1", 100'000)),
        Field(3, Field(3, std::string(4'000'000, '\1'))), Field(99, "x") + repeat("\x28\1", 5000),
        Field(1, repeat("\x10\1", 5000)), Field(4, repeat("\x10\1", 5000))}) {
    EXPECT_THAT(std::string(ReadPredictRequest(message).status().message()),
                HasSubstr("the message holds more than"));
  }
  EXPECT_TRUE(ReadPredictRequest(Field(3, Field(4, std::string(1 << 20, 'x')))).ok());
  EXPECT_TRUE(ReadPredictRequest(repeat(empty_input, 4096)).ok());
}

}  // namespace
}  // namespace weir
