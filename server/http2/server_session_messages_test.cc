// Messages of calls, in and out: their sizes, who waits for whom.
#include <zlib.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http2/fake_client.h"
#include "server/http2/server_session.h"
#include "server/http2/server_session_fixture.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

std::string Deflated(absl::string_view bytes) {
  uLongf size = compressBound(bytes.size());
  std::string deflated(size, '\0');
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(deflated.data()), &size,
                     reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()),
            Z_OK);
  deflated.resize(size);
  return deflated;
}

class ServerSessionMessagesTest : public ServerSessionFixture {
 protected:
  // A call that goes on; what it did is in calls_.back().
  int32_t Start(std::string body = "", const FakeClient::Headers& more = {}) {
    const int32_t id = client().Start(FakeClient::Call(kPath, more), std::move(body));
    Exchange();
    EXPECT_TRUE(connection().status.ok());
    return id;
  }
  void Send(int32_t id, absl::string_view bytes, bool end = false) {
    client().Send(id, bytes, end);
    Exchange();
  }
  // Of an answer without messages.
  std::string Status(int32_t id) { return client().stream(id).headers["grpc-status"]; }
};

TEST_F(ServerSessionMessagesTest, AMessageMayComeInManyFrames) {
  Echo();
  const int32_t id = Start();
  for (const char c : FakeClient::Framed("hello")) Send(id, absl::string_view(&c, 1));
  Send(id, "", /*end=*/true);
  EXPECT_THAT(calls_.front().messages, ElementsAre("hello"));
  EXPECT_EQ(client().stream(id).body, FakeClient::Framed("hello"));
  EXPECT_THAT(client().stream(id).trailers, ElementsAre(Pair("grpc-status", "0")));
}

TEST_F(ServerSessionMessagesTest, AFrameMayHoldManyMessages) {
  Echo();
  const int32_t id = Start(FakeClient::Framed("one") + FakeClient::Framed("") +
                           FakeClient::Framed("three") + FakeClient::Framed("four").substr(0, 7));
  EXPECT_THAT(calls_.front().messages, ElementsAre("one", "", "three"));
  EXPECT_EQ(partial_bytes_, 2);
  Send(id, "ur", /*end=*/true);
  EXPECT_THAT(calls_.front().messages, ElementsAre("one", "", "three", "four"));
  EXPECT_EQ(calls_.front().sent, 4);
}

TEST_F(ServerSessionMessagesTest, LargeMessagesPassThroughSmallWindowsBothWays) {
  Echo();
  const std::string large(1 << 20, 'x');  // More than a window there, and there.
  const int32_t id = Start(FakeClient::Framed(large) + FakeClient::Framed(large));
  Send(id, "", /*end=*/true);
  EXPECT_THAT(calls_.front().messages, ElementsAre(large, large));
  EXPECT_EQ(client().stream(id).body, FakeClient::Framed(large) + FakeClient::Framed(large));
  EXPECT_EQ(client().stream(id).trailers.at("grpc-status"), "0");
}

TEST_F(ServerSessionMessagesTest, AMessageThatIsTooLargeIsRefusedAtItsPrefix) {
  options_.max_message_bytes = 10;
  Echo();
  Start(FakeClient::Framed("ten bytes!"));
  EXPECT_THAT(calls_.back().messages, ElementsAre("ten bytes!"));
  const int32_t id = Start(FakeClient::Framed("eleven byte").substr(0, 5));
  EXPECT_EQ(Status(id), "8");
  EXPECT_THAT(client().stream(id).headers.at("grpc-message"), HasSubstr("10 bytes"));
  EXPECT_EQ(client().stream(id).reset_with, NGHTTP2_NO_ERROR);
  EXPECT_THAT(calls_.back().messages, IsEmpty());
  EXPECT_EQ(calls_.back().closed, 1);
}

TEST_F(ServerSessionMessagesTest, CompressedMessagesAreUnpacked) {
  Echo();
  const int32_t id = Start(
      FakeClient::Framed(Deflated("hello"), /*compressed=*/true) + FakeClient::Framed("plain"),
      {{"grpc-encoding", "deflate"}});
  EXPECT_THAT(calls_.front().messages, ElementsAre("hello", "plain"));
  Send(id, "", /*end=*/true);
  EXPECT_EQ(client().stream(id).trailers.at("grpc-status"), "0");
}

