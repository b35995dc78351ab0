// What servers may do, right and wrong, dictated by the test.
#include "loadgen/client/call_session.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "loadgen/client/fake_peer.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kNow = 1'000'000 * kSecond;
constexpr size_t kLimit = 1 << 20;

const FakePeer::Headers kHead = {{":status", "200"}, {"content-type", "application/grpc"}};

class RecordedCall final : public Call {
 public:
  void OnMessage(absl::string_view message) override {
    messages.emplace_back(message);
    if (on_message) on_message();
  }
  void OnEnd(const absl::Status& with) override {
    EXPECT_FALSE(status.has_value()) << "a second end";
    status = with;
  }
  absl::StatusCode code() const { return status.value_or(absl::AbortedError("goes on")).code(); }
  std::string words() const { return status ? std::string(status->message()) : "goes on"; }

  std::vector<std::string> messages;
  std::optional<absl::Status> status;
  std::function<void()> on_message;
};

class CallSessionTest : public ::testing::Test {
 protected:
  void Connect(std::vector<nghttp2_settings_entry> settings = {}) {
    peer_ = std::make_unique<FakePeer>(std::move(settings));
    Exchange();
    ASSERT_TRUE(session_.accepting());
  }

  // Until nobody has anything to say. The client takes what comes in pieces.
  void Exchange() {
    while (true) {
      std::string output;
      const absl::StatusOr<bool> more = session_.TakeOutput(output, kLimit);
      if (!more.ok()) broken_ = more.status();
      const std::string input = peer_->Receive(output) ? peer_->Output() : "";
      if (output.empty() && input.empty()) return;
      for (size_t at = 0; at < input.size() && broken_.ok(); at += piece_) {
        broken_ = session_.Receive(absl::string_view(input).substr(at, piece_));
      }
      calls_.EndDue();
      if (!broken_.ok()) return;
    }
  }

  OpenCall& Start(Call& call, absl::string_view message = "hello") {
    OpenCall& open = calls_.Open(call, method_, message, kNow + kSecond);
    session_.Start(open);
    return open;
  }

  OpenCall& StartStream(Call& call) {
    OpenCall& open = calls_.OpenStream(call, method_);
    session_.Start(open);
    return open;
  }

  // One call, and how it ended after `answer` (of stream 1).
  void Answered(RecordedCall& call, const std::function<void()>& answer) {
    Connect();
    Start(call);
    Exchange();
    answer();
    Exchange();
  }

  OpenCalls calls_{kNow};
  CallMethod method_ = {.path = "/weir.Test/Echo", .metadata = {{"weir-delay-ms", "5"}}};
  CallSession session_{calls_, "test:1"};
  std::unique_ptr<FakePeer> peer_;
  size_t piece_ = 1 << 20;
  absl::Status broken_;
};

TEST_F(CallSessionTest, ACallIsWhatGrpcSaysItIs) {
  Connect();
  RecordedCall call;
  Start(call);
  Exchange();
  const FakePeer::Stream& stream = peer_->streams()[1];
  EXPECT_THAT(
      stream.headers,
      ElementsAre(std::pair(":authority", "test:1"), std::pair(":method", "POST"),
                  std::pair(":path", "/weir.Test/Echo"), std::pair(":scheme", "http"),
                  std::pair("content-type", "application/grpc"),
                  std::pair("grpc-timeout", "1000000u"), std::pair("te", "trailers"),
                  std::pair("user-agent", "weir-loadgen"), std::pair("weir-delay-ms", "5")));
  EXPECT_EQ(stream.body, std::string("\0\0\0\0\5hello", 10));
  EXPECT_TRUE(stream.ended);
}

TEST_F(CallSessionTest, AnAnswerMayComeByteByByte) {
  piece_ = 1;
  RecordedCall call;
  Answered(call, [&] { peer_->Answer(1, "the answer"); });
  EXPECT_EQ(call.code(), absl::StatusCode::kOk);
  EXPECT_THAT(call.messages, ElementsAre("the answer"));
  EXPECT_EQ(session_.calls(), 0);
}

