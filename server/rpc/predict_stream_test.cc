#include "server/rpc/predict_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "grpcpp/impl/codegen/rpc_method.h"
#include "grpcpp/support/sync_stream.h"
#include "server/rpc/predict_stream_fixture.h"
#include "server/rpc/rpc_fixture.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(PredictStreamTest, AnswersComeAsTheyFinishEachWithItsRequestId) {
  RpcServer server;
  ClientStream stream(server);
  for (const char* id : {"r1", "r2", "r3"}) stream.Send(id);
  Task& first = server.model().Take();
  Task& second = server.model().Take();
  Task& third = server.model().Take();
  second.Done(TwoResults("CD"));
  EXPECT_EQ(stream.Receive(), "r2: CD");
  third.Done(TwoResults("EF"));
  EXPECT_EQ(stream.Receive(), "r3: EF");
  first.Done(TwoResults("AB"));
  EXPECT_EQ(stream.Receive(), "r1: AB");
  stream.HalfClose();
  EXPECT_EQ(stream.Receive(), "none");
  EXPECT_TRUE(stream.End().ok());
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictStreamTest, AnAnswerIsWhatPredictWouldHaveAnswered) {
  RpcServer server;
  TestContext context;
  const auto stream = server.stub().PredictStream(&context);
  v1::PredictRequest request = TwoRows("r1");
  request.set_priority(2);
  request.set_timeout_us(10'000'000);
  const absl::Time sent = MonotonicNow();
  EXPECT_TRUE(stream->Write(request));
  Task& task = server.model().Take();
  EXPECT_EQ(task.priority, 2u);
  EXPECT_GT(task.deadline, sent + absl::Seconds(9));
  EXPECT_LT(task.deadline, MonotonicNow() + absl::Seconds(11));
  EXPECT_EQ(task.inputs[0].data, "ab");
  task.Done(TwoResults());
  v1::PredictStreamResponse answer;
  ASSERT_TRUE(stream->Read(&answer));
  EXPECT_EQ(answer.response().model().version(), 2);
  EXPECT_EQ(answer.response().outputs(0).name(), "y");
  EXPECT_EQ(answer.response().timings().batch_rows(), 5);
  EXPECT_GT(answer.response().timings().total_ns(), 0);
  EXPECT_TRUE(stream->WritesDone());
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(PredictStreamTest, WhatIsWrongWithARequestIsInItsAnswerAndEndsNothing) {
  RpcServer server;
  ClientStream stream(server);
  v1::PredictRequest unknown = TwoRows("r1");
  unknown.mutable_model()->set_name("n");
  stream.Send(unknown);
  EXPECT_THAT(stream.Receive(), StartsWith("r1: 5 model \"n\""));
  stream.Send("r2");
  server.model().Take().Done(absl::ResourceExhaustedError("the queue is full"));
  EXPECT_EQ(stream.Receive(), "r2: 8 the queue is full");
  stream.Send("r3");
  server.model().Take().Done(TwoResults());
  EXPECT_EQ(stream.Receive(), "r3: AB");
  stream.HalfClose();
  EXPECT_TRUE(stream.End().ok());
}

TEST(PredictStreamTest, ARequestThatTheGateRefusesEndsNothing) {
  RpcServer server({.max_bytes_in_flight = 100});
  ClientStream stream(server);
  stream.Send(std::string(60, 'a'));
  Task& task = server.model().Take();
  stream.Send(std::string(60, 'b'));
  EXPECT_THAT(stream.Receive(), StartsWith(std::string(60, 'b') + ": 8 the requests in flight"));
  task.Done(TwoResults());
  EXPECT_EQ(stream.Receive(), std::string(60, 'a') + ": AB");
  stream.HalfClose();
  EXPECT_TRUE(stream.End().ok());
  EXPECT_TRUE(server.AwaitEmpty());
  EXPECT_TRUE(server.gate().Enter(100).ok()) << "all bytes have been given back";
  server.gate().Leave(100);
}

TEST(PredictStreamTest, AHalfClosedStreamGetsTheAnswersThatAreMissingAndThenOk) {
  RpcServer server;
  ClientStream stream(server);
  stream.Send("r1");
  stream.Send("r2");
  stream.HalfClose();
  Task& first = server.model().Take();
  Task& second = server.model().Take();
  second.Done(TwoResults());
  EXPECT_EQ(stream.Receive(), "r2: AB");
  first.Done(TwoResults());
  EXPECT_EQ(stream.Receive(), "r1: AB");
  EXPECT_EQ(stream.Receive(), "none");
  EXPECT_TRUE(stream.End().ok());
}

TEST(PredictStreamTest, AStreamWithoutRequestsEndsWell) {
  RpcServer server;
  ClientStream stream(server);
  stream.HalfClose();
  EXPECT_EQ(stream.Receive(), "none");
  EXPECT_TRUE(stream.End().ok());
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictStreamTest, TwoStreamsAreIndependent) {
  RpcServer server;
  ClientStream one(server);
  ClientStream other(server);
  one.Send("r1");
  Task& waiting = server.model().Take();
  other.Send("r1");
  server.model().Take().Done(TwoResults("CD"));
  EXPECT_EQ(other.Receive(), "r1: CD");
  other.context().TryCancel();
  EXPECT_EQ(other.End().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_FALSE(*waiting.cancelled);
  waiting.Done(TwoResults());
  EXPECT_EQ(one.Receive(), "r1: AB");
  one.HalfClose();
  EXPECT_TRUE(one.End().ok());
}

// A stream whose messages may be anything.
class RawStream {
 public:
  explicit RawStream(RpcServer& server)
      : stream_(
            Factory::Create(server.channel().get(),
                            grpc::internal::RpcMethod("/weir.v1.Predictor/PredictStream",
                                                      grpc::internal::RpcMethod::BIDI_STREAMING),
                            &context_)) {}

  void Send(const grpc::ByteBuffer& message) { EXPECT_TRUE(stream_->Write(message)); }

  int CountAnswers() {
    grpc::ByteBuffer answer;
    int count = 0;
    while (stream_->Read(&answer)) ++count;
    return count;
  }

  grpc::Status End() { return stream_->Finish(); }

 private:
  using Factory = grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>;

  TestContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream_;
};

TEST(PredictStreamTest, AMessageThatIsNoRequestEndsTheStreamAfterTheOthersAreAnswered) {
  RpcServer server({.pollers = 1});
  RawStream stream(server);
  stream.Send(Bytes(TwoRows("r1").SerializeAsString()));
  Task& task = server.model().Take();
  stream.Send(Bytes("no message"));
  stream.Send(Bytes(TwoRows("r2").SerializeAsString()));
  server.RoundTrip();
  task.Done(TwoResults());
  EXPECT_EQ(stream.CountAnswers(), 1);
  const grpc::Status status = stream.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "the message is no weir.v1.PredictRequest");
  EXPECT_EQ(server.model().submitted(), 1) << "what comes behind it is not run";
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictStreamTest, AnIdleStreamEndsAtOnceWithAMessageThatIsNoRequest) {
  RpcServer server;
  RawStream stream(server);
  stream.Send(Bytes("no message"));
  EXPECT_EQ(stream.CountAnswers(), 0);
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictStreamTest, AMessageLargerThanTheServerTakesEndsTheStream) {
  RpcServer server({.max_request_bytes = 1000});
  RawStream stream(server);
  stream.Send(Bytes(std::string(2000, 'x')));
  EXPECT_EQ(stream.CountAnswers(), 0);
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictStreamTest, TheServerReadsNoFurtherThanMaxInFlight) {
  RpcServer server({.streams = {.max_in_flight = 4}, .pollers = 1});
  ClientStream stream(server);
  for (int i = 0; i < 20; ++i) stream.Send(absl::StrCat("r", i));
  std::vector<Task*> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(&server.model().Take());
  server.RoundTrip();
  EXPECT_EQ(server.model().submitted(), 4);
  tasks.back()->Done(TwoResults());
  tasks.pop_back();
  EXPECT_EQ(stream.Receive(), "r3: AB");
  tasks.push_back(&server.model().Take());
  server.RoundTrip();
  EXPECT_EQ(server.model().submitted(), 5) << "one for the one that was answered";
  for (Task* const task : tasks) task->Done(TwoResults());
  for (int i = 5; i < 20; ++i) server.model().Take().Done(TwoResults());
  stream.HalfClose();
  for (int i = 1; i < 20; ++i) EXPECT_THAT(stream.Receive(), HasSubstr(": AB"));
  EXPECT_EQ(stream.Receive(), "none");
  EXPECT_TRUE(stream.End().ok());
}

// Answers as fast as it can.
class LargeServable : public PromptServable {
 public:
  using PromptServable::PromptServable;

  void Submit(Task& task) override ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      ++submitted_;
    }
    task.Done(LargeResults());
  }

  // The number of tasks so far, once it is at least `count`.
  int AwaitSubmitted(int count) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return submitted_ >= count; };
    mu_.AwaitWithTimeout(absl::Condition(&enough), kPatience);
    return submitted_;
  }

 private:
  absl::Mutex mu_;
  int submitted_ ABSL_GUARDED_BY(mu_) = 0;
};

