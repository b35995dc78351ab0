// How calls begin and end.
#include "server/http2/server_session.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http2/fake_client.h"
#include "server/http2/server_session_fixture.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class ServerSessionTest : public ServerSessionFixture {
 protected:
  // The grpc-status of a call with such headers, which nobody sees.
  std::string Refused(const FakeClient::Headers& more) {
    const size_t calls_before = calls_.size();
    const FakeClient::Stream& answer = connection().Answer(FakeClient::Call(kPath, more));
    EXPECT_EQ(calls_.size(), calls_before);
    EXPECT_TRUE(answer.closed);
    const auto found = answer.headers.find("grpc-status");
    return found == answer.headers.end() ? "none" : found->second;
  }
};

TEST_F(ServerSessionTest, AnAnswerIsWhatGrpcWants) {
  Echo();
  const FakeClient::Stream& answer =
      connection().Answer(FakeClient::Call(kPath), FakeClient::Framed("hello"));
  EXPECT_THAT(answer.headers,
              ElementsAre(Pair(":status", "200"), Pair("content-type", "application/grpc")));
  EXPECT_EQ(answer.body, std::string("\0\0\0\0\5hello", 10));
  EXPECT_THAT(answer.trailers, ElementsAre(Pair("grpc-status", "0")));
  EXPECT_TRUE(answer.ended);
  EXPECT_TRUE(answer.closed);
  EXPECT_EQ(answer.reset_with, -1);
  EXPECT_THAT(calls_.front().messages, ElementsAre("hello"));
  EXPECT_EQ(calls_.front().half_closed, 1);
  EXPECT_EQ(calls_.front().sent, 1);
  EXPECT_EQ(calls_.front().closed, 1);
  EXPECT_TRUE(connection().submitted);
  EXPECT_FALSE(connection().session.has_calls());
  EXPECT_TRUE(connection().status.ok());
}

TEST_F(ServerSessionTest, ACallMayComeByteByByte) {
  Echo();
  connection().piece = 1;
  const FakeClient::Stream& answer =
      connection().Answer(FakeClient::Call(kPath), FakeClient::Framed("hello"));
  EXPECT_EQ(answer.body, FakeClient::Framed("hello"));
  EXPECT_THAT(answer.trailers, ElementsAre(Pair("grpc-status", "0")));
}

TEST_F(ServerSessionTest, AStatusAloneComesWithTheHeaders) {
  EndWith(absl::NotFoundError("no model: 100 % gone, näh\n"));
  const FakeClient::Stream& answer = connection().Answer(FakeClient::Call(kPath));
  EXPECT_THAT(answer.headers,
              ElementsAre(Pair(":status", "200"), Pair("content-type", "application/grpc"),
                          Pair("grpc-message", "no model: 100 %25 gone, n%C3%A4h%0A"),
                          Pair("grpc-status", "5")));
  EXPECT_THAT(answer.trailers, IsEmpty());
  EXPECT_EQ(answer.body, "");
  EXPECT_TRUE(answer.ended);
}

TEST_F(ServerSessionTest, AnErrorMayFollowMessages) {
  on_half_close_ = [](RecordedCall& call) {
    call.Send(FakeClient::Framed("some"));
    call.AddRetryHint();
    call.Finish(absl::ResourceExhaustedError("full"));
    call.Finish(absl::OkStatus());             // Only the first one counts,
    call.Send(FakeClient::Framed("no more"));  // and nothing follows it.
  };
  const FakeClient::Stream& answer = connection().Answer(FakeClient::Call(kPath));
  EXPECT_EQ(answer.body, FakeClient::Framed("some"));
  EXPECT_THAT(answer.trailers,
              ElementsAre(Pair("grpc-message", "full"), Pair("grpc-retry-pushback-ms", "50"),
                          Pair("grpc-status", "8")));
}

TEST_F(ServerSessionTest, ARetryHintComesWithAStatusAlone) {
  on_half_close_ = [](RecordedCall& call) {
    call.AddRetryHint();
    call.Finish(absl::ResourceExhaustedError(""));
  };
  const FakeClient::Stream& answer = connection().Answer(FakeClient::Call(kPath));
  EXPECT_THAT(answer.headers,
              ElementsAre(Pair(":status", "200"), Pair("content-type", "application/grpc"),
                          Pair("grpc-retry-pushback-ms", "50"), Pair("grpc-status", "8")));
}