TEST_F(CallSessionTest, AMessageMayBeSpreadOverFrames) {
  RecordedCall call;
  Answered(call, [&] {
    peer_->SendHeaders(1, kHead, false);
    for (const char c : std::string("\0\0\0\0\5hello", 10)) peer_->SendData(1, std::string(1, c));
    peer_->SendHeaders(1, {{"grpc-status", "0"}}, true);
  });
  EXPECT_EQ(call.code(), absl::StatusCode::kOk);
  EXPECT_THAT(call.messages, ElementsAre("hello"));
}

TEST_F(CallSessionTest, TrailersMayComeAlone) {
  RecordedCall call;
  Answered(call, [&] {
    peer_->SendHeaders(1, {kHead[0], {"grpc-status", "8"}, {"grpc-message", "100%25 full"}}, true);
  });
  EXPECT_EQ(*call.status, absl::ResourceExhaustedError("100% full"));
  EXPECT_TRUE(IsAnswer(*call.status));
}

TEST_F(CallSessionTest, AnAnswerWithoutGrpcStatusIsUnknown) {
  RecordedCall call;
  Answered(call, [&] {
    peer_->SendHeaders(1, kHead, false);
    peer_->SendData(1, std::string("\0\0\0\0\0", 5), /*end=*/true);
  });
  EXPECT_EQ(call.code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(call.words(), HasSubstr("no grpc-status"));
  EXPECT_FALSE(IsAnswer(*call.status));
}

TEST_F(CallSessionTest, AProxysPageIsUnavailable) {
  RecordedCall call;
  Answered(call, [&] {
    peer_->SendHeaders(1, {{":status", "503"}, {"content-type", "text/html"}}, false);
    peer_->SendData(1, "<html>", /*end=*/true);
  });
  EXPECT_EQ(call.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(call.words(), HasSubstr("503"));
  EXPECT_THAT(call.messages, IsEmpty());
}

TEST_F(CallSessionTest, APageThatIsFineIsNoAnswerEither) {
  RecordedCall call;
  Answered(call, [&] {
    peer_->SendHeaders(1, {{":status", "200"}, {"content-type", "text/html"}}, false);
    peer_->SendData(1, "<html>", /*end=*/true);
  });
  EXPECT_EQ(call.code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(call.words(), HasSubstr("content-type"));
}

TEST_F(CallSessionTest, CompressedMessagesAreRefused) {
  RecordedCall call;
  Answered(call, [&] {
    peer_->SendHeaders(1, kHead, false);
    peer_->SendData(1, std::string("\1\0\0\0\1x", 6));
  });
  EXPECT_EQ(call.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(call.words(), HasSubstr("compressed"));
  EXPECT_EQ(peer_->streams()[1].reset_with, NGHTTP2_CANCEL);
}

TEST_F(CallSessionTest, AUnaryAnswerHasOneMessage) {
  RecordedCall none;
  Answered(none, [&] {
    peer_->SendHeaders(1, kHead, false);
    peer_->SendHeaders(1, {{"grpc-status", "0"}}, true);
  });
  EXPECT_EQ(none.code(), absl::StatusCode::kInternal);
  RecordedCall two;
  Start(two);
  Exchange();
  peer_->SendHeaders(3, kHead, false);
  peer_->SendData(3, std::string("\0\0\0\0\0\0\0\0\0\0", 10));
  Exchange();
  EXPECT_EQ(two.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(two.words(), HasSubstr("more than one"));
}

TEST_F(CallSessionTest, AnAnswerThatEndsWithinAMessageIsBroken) {
  RecordedCall call;
  Answered(call, [&] {
    peer_->SendHeaders(1, kHead, false);
    peer_->SendData(1, std::string("\0\0\0\0\5he", 7));
    peer_->SendHeaders(1, {{"grpc-status", "0"}}, true);
  });
  EXPECT_EQ(call.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(call.words(), HasSubstr("within a message"));
}

TEST_F(CallSessionTest, AResetEndsTheCall) {
  RecordedCall refused;
  Answered(refused, [&] { peer_->Reset(1, NGHTTP2_REFUSED_STREAM); });
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  RecordedCall calm;
  Start(calm);
  Exchange();
  peer_->Reset(3, NGHTTP2_ENHANCE_YOUR_CALM);
  Exchange();
  EXPECT_EQ(calm.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(calm.words(), HasSubstr("ENHANCE_YOUR_CALM"));
}

TEST_F(CallSessionTest, AnAnswerBeforeTheWholeRequestEndsTheCall) {
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100}});
  // The peer takes more by and by; it has not taken all when it answers.
  RecordedCall call;
  StartStream(call);
  Exchange();
  peer_->SendHeaders(1, {kHead[0], {"grpc-status", "3"}}, true);
  Exchange();
  EXPECT_EQ(call.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(IsAnswer(*call.status));
  EXPECT_EQ(peer_->streams()[1].reset_with, NGHTTP2_CANCEL);
  EXPECT_EQ(session_.calls(), 0);
}

TEST_F(CallSessionTest, MoreThanTheWindowIsSentWhenTheServerHasReadIt) {
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1000}});
  RecordedCall call;
  const std::string message(3 << 20, 'x');
  Start(call, message);
  Exchange();
  EXPECT_TRUE(peer_->streams()[1].ended);
  EXPECT_EQ(peer_->streams()[1].body.size(), message.size() + 5);
}

TEST_F(CallSessionTest, WindowsSmallerThanAPrefixAreOnesToo) {
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 2}});
  RecordedCall call;
  Start(call);
  Exchange();
  EXPECT_EQ(peer_->streams()[1].body, std::string("\0\0\0\0\5hello", 10));
}