// Sends a hundred requests whose answers nobody reads at first.
class SlowReaderTest : public testing::Test {
 protected:
  static constexpr int kRequests = 100;

  void Open(const PredictStreams::Options& options) {
    server_ = std::make_unique<RpcServer>(RpcServerOptions{
        .streams = options, .pollers = 1, .make_model = [this](ModelSettings settings) {
          return model_ = std::make_shared<LargeServable>(std::move(settings));
        }});
    stream_ = std::make_unique<ClientStream>(*server_);
  }

  // `one_by_one`: each after the server has answered those before it, as far as it goes on to read.
  void SendAll(const PredictStreams::Options& options, bool one_by_one = false) {
    Open(options);
    for (int i = 0; i < kRequests; ++i) {
      stream_->Send(absl::StrCat("r", i));
      if (one_by_one) server_->RoundTrip();
    }
  }

  // The number of tasks that the model got, once the server reads no further.
  int SubmittedAfter(int at_least) {
    model_->AwaitSubmitted(at_least);
    // If the server went on to read, it would now.
    for (int i = 0; i < 3; ++i) server_->RoundTrip();
    return model_->AwaitSubmitted(at_least);
  }

  void ReadTheRestAndEnd() {
    stream_->HalfClose();
    while (stream_->Receive() != "none") ++received_;
    EXPECT_EQ(received_, kRequests);
    EXPECT_TRUE(stream_->End().ok());
    EXPECT_EQ(model_->AwaitSubmitted(kRequests), kRequests);
  }