TEST_F(ServerSessionMessagesTest, WhatCannotBeUnpackedEndsTheCall) {
  options_.max_message_bytes = 10'000;
  const FakeClient::Headers deflate = {{"grpc-encoding", "deflate"}};
  EXPECT_EQ(Status(Start(FakeClient::Framed("broken", /*compressed=*/true), deflate)), "3");
  EXPECT_EQ(Status(Start(FakeClient::Framed(Deflated(std::string(10'001, 'x')), true), deflate)),
            "8");
  EXPECT_EQ(Status(Start(FakeClient::Framed(Deflated("x"), /*compressed=*/true))), "13");
  for (const RecordedCall& call : calls_) EXPECT_THAT(call.messages, IsEmpty());
}

TEST_F(ServerSessionMessagesTest, AnUnknownEncodingIsRefusedWithThoseThatAreKnown) {
  const int32_t id = client().Start(FakeClient::Call(kPath, {{"grpc-encoding", "snappy"}}));
  Exchange();
  EXPECT_EQ(Status(id), "12");
  EXPECT_EQ(client().stream(id).headers.at("grpc-accept-encoding"), "identity,deflate,gzip");
  EXPECT_THAT(calls_, IsEmpty());
}

TEST_F(ServerSessionMessagesTest, ACallThatEndsWithinAMessageIsRefused) {
  for (const size_t size : {1, 4, 5, 9}) {
    const int32_t id = Start();
    Send(id, FakeClient::Framed("hello").substr(0, size), /*end=*/true);
    EXPECT_EQ(Status(id), "13") << size;
    EXPECT_EQ(calls_.back().half_closed, 0);
    EXPECT_EQ(calls_.back().closed, 1);
  }
  EXPECT_EQ(partial_bytes_, 0);
}

TEST_F(ServerSessionMessagesTest, ACallThatIsPausedKeepsItsSenderWaiting) {
  on_message_ = [](RecordedCall& call) { call.Pause(); };
  const int32_t id = Start(FakeClient::Framed("first"));
  RecordedCall& call = calls_.front();
  // More than the window: the rest waits at the client.
  const std::string large(400 << 10, 'x');
  Send(id, FakeClient::Framed(large), /*end=*/true);
  EXPECT_THAT(call.messages, ElementsAre("first"));
  EXPECT_EQ(client().Window(id), 0);
  const size_t unsent = client().Unsent(id);
  EXPECT_GT(unsent, large.size() - ServerSession::kStreamWindowBytes);
  EXPECT_LE(partial_bytes_, ServerSession::kStreamWindowBytes);
  EXPECT_GT(partial_bytes_, ServerSession::kStreamWindowBytes - 100);
  Exchange();
  EXPECT_EQ(client().Unsent(id), unsent);

  EXPECT_FALSE(call.Resume());  // No message is whole.
  Exchange();
  EXPECT_EQ(client().Unsent(id), 0u);
  EXPECT_THAT(call.messages, ElementsAre("first", large));
  EXPECT_EQ(call.half_closed, 0);  // For it is paused again.
  EXPECT_TRUE(call.Resume());
  EXPECT_EQ(call.half_closed, 1);
}

TEST_F(ServerSessionMessagesTest, ResumeGivesWhatHasComeAsFarAsTheCallTakesIt) {
  on_message_ = [](RecordedCall& call) { call.Pause(); };
  const int32_t id =
      Start(FakeClient::Framed("1") + FakeClient::Framed("2") + FakeClient::Framed("3"));
  RecordedCall& call = calls_.front();
  Send(id, FakeClient::Framed("4"), /*end=*/true);
  for (size_t taken = 1; taken <= 4; ++taken) {
    EXPECT_THAT(call.messages, SizeIs(taken));
    EXPECT_EQ(partial_bytes_, static_cast<int64_t>((4 - taken) * FakeClient::Framed("x").size()));
    EXPECT_EQ(call.half_closed, 0);
    EXPECT_TRUE(call.Resume());
  }
  EXPECT_THAT(call.messages, ElementsAre("1", "2", "3", "4"));
  EXPECT_EQ(call.half_closed, 1);
  EXPECT_FALSE(call.Resume());
  EXPECT_EQ(call.half_closed, 1);
}

TEST_F(ServerSessionMessagesTest, ACallMayBePausedFromTheBeginning) {
  on_open_ = [](RecordedCall& call) { call.Pause(); };
  Echo();
  const int32_t id = Start(FakeClient::Framed("hello"));
  Send(id, "", /*end=*/true);
  EXPECT_THAT(calls_.front().messages, IsEmpty());
  EXPECT_TRUE(calls_.front().Resume());
  Exchange();
  EXPECT_THAT(calls_.front().messages, ElementsAre("hello"));
  EXPECT_EQ(client().stream(id).trailers.at("grpc-status"), "0");
}

TEST_F(ServerSessionMessagesTest, ACallThatIsPausedMayEnd) {
  on_message_ = [](RecordedCall& call) { call.Pause(); };
  const int32_t id = Start(FakeClient::Framed("1") + FakeClient::Framed("2"));
  calls_.front().Finish(absl::CancelledError());
  Exchange();
  EXPECT_EQ(Status(id), "1");
  EXPECT_EQ(calls_.front().closed, 1);
  EXPECT_EQ(partial_bytes_, 0);
  EXPECT_THAT(calls_.front().messages, ElementsAre("1"));
}

TEST_F(ServerSessionMessagesTest, MessagesOfOneCallDoNotWaitForThoseOfAPausedOne) {
  on_open_ = [](RecordedCall& call) { call.Pause(); };
  Start(std::string(1 << 20, '\0'));
  on_open_ = nullptr;
  Echo();
  const std::string large(1 << 20, 'x');
  const int32_t id = Start(FakeClient::Framed(large));
  EXPECT_EQ(client().stream(id).body, FakeClient::Framed(large));
}

TEST_F(ServerSessionMessagesTest, OnSentCountsMessagesThatAreOut) {
  const int32_t id = Start();
  RecordedCall& call = calls_.front();
  call.Send(FakeClient::Framed("1"));
  call.Send(FakeClient::Framed("2"));
  EXPECT_EQ(call.sent, 0);
  Exchange();
  EXPECT_EQ(call.sent, 2);
  // The window of a client takes 65,535 bytes; all other things said, it opens as they come.
  std::string output;
  for (int i = 0; i < 3; ++i) call.Send(FakeClient::Framed(std::string(30'000, 'x')));
  ASSERT_TRUE(connection().session.TakeOutput(output, kLimit).ok());
  EXPECT_EQ(call.sent, 4);
  EXPECT_TRUE(client().Receive(output));
  Exchange();
  EXPECT_EQ(call.sent, 5);
  for (int i = 0; i < 200; ++i) call.Send(FakeClient::Framed("x"));
  call.Finish(absl::OkStatus());
  Exchange();
  EXPECT_EQ(call.sent, 205);
  EXPECT_EQ(client().stream(id).body.size(), 2 * 6 + 3 * 30'005 + 200 * 6u);
}

TEST_F(ServerSessionMessagesTest, OutputIsTakenInPieces) {
  const int32_t id = Start();
  client().OpenWindow(1 << 30);
  Exchange();
  for (int i = 0; i < 6; ++i) calls_.front().Send(FakeClient::Framed(std::string(10'000, 'x')));
  std::string output;
  ASSERT_TRUE(connection().session.TakeOutput(output, 20'000).ok());
  EXPECT_GE(output.size(), 20'000u);
  EXPECT_LT(output.size(), 40'000u);  // Of a frame more at most.
  EXPECT_TRUE(connection().session.has_output());
  EXPECT_TRUE(client().Receive(output));
  Exchange();
  EXPECT_FALSE(connection().session.has_output());
  EXPECT_EQ(client().stream(id).body.size(), 6 * 10'005u);
}

TEST_F(ServerSessionMessagesTest, WhatIsPartialIsBoundedOverAllSessions) {
  options_.max_partial_bytes = 100;
  Echo();
  Connection other(*this);
  const std::string message(80, 'x');
  const std::string part = FakeClient::Framed(message).substr(0, 65);
  const int32_t first = Start(part);
  EXPECT_EQ(partial_bytes_, 60);
  const FakeClient::Stream& refused = other.Answer(FakeClient::Call(kPath), part, /*end=*/false);
  EXPECT_EQ(refused.headers.at("grpc-status"), "8");
  EXPECT_EQ(partial_bytes_, 60);
  Send(first, FakeClient::Framed(message).substr(65), /*end=*/true);
  EXPECT_EQ(client().stream(first).trailers.at("grpc-status"), "0");
  EXPECT_EQ(partial_bytes_, 0);
  // There is room again.
  const int32_t again =
      other.client.Start(FakeClient::Call(kPath), FakeClient::Framed(message), true);
  other.Exchange();
  EXPECT_EQ(other.client.stream(again).trailers.at("grpc-status"), "0");
}

TEST_F(ServerSessionMessagesTest, SoIsWhatPausedCallsAreSent) {
  options_.max_partial_bytes = 100;
  on_open_ = [](RecordedCall& call) { call.Pause(); };
  const int32_t first = Start(FakeClient::Framed(std::string(80, 'x')));
  EXPECT_EQ(partial_bytes_, 85);
  const int32_t second = Start(FakeClient::Framed(std::string(80, 'y')));
  EXPECT_EQ(client().stream(second).headers.at("grpc-status"), "8");
  EXPECT_EQ(partial_bytes_, 85);
  client().Reset(first, NGHTTP2_CANCEL);
  Exchange();
  EXPECT_EQ(partial_bytes_, 0);
}

TEST_F(ServerSessionMessagesTest, ACallMayAllowLessThanTheServer) {
  on_open_ = [](RecordedCall& call) { call.LimitMessages(10); };
  EXPECT_EQ(connection()
                .Answer(FakeClient::Call(kPath), FakeClient::Framed(std::string(11, 'x')))
                .headers.at("grpc-status"),
            "8");
  Echo();
  EXPECT_EQ(connection()
                .Answer(FakeClient::Call(kPath), FakeClient::Framed(std::string(10, 'x')))
                .trailers.at("grpc-status"),
            "0");
}

TEST_F(ServerSessionMessagesTest, ManyWholeMessagesAreNotPartial) {
  options_.max_partial_bytes = 100;
  Echo();
  std::string body;
  for (int i = 0; i < 100; ++i) body += FakeClient::Framed("hello");
  Start(body);
  EXPECT_THAT(calls_.front().messages, SizeIs(100));
}

}  // namespace
}  // namespace weir