TEST_F(CallSessionTest, MessagesThatTheServerDoesNotTakeCanBeTakenBack) {
  Connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 8}});
  RecordedCall call;
  OpenCall& stream = StartStream(call);
  Exchange();
  for (const char* const message : {"first", "second", "third"}) stream.messages->Push(message);
  session_.Resume(stream);
  std::string output;
  ASSERT_TRUE(session_.TakeOutput(output, kLimit).ok());
  EXPECT_EQ(stream.bytes_to_send(), 10U + 11U + 10U - 8U);
  stream.messages->Drop(0);  // Its rest has to follow.
  stream.messages->Drop(1);
  ASSERT_TRUE(peer_->Receive(output));
  broken_ = session_.Receive(peer_->Output());
  Exchange();
  EXPECT_EQ(peer_->streams()[1].body, std::string("\0\0\0\0\5first\0\0\0\0\5third", 20));
  // All of it is taken back: the stream waits for more.
  output.clear();
  stream.messages->Push("fourth, and more");
  session_.Resume(stream);
  ASSERT_TRUE(session_.TakeOutput(output, kLimit).ok());
  stream.messages->Push("fifth");
  stream.messages->Drop(4);
  ASSERT_TRUE(peer_->Receive(output));
  Exchange();
  EXPECT_TRUE(stream.waits_to_send);
  stream.messages->Push("six");
  stream.half_closed = true;
  session_.Resume(stream);
  Exchange();
  EXPECT_EQ(peer_->streams()[1].body.size(), 20U + 21U + 8U);
  EXPECT_TRUE(peer_->streams()[1].ended);
}

// Starts again when it ends, as long as there is a session to take it.
class TirelessCall final : public Call {
 public:
  explicit TirelessCall(std::function<void()> again) : again_(std::move(again)) {}
  void OnMessage(absl::string_view) override {}
  void OnEnd(const absl::Status&) override {
    if (++ends < 1000) again_();
  }

  int ends = 0;

 private:
  const std::function<void()> again_;
};

TEST_F(CallSessionTest, ASessionThatHasEndedStartsNoMoreCalls) {
  Connect();
  std::function<void()> again;
  TirelessCall call([&] { again(); });
  again = [&] {
    if (session_.accepting()) Start(call);
  };
  again();
  const std::string data_of_no_stream("\0\0\0\0\0\0\0\0\0", 9);
  ASSERT_EQ(session_.Receive(data_of_no_stream), absl::OkStatus());
  std::string output;
  EXPECT_FALSE(session_.TakeOutput(output, kLimit).ok());
  session_.EndAll(absl::UnavailableError("it is broken"));
  calls_.EndDue();
  EXPECT_EQ(call.ends, 1);
}