TEST_F(ServerSessionTest, AnUnknownMethodIsUnimplemented) {
  const FakeClient::Stream& answer =
      connection().Answer(FakeClient::Call("/weir.Test/Other"), FakeClient::Framed("x"));
  EXPECT_EQ(answer.headers.at("grpc-status"), "12");
  EXPECT_TRUE(answer.closed);
  EXPECT_TRUE(calls_.empty());
}

TEST_F(ServerSessionTest, WhoSpeaksNoGrpcIsToldInTheWordsOfHttp) {
  FakeClient::Headers get = FakeClient::Call(kPath);
  get[0].second = "GET";
  EXPECT_THAT(connection().Answer(get).headers, ElementsAre(Pair(":status", "405")));
  for (const char* type : {"application/json", "application/grpc-web", "application/grp", ""}) {
    FakeClient::Headers headers = FakeClient::Call(kPath);
    headers.back().second = type;
    EXPECT_THAT(connection().Answer(headers).headers, ElementsAre(Pair(":status", "415"))) << type;
  }
  FakeClient::Headers without = FakeClient::Call(kPath);
  without.pop_back();
  EXPECT_THAT(connection().Answer(without).headers, ElementsAre(Pair(":status", "415")));
  EXPECT_TRUE(calls_.empty());
}

TEST_F(ServerSessionTest, TheContentTypeMaySayWhatIsInTheMessages) {
  EndWith(absl::OkStatus());
  for (const char* type : {"application/grpc+proto", "application/grpc;charset=utf-8"}) {
    FakeClient::Headers headers = FakeClient::Call(kPath);
    headers.back().second = type;
    EXPECT_EQ(connection().Answer(headers).headers["grpc-status"], "0") << type;
  }
}

TEST_F(ServerSessionTest, WhoIsRefusedWhileHeStillSendsIsToldToStop) {
  const FakeClient::Stream& answer = connection().Answer(FakeClient::Call("/weir.Test/Other"),
                                                         std::string(1000, 'x'), /*end=*/false);
  EXPECT_EQ(answer.headers.at("grpc-status"), "12");
  EXPECT_EQ(answer.reset_with, NGHTTP2_NO_ERROR);
}

TEST_F(ServerSessionTest, TheTimeoutBecomesADeadline) {
  EndWith(absl::OkStatus());
  const absl::Time before = MonotonicNow();
  connection().Answer(FakeClient::Call(kPath, {{"grpc-timeout", "5S"}}));
  ASSERT_EQ(calls_.size(), 1u);
  EXPECT_GE(calls_[0].head().deadline, before + absl::Seconds(5));
  EXPECT_LE(calls_[0].head().deadline, MonotonicNow() + absl::Seconds(5));
  connection().Answer(FakeClient::Call(kPath));
  EXPECT_EQ(calls_[1].head().deadline, absl::InfiniteFuture());
}

TEST_F(ServerSessionTest, AMalformedTimeoutIsRefused) {
  for (const char* timeout : {"", "5", "S", "-5S", "5s", "123456789S", "5 S"}) {
    EXPECT_EQ(Refused({{"grpc-timeout", timeout}}), "13") << timeout;
  }
}

TEST_F(ServerSessionTest, OnlyMetadataForWeirIsKept) {
  EndWith(absl::OkStatus());
  connection().Answer(FakeClient::Call(
      kPath, {{"weir-b", "2"}, {"x-other", "3"}, {"weir-a", "1"}, {"weir-b", "4"}}));
  EXPECT_THAT(calls_.front().head().metadata,
              ElementsAre(Pair("weir-b", "2"), Pair("weir-a", "1"), Pair("weir-b", "4")));
  connection().Answer(FakeClient::Call(kPath));
  EXPECT_THAT(calls_.back().head().metadata, IsEmpty());  // Not the last call's.
}