  std::shared_ptr<LargeServable> model_;
  std::unique_ptr<RpcServer> server_;
  std::unique_ptr<ClientStream> stream_;
  int received_ = 0;
};

TEST_F(SlowReaderTest, TheServerReadsNoFurtherUntilAnswersAreTaken) {
  SendAll({.max_in_flight = 4});
  EXPECT_EQ(SubmittedAfter(4), 4);
  for (; received_ < 20; ++received_) {
    EXPECT_EQ(stream_->Receive(), absl::StrCat("r", received_, ": zzzzzzzzzz"));
    EXPECT_LE(model_->AwaitSubmitted(0), received_ + 1 + 4);
  }
  EXPECT_EQ(SubmittedAfter(24), 24);
  ReadTheRestAndEnd();
}

TEST_F(SlowReaderTest, LargeAnswersHoldItBackEarlierThanSmallOnes) {
  SendAll({.max_in_flight = 1000, .max_bytes_in_flight = 5 * kLargeRow}, /*one_by_one=*/true);
  EXPECT_EQ(SubmittedAfter(3), 3) << "two are below five million bytes, three are not";
  ReadTheRestAndEnd();
}

TEST(PredictStreamTest, AnswersThatNobodyTakesKeepOtherRequestsOut) {
  RpcServer server({.max_bytes_in_flight = 5 * kLargeRow, .pollers = 1});
  ClientStream stream(server);
  for (int i = 0; i < 3; ++i) stream.Send(absl::StrCat("r", i));
  for (int i = 0; i < 3; ++i) server.model().Take().Done(LargeResults());
  server.RoundTrip();
  EXPECT_EQ(SentRequest(server, TwoRows()).Get().status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(stream.Receive(), absl::StrCat("r", i, ": zzzzzzzzzz"));
  stream.HalfClose();
  EXPECT_TRUE(stream.End().ok());
  EXPECT_TRUE(server.AwaitEmpty());
  EXPECT_TRUE(server.gate().Enter(5 * kLargeRow).ok()) << "all bytes have been given back";
  server.gate().Leave(5 * kLargeRow);
}

TEST(PredictStreamTest, ACallerThatGoesAwayIsSeenByItsTasksAndTheStreamEnds) {
  RpcServer server({.pollers = 1});
  ClientStream stream(server);
  stream.Send("r1");
  stream.Send("r2");
  Task& first = server.model().Take();
  Task& second = server.model().Take();
  EXPECT_FALSE(*first.cancelled);
  stream.context().TryCancel();
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::CANCELLED);
  server.RoundTrip();
  EXPECT_TRUE(*first.cancelled);
  EXPECT_TRUE(*second.cancelled);
  EXPECT_FALSE(server.AwaitEmpty(absl::ZeroDuration())) << "the tasks' memory is still in use";
  first.Done(absl::CancelledError());
  second.Done(TwoResults());
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictStreamTest, ASlowReaderThatGoesAwayLeavesNothingBehind) {
  RpcServer server({.streams = {.max_in_flight = 4}, .pollers = 1});
  ClientStream stream(server);
  for (int i = 0; i < 10; ++i) stream.Send(absl::StrCat("r", i));
  std::vector<Task*> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(&server.model().Take());
  for (int i = 0; i < 3; ++i) tasks[i]->Done(LargeResults());
  server.RoundTrip();
  stream.context().TryCancel();
  stream.End();
  server.RoundTrip();
  EXPECT_FALSE(server.AwaitEmpty(absl::ZeroDuration()));
  EXPECT_TRUE(*tasks[3]->cancelled);
  tasks[3]->Done(LargeResults());
  EXPECT_TRUE(server.AwaitEmpty());
  EXPECT_EQ(server.model().submitted(), 4);
}