TEST_F(CallSessionTest, CallsBeyondTheServersLimitWaitForTheirTurn) {
  Connect({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2}});
  std::deque<RecordedCall> calls(4);
  for (RecordedCall& call : calls) Start(call);
  Exchange();
  EXPECT_EQ(peer_->streams().size(), 2);
  peer_->Answer(1, "x");
  Exchange();
  EXPECT_EQ(peer_->streams().size(), 3);
  peer_->Answer(3, "x");
  peer_->Answer(5, "x");
  Exchange();
  EXPECT_EQ(calls[2].code(), absl::StatusCode::kOk);
  EXPECT_EQ(peer_->streams().size(), 4);
}

TEST_F(CallSessionTest, AServerThatGoesAwayAnswersWhatItHasTaken) {
  Connect({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2}});
  std::deque<RecordedCall> calls(3);
  for (RecordedCall& call : calls) Start(call);
  Exchange();
  peer_->GoAway(1);
  Exchange();
  EXPECT_FALSE(session_.accepting());
  EXPECT_TRUE(session_.going_away());
  EXPECT_EQ(calls[1].code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(calls[2].code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(calls[0].status.has_value());
  peer_->Answer(1, "x");
  Exchange();
  EXPECT_EQ(calls[0].code(), absl::StatusCode::kOk);
  EXPECT_EQ(session_.calls(), 0);
}

TEST_F(CallSessionTest, PingsAreAnswered) {
  Connect();
  peer_->Ping();
  Exchange();
  EXPECT_EQ(peer_->pings_answered(), 1);
}

TEST_F(CallSessionTest, WhatIsNoHttp2EndsTheConnectionAndItsCalls) {
  Connect();
  RecordedCall call;
  Start(call);
  Exchange();
  broken_ = session_.Receive("HTTP/1.1 400 Bad Request\r\n\r\n and so on, until a frame is whole");
  std::string output;
  while (broken_.ok()) broken_ = session_.TakeOutput(output, kLimit).status();
  EXPECT_EQ(broken_.code(), absl::StatusCode::kUnavailable);
  session_.EndAll(broken_);
  EXPECT_EQ(call.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(calls_.open(), 0);
}

TEST_F(CallSessionTest, ADroppedCallHearsNothingMore) {
  Connect();
  RecordedCall dropped;
  OpenCall& open = Start(dropped);
  Exchange();
  peer_->Answer(1, "x");
  const std::string answer = peer_->Output();
  session_.Drop(open);
  calls_.End(open, absl::CancelledError());
  RecordedCall next;
  Start(next);  // The same OpenCall again.
  EXPECT_TRUE(session_.Receive(answer).ok());
  EXPECT_THAT(dropped.messages, IsEmpty());
  EXPECT_THAT(next.messages, IsEmpty());
  Exchange();
  peer_->Answer(3, "y");
  Exchange();
  EXPECT_THAT(next.messages, ElementsAre("y"));
  EXPECT_EQ(next.code(), absl::StatusCode::kOk);
}

TEST_F(CallSessionTest, ACallMayBeDroppedBeforeItIsSentAndWithinItsMessage) {
  Connect();
  RecordedCall unsent;
  OpenCall& first = Start(unsent);
  session_.Drop(first);
  calls_.EndLater(first, absl::CancelledError());
  RecordedCall stream;
  OpenCall& second = StartStream(stream);
  stream.on_message = [&] {
    session_.Drop(second);
    calls_.EndLater(second, absl::CancelledError());
  };
  Exchange();
  EXPECT_EQ(unsent.code(), absl::StatusCode::kCancelled);
  peer_->SendHeaders(1, kHead, false);
  peer_->SendData(1, std::string("\0\0\0\0\0\0\0\0\0\0", 10));
  Exchange();
  EXPECT_EQ(stream.messages.size(), 1);
  EXPECT_EQ(stream.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(session_.calls(), 0);
}

}  // namespace
}  // namespace weir