TEST_F(ServerSessionTest, TooMuchMetadataIsRefusedWhosesoeverItIs) {
  EXPECT_EQ(Refused({{"weir-a", std::string(9 << 10, 'x')}}), "8");
  EXPECT_EQ(Refused({{"other", std::string(9 << 10, 'x')}}), "8");
  FakeClient::Headers many;
  for (int i = 0; i < 500; ++i) many.emplace_back("a", "b");
  EXPECT_EQ(Refused(many), "8");
  // What comes behind it is not looked at.
  FakeClient::Headers first = FakeClient::Call(kPath);
  first.insert(first.begin() + 4, {"other", std::string(9 << 10, 'x')});
  EXPECT_EQ(connection().Answer(first).headers.at("grpc-status"), "8");
  EndWith(absl::OkStatus());
  const FakeClient::Stream& answer =
      connection().Answer(FakeClient::Call(kPath, {{"weir-a", std::string(7 << 10, 'x')}}));
  EXPECT_EQ(answer.headers.at("grpc-status"), "0");
}

TEST_F(ServerSessionTest, ACallThatTheClientResetsIsClosed) {
  const int32_t id = client().Start(FakeClient::Call(kPath), FakeClient::Framed("x"));
  Exchange();
  ASSERT_EQ(calls_.size(), 1u);
  EXPECT_TRUE(calls_[0].open());
  EXPECT_TRUE(connection().session.has_calls());
  client().Reset(id, NGHTTP2_CANCEL);
  Exchange();
  EXPECT_EQ(calls_[0].closed, 1);
  EXPECT_EQ(calls_[0].half_closed, 0);
  EXPECT_FALSE(connection().session.has_calls());
  calls_[0].Send(FakeClient::Framed("too late"));
  calls_[0].Finish(absl::OkStatus());
  calls_[0].Pause();
  EXPECT_FALSE(calls_[0].Resume());
  Exchange();
  EXPECT_EQ(client().stream(id).body, "");
  EXPECT_TRUE(connection().status.ok());
}

TEST_F(ServerSessionTest, TheEndOfASessionClosesAllCalls) {
  for (int i = 0; i < 3; ++i)
    client().Start(FakeClient::Call(kPath), std::string("\0\0\0\0\5h", 6));
  Exchange();
  EXPECT_EQ(partial_bytes_, 3);
  connection_ = nullptr;
  ASSERT_EQ(calls_.size(), 3u);
  for (const RecordedCall& call : calls_) EXPECT_EQ(call.closed, 1);
  EXPECT_EQ(partial_bytes_, 0);
}

TEST_F(ServerSessionTest, WhoStillSendsWhenTheCallIsOverIsToldToStop) {
  on_message_ = [](RecordedCall& call) {
    call.Send(FakeClient::Framed("enough"));
    call.Finish(absl::OkStatus());
  };
  const FakeClient::Stream& answer = connection().Answer(
      FakeClient::Call(kPath), FakeClient::Framed("x") + FakeClient::Framed("y"), /*end=*/false);
  EXPECT_EQ(answer.body, FakeClient::Framed("enough"));
  EXPECT_EQ(answer.trailers.at("grpc-status"), "0");
  EXPECT_TRUE(answer.ended);
  EXPECT_EQ(answer.reset_with, NGHTTP2_NO_ERROR);
  EXPECT_THAT(calls_.front().messages, ElementsAre("x"));  // Nothing follows Finish.
  EXPECT_EQ(calls_.front().closed, 1);
}

TEST_F(ServerSessionTest, GoAwayEndsOpenCallsAndTakesNoMore) {
  const int32_t first = client().Start(FakeClient::Call(kPath));
  const int32_t second = client().Start(FakeClient::Call(kPath), "", /*end=*/true);
  Exchange();
  calls_[1].Send(FakeClient::Framed("some"));
  Exchange();
  client().Start(FakeClient::Call(kPath), "", /*end=*/true);  // Crosses it on the way.
  const std::string crossing = client().Output();
  connection().session.GoAway(absl::UnavailableError("the server shuts down"));
  std::string output;
  EXPECT_TRUE(connection().session.has_output());
  EXPECT_FALSE(connection().session.TakeOutput(output, kLimit).ok());  // All was said.
  connection().Receive(crossing);
  EXPECT_TRUE(client().Receive(output));
  EXPECT_TRUE(client().told_to_go());
  EXPECT_EQ(calls_.size(), 2u);
  for (const RecordedCall& call : calls_) EXPECT_EQ(call.closed, 1);
  EXPECT_EQ(client().stream(first).headers.at("grpc-status"), "14");
  EXPECT_EQ(client().stream(second).body, FakeClient::Framed("some"));
  EXPECT_EQ(client().stream(second).trailers.at("grpc-status"), "14");
}