TEST(PredictStreamTest, ACallThatEndsByItsDeadlineIsAsOneThatIsCancelled) {
  RpcServer server({.pollers = 1});
  TestContext context(absl::Milliseconds(100));
  const auto stream = server.stub().PredictStream(&context);
  EXPECT_TRUE(stream->Write(TwoRows()));
  Task& task = server.model().Take();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  server.RoundTrip();
  EXPECT_TRUE(*task.cancelled);
  task.Done(TwoResults());
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictStreamFaultTest, EachRequestIsDelayedAndFailsAsTheCallAskedFor) {
  RpcServer server({.prediction = {.fault_injection = true}});
  const absl::Time sent = MonotonicNow();
  ClientStream stream(server, {{"weir-delay-ms", "30"}, {"weir-fail-code", "ABORTED"}});
  stream.Send("r1");
  stream.Send("r2");
  EXPECT_THAT(stream.Receive(), HasSubstr(": 10 a fault that the request asked for"));
  EXPECT_THAT(stream.Receive(), HasSubstr(": 10 a fault that the request asked for"));
  EXPECT_GE(MonotonicNow() - sent, absl::Milliseconds(30));
  stream.HalfClose();
  EXPECT_TRUE(stream.End().ok());
}

TEST(PredictStreamFaultTest, DelaysEndWhenTheCallerGoesAway) {
  RpcServer server({.prediction = {.fault_injection = true},
                    .pollers = 1,
                    .make_model = [](ModelSettings settings) {
                      return std::make_shared<PromptServable>(std::move(settings));
                    }});
  ClientStream stream(server, {{"weir-delay-ms", "59000"}});
  stream.Send("r1");
  stream.Send("r2");
  server.RoundTrip();
  stream.context().TryCancel();
  stream.End();
  EXPECT_TRUE(server.AwaitEmpty(absl::Seconds(30)));
}

}  // namespace
}  // namespace weir
