#include "loadgen/load/stream_answer.h"

#include <gtest/gtest.h>

#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

constexpr uint64_t kId = 0x0123456789abcdef;
constexpr char kIdText[] = "0123456789abcdef";

v1::PredictRequest Appended(v1::PredictRequest request, absl::Duration timeout) {
  std::string bytes = request.SerializeAsString();
  AppendRequestFields(kId, timeout, bytes);
  EXPECT_TRUE(request.ParseFromString(bytes));
  return request;
}

TEST(AppendRequestFieldsTest, TheRequestHasThemAndAllItHadBefore) {
  v1::PredictRequest request;
  request.mutable_model()->set_name("fast");
  request.add_inputs()->set_data("bytes");
  const v1::PredictRequest sent = Appended(request, absl::Milliseconds(1500));
  EXPECT_EQ(sent.request_id(), kIdText);
  EXPECT_EQ(sent.timeout_us(), 1500000);
  EXPECT_EQ(sent.model().name(), "fast");
  EXPECT_EQ(sent.inputs(0).data(), "bytes");
}

TEST(AppendRequestFieldsTest, TheyTakeThePlaceOfThoseThatTheRequestHas) {
  v1::PredictRequest request;
  request.set_request_id("its own");
  request.set_timeout_us(7);
  const v1::PredictRequest sent = Appended(request, absl::Seconds(1));
  EXPECT_EQ(sent.request_id(), kIdText);
  EXPECT_EQ(sent.timeout_us(), 1000000);
}

TEST(AppendRequestFieldsTest, NoTimeLeftIsNotTakenForNoLimit) {
  EXPECT_EQ(Appended({}, absl::ZeroDuration()).timeout_us(), 1);
  EXPECT_EQ(Appended({}, -absl::Seconds(1)).timeout_us(), 1);
  EXPECT_EQ(Appended({}, absl::InfiniteDuration()).timeout_us(), 0);
}

TEST(ParseStreamAnswerTest, AResponseIsGivenAsItsBytes) {
  v1::PredictStreamResponse message;
  message.mutable_response()->set_request_id(kIdText);
  message.mutable_response()->mutable_model()->set_name("fast");
  message.mutable_response()->mutable_timings()->set_total_ns(123456);
  const std::string bytes = message.SerializeAsString();
  const auto answer = ParseStreamAnswer(bytes);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->id, kId);
  EXPECT_TRUE(answer->status.ok());
  EXPECT_EQ(answer->response, message.response().SerializeAsString());
}

TEST(ParseStreamAnswerTest, AnErrorIsItsStatus) {
  v1::PredictStreamResponse message;
  message.mutable_error()->set_request_id(kIdText);
  message.mutable_error()->set_code(8);
  message.mutable_error()->set_message("the queue is full");
  const auto answer = ParseStreamAnswer(message.SerializeAsString());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->id, kId);
  EXPECT_EQ(answer->status, absl::ResourceExhaustedError("the queue is full"));
  EXPECT_EQ(answer->response, "");
}

TEST(ParseStreamAnswerTest, AnErrorIsNeverOk) {
  v1::PredictStreamResponse message;
  message.mutable_error()->set_request_id(kIdText);
  for (const int code : {0, 17, -1}) {
    message.mutable_error()->set_code(code);
    const auto answer = ParseStreamAnswer(message.SerializeAsString());
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->status.code(), absl::StatusCode::kUnknown);
  }
}

TEST(ParseStreamAnswerTest, FieldsOfNewerServersAreIgnored) {
  v1::PredictStreamResponse message;
  message.mutable_response()->set_request_id(kIdText);
  message.mutable_response()
      ->GetReflection()
      ->MutableUnknownFields(message.mutable_response())
      ->AddVarint(900, 1);
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(901, "new");
  const auto answer = ParseStreamAnswer(message.SerializeAsString());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->id, kId);
}

TEST(ParseStreamAnswerTest, WhatIsNoAnswerIsRefused) {
  v1::PredictStreamResponse message;
  message.mutable_response()->set_request_id(kIdText);
  message.mutable_response()->mutable_model()->set_name("fast");
  const std::string bytes = message.SerializeAsString();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseStreamAnswer(bytes.substr(0, size)).ok()) << size << " bytes of it";
  }
  EXPECT_FALSE(ParseStreamAnswer("no message").ok());
  EXPECT_FALSE(ParseStreamAnswer(std::string("\x0a\xff\xff\xff\xff\x0f", 6)).ok());
}

TEST(ParseStreamAnswerTest, AnIdThatNobodySentIsRefusedAndQuoted) {
  v1::PredictStreamResponse message;
  for (const char* const id : {"", "0123", "0123456789abcdeg", "0123456789abcdef0"}) {
    message.mutable_response()->set_request_id(id);
    const auto answer = ParseStreamAnswer(message.SerializeAsString());
    EXPECT_EQ(answer.status().message(),
              std::string("the server's answer on a stream has the request_id \"") + id +
                  "\", which nobody sent");
  }
}

}  // namespace
}  // namespace weir