TEST_F(ServerSessionTest, GarbageEndsTheConnection) {
  ServerSession session(options_, partial_bytes_, [] {});
  EXPECT_FALSE(session.Receive("GET / HTTP/1.1\r\n\r\n").ok());
}

TEST_F(ServerSessionTest, GarbageAfterAGoodBeginningIsAnsweredBeforeTheEnd) {
  client().Start(FakeClient::Call(kPath));
  Exchange();
  ASSERT_TRUE(connection().status.ok());
  connection().Receive(std::string("\0\0\3\0\0\0\0\0\0abc", 12));  // DATA of no stream.
  Exchange();
  EXPECT_TRUE(client().told_to_go());
  EXPECT_TRUE(absl::IsUnavailable(connection().status));
  connection_ = nullptr;
  EXPECT_EQ(calls_.front().closed, 1);
}

// As gRPC's client does for a call that is cancelled before it is written.
TEST_F(ServerSessionTest, AResetOfACallThatNeverCameEndsNothing) {
  Echo();
  const int32_t open = client().Start(FakeClient::Call(kPath));
  Exchange();
  connection().Receive(std::string("\0\0\4\3\0\0\0\0\x63\0\0\0\x8", 13));
  client().Send(open, FakeClient::Framed("hello"), /*end=*/true);
  Exchange();
  EXPECT_TRUE(connection().status.ok());
  EXPECT_FALSE(client().told_to_go());
  EXPECT_EQ(client().stream(open).trailers.at("grpc-status"), "0");
}

TEST_F(ServerSessionTest, AClientMayResetAllItsCallsAgainAndAgain) {
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 1000; ++i) {
      client().Reset(client().Start(FakeClient::Call(kPath)), NGHTTP2_CANCEL);
      Exchange();
    }
  }
  EXPECT_TRUE(connection().status.ok());
  EXPECT_FALSE(client().told_to_go());
}

TEST_F(ServerSessionTest, CallsThatAreOverdueAreReset) {
  const int32_t forever = client().Start(FakeClient::Call(kPath));
  const int32_t short_lived = client().Start(FakeClient::Call(kPath, {{"grpc-timeout", "1m"}}));
  Exchange();
  ASSERT_EQ(calls_.size(), 2u);
  const absl::Time deadline = calls_.back().head().deadline;
  connection().session.ResetCallsDueBefore(deadline);
  Exchange();
  EXPECT_FALSE(client().stream(short_lived).closed);
  connection().session.ResetCallsDueBefore(deadline + absl::Nanoseconds(1));
  Exchange();
  EXPECT_EQ(client().stream(short_lived).reset_with, NGHTTP2_CANCEL);
  EXPECT_EQ(calls_.back().closed, 1);
  EXPECT_FALSE(client().stream(forever).closed);
}

TEST_F(ServerSessionTest, ALongStatusIsShortened) {
  EndWith(absl::NotFoundError(std::string(100'000, 'x')));
  const FakeClient::Stream& answer = connection().Answer(FakeClient::Call(kPath));
  EXPECT_EQ(answer.headers.at("grpc-status"), "5");
  EXPECT_EQ(answer.headers.at("grpc-message"), std::string(4096, 'x'));
}

TEST_F(ServerSessionTest, TheConnectionIsToldOnceThatThereIsOutput) {
  client().Start(FakeClient::Call(kPath));
  Exchange();
  EXPECT_FALSE(connection().session.has_output());
  const int before = connection().outputs;
  calls_.front().Send(FakeClient::Framed("one"));
  calls_.front().Send(FakeClient::Framed("two"));
  EXPECT_TRUE(connection().session.has_output());
  EXPECT_EQ(connection().outputs, before + 1);
  Exchange();
  calls_.front().Finish(absl::OkStatus());
  EXPECT_EQ(connection().outputs, before + 2);
}

}  // namespace
}  // namespace weir
