#include "server/rpc/predict_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "grpcpp/impl/codegen/rpc_method.h"
#include "grpcpp/support/sync_stream.h"
#include "server/rpc/rpc_fixture.h"

namespace weir {
namespace {

using testing::HasSubstr;

constexpr char kPredict[] = "/weir.v1.Predictor/Predict";

// The value that came under `key` when the call ended, or "".
std::string Trailing(const grpc::ClientContext& context, const std::string& key) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
}

TEST(PredictCallTest, ARequestBecomesATaskAndItsResultTheAnswer) {
  RpcServer server;
  SentRequest answer(server, TwoRows("r7"));
  Task& task = server.model().Take();
  EXPECT_EQ(task.rows, 2);
  ASSERT_EQ(task.inputs.size(), 1u);
  EXPECT_EQ(task.inputs[0].data, "ab");
  EXPECT_EQ(task.priority, 0u);
  EXPECT_FALSE(*task.cancelled);
  task.Done(TwoResults());

  const Answer got = answer.Get();
  ASSERT_TRUE(got.status.ok()) << got.status.error_message();
  EXPECT_EQ(got.response.model().name(), "m");
  EXPECT_EQ(got.response.model().version(), 2);
  EXPECT_EQ(got.response.request_id(), "r7");
  EXPECT_EQ(got.response.outputs(0).data(), "AB");
  EXPECT_EQ(got.response.timings().queue_ns(), 1);
  EXPECT_EQ(got.response.timings().assemble_ns(), 2);
  EXPECT_EQ(got.response.timings().inference_ns(), 3);
  EXPECT_GT(got.response.timings().total_ns(), 0);
  EXPECT_EQ(got.response.timings().batch_rows(), 5);
}

TEST(PredictCallTest, ManyRequestsAreInFlightAndEachGetsItsOwnAnswer) {
  RpcServer server;
  std::deque<SentRequest> answers;
  for (int i = 0; i < 50; ++i) answers.emplace_back(server, TwoRows(absl::StrCat(i)));
  std::vector<Task*> tasks;
  for (size_t i = 0; i < answers.size(); ++i) tasks.push_back(&server.model().Take());
  for (; !tasks.empty(); tasks.pop_back()) tasks.back()->Done(TwoResults());
  for (size_t i = 0; i < answers.size(); ++i) {
    const Answer got = answers[i].Get();
    EXPECT_TRUE(got.status.ok()) << got.status.error_message();
    EXPECT_EQ(got.response.request_id(), absl::StrCat(i));
  }
}

TEST(PredictCallTest, TheCallsDeadlineIsTheTasks) {
  RpcServer server;
  const absl::Time sent = MonotonicNow();
  SentRequest answer(server, TwoRows());
  Task& task = server.model().Take();
  EXPECT_GT(task.deadline, sent + kPatience - absl::Seconds(10));
  EXPECT_LT(task.deadline, MonotonicNow() + kPatience + absl::Seconds(1));
  task.Done(TwoResults());
}

TEST(PredictCallTest, TheEarlierOfDeadlineAndTimeoutHolds) {
  RpcServer server;
  v1::PredictRequest request = TwoRows();
  const absl::Time sent = MonotonicNow();
  request.set_timeout_us(10'000'000);
  SentRequest earlier(server, request);
  Task& task = server.model().Take();
  EXPECT_GT(task.deadline, sent + absl::Seconds(9));
  EXPECT_LT(task.deadline, MonotonicNow() + absl::Seconds(11));
  task.Done(TwoResults());
  request.set_timeout_us(std::numeric_limits<int64_t>::max());
  SentRequest later(server, request);
  Task& later_task = server.model().Take();
  EXPECT_LT(later_task.deadline, MonotonicNow() + kPatience + absl::Seconds(1));
  later_task.Done(TwoResults());
}

TEST(PredictCallTest, WithoutDeadlineAndTimeoutATaskMayTakeForever) {
  RpcServer server;
  grpc::ClientContext context;
  SentRequest answer(server, TwoRows(), &context);
  Task& task = server.model().Take();
  EXPECT_EQ(task.deadline, absl::InfiniteFuture());
  task.Done(TwoResults());
}

// gRPC makes three years of it.
TEST(PredictCallTest, ADeadlineInAThousandYearsIsFarAway) {
  RpcServer server;
  grpc::ClientContext context;
  context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_REALTIME),
                                    gpr_time_from_hours(24 * 365 * 1000, GPR_TIMESPAN)));
  SentRequest answer(server, TwoRows(), &context);
  Task& task = server.model().Take();
  EXPECT_GT(task.deadline, MonotonicNow() + absl::Hours(24 * 365));
  task.Done(TwoResults());
}

TEST(PredictCallTest, ThePriorityGoesToTheTask) {
  RpcServer server;
  v1::PredictRequest request = TwoRows();
  request.set_priority(3);
  SentRequest answer(server, request);
  Task& task = server.model().Take();
  EXPECT_EQ(task.priority, 3u);
  task.Done(TwoResults());
}

TEST(PredictCallTest, ATasksErrorReachesTheCaller) {
  RpcServer server;
  TestContext context;
  SentRequest answer(server, TwoRows(), &context);
  server.model().Take().Done(absl::ResourceExhaustedError("the queue is full"));
  const grpc::Status status = answer.Get().status;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "the queue is full");
  EXPECT_EQ(Trailing(context, "grpc-retry-pushback-ms"), "");
}

TEST(PredictCallTest, WhatIsWrongWithARequestIsSaidAndNothingRuns) {
  RpcServer server;
  struct Case {
    std::function<void(v1::PredictRequest&)> spoil;
    grpc::StatusCode code;
    const char* message;
  };
  using grpc::StatusCode;
  for (const Case& bad : std::vector<Case>{
           {[](auto& r) { r.clear_model(); }, StatusCode::INVALID_ARGUMENT, "model.name is empty"},
           {[](auto& r) { r.mutable_model()->set_name("n"); }, StatusCode::NOT_FOUND, "\"n\""},
           {[](auto& r) { r.mutable_model()->set_version(7); }, StatusCode::NOT_FOUND, "7"},
           {[](auto& r) { r.set_timeout_us(-1); }, StatusCode::INVALID_ARGUMENT, "negative: -1"},
           {[](auto& r) { r.set_request_id(std::string(257, 'x')); }, StatusCode::INVALID_ARGUMENT,
            "at most 256 bytes, got 257"},
           {[](auto& r) { r.clear_inputs(); }, StatusCode::INVALID_ARGUMENT, "\"x\" is missing"},
           {[](auto& r) { r.add_outputs()->set_name("z"); }, StatusCode::INVALID_ARGUMENT, "\"z\""},
       }) {
    v1::PredictRequest request = TwoRows();
    bad.spoil(request);
    const grpc::Status status = SentRequest(server, request).Get().status;
    EXPECT_EQ(status.error_code(), bad.code);
    EXPECT_THAT(status.error_message(), HasSubstr(bad.message));
  }
  EXPECT_EQ(server.model().submitted(), 0);
}

TEST(PredictCallTest, AMalformedMessageIsRefusedInWeirsWords) {
  RpcServer server;
  const grpc::Status status = CallWithBytes(server, kPredict, Bytes("no message"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "the message is no weir.v1.PredictRequest");
}

TEST(PredictCallTest, ACallWithoutAMessageFailsAndTheServerGoesOn) {
  RpcServer server;
  using Factory = grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>;
  TestContext context;
  const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> call(
      Factory::Create(
          server.channel().get(),
          grpc::internal::RpcMethod(kPredict, grpc::internal::RpcMethod::BIDI_STREAMING),
          &context));
  EXPECT_TRUE(call->WritesDone());
  EXPECT_FALSE(call->Finish().ok());
  SentRequest answer(server, TwoRows());
  server.model().Take().Done(TwoResults());
  EXPECT_TRUE(answer.Get().status.ok());
}

TEST(PredictCallTest, ALargeMessageOfEmptyFieldsIsRefused) {
  RpcServer server;
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes.append("\x1a\0", 2);
  const grpc::Status status = CallWithBytes(server, kPredict, Bytes(bytes));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "the message holds more than 10346 fields in its 200000 bytes");
}

TEST(PredictCallTest, AMessageLargerThanTheServerTakesIsRefusedAndTheServerGoesOn) {
  RpcServer server({.max_request_bytes = 1000});
  const grpc::Status status = CallWithBytes(server, kPredict, Bytes(std::string(2000, 'x')));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  SentRequest answer(server, TwoRows());
  server.model().Take().Done(TwoResults());
  EXPECT_TRUE(answer.Get().status.ok());
}

TEST(PredictCallTest, ACallerThatGoesAwayIsSeenWhileItsTaskWaits) {
  RpcServer server({.pollers = 1});
  TestContext context;
  SentRequest answer(server, TwoRows(), &context);
  Task& task = server.model().Take();
  EXPECT_FALSE(*task.cancelled);
  context.TryCancel();
  EXPECT_EQ(answer.Get().status.error_code(), grpc::StatusCode::CANCELLED);
  server.RoundTrip();
  EXPECT_TRUE(*task.cancelled);
  EXPECT_FALSE(server.AwaitEmpty(absl::ZeroDuration())) << "its memory is still in use";
  task.Done(absl::CancelledError());
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictCallTest, ADeadlineThatPassesIsSeenWhileItsTaskWaits) {
  RpcServer server({.pollers = 1});
  TestContext context(absl::Milliseconds(50));
  SentRequest answer(server, TwoRows(), &context);
  Task& task = server.model().Take();
  EXPECT_EQ(answer.Get().status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  server.RoundTrip();
  EXPECT_TRUE(*task.cancelled);
  task.Done(TwoResults());
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictCallTest, RequestsAreRefusedWhileThoseInFlightAreTooLarge) {
  RpcServer server({.max_bytes_in_flight = 100});
  SentRequest first(server, TwoRows(std::string(60, 'a')));
  Task& task = server.model().Take();
  TestContext context;
  const grpc::Status refused =
      SentRequest(server, TwoRows(std::string(60, 'b')), &context).Get().status;
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("at most 100 are allowed"));
  EXPECT_EQ(Trailing(context, "grpc-retry-pushback-ms"), "");
  EXPECT_EQ(server.model().submitted(), 1);

  task.Done(TwoResults());
  EXPECT_TRUE(first.Get().status.ok());
  EXPECT_TRUE(server.AwaitEmpty());
  SentRequest next(server, TwoRows(std::string(60, 'c')));
  server.model().Take().Done(TwoResults());
  EXPECT_TRUE(next.Get().status.ok());
}

TEST(PredictCallTest, ARequestIsInFlightBeforeItsCallerHasHalfClosed) {
  RpcServer server({.max_bytes_in_flight = 100, .pollers = 1});
  using Factory = grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>;
  TestContext context;
  const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> first(
      Factory::Create(
          server.channel().get(),
          grpc::internal::RpcMethod(kPredict, grpc::internal::RpcMethod::BIDI_STREAMING),
          &context));
  EXPECT_TRUE(first->Write(Bytes(TwoRows(std::string(60, 'a')).SerializeAsString())));
  server.RoundTrip();
  EXPECT_EQ(SentRequest(server, TwoRows(std::string(60, 'b'))).Get().status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(server.model().submitted(), 0);
  context.TryCancel();
  EXPECT_FALSE(first->Finish().ok());
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictCallTest, ADrainLetsWhatIsInFlightFinishAndRefusesWhatIsNew) {
  RpcServer server;
  SentRequest in_flight(server, TwoRows());
  Task& task = server.model().Take();
  server.Refuse();
  EXPECT_FALSE(server.AwaitEmpty(absl::ZeroDuration())) << "a request is in flight";
  TestContext context;
  const grpc::Status refused = SentRequest(server, TwoRows(), &context).Get().status;
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(refused.error_message(), "the server is draining");
  EXPECT_EQ(Trailing(context, "grpc-retry-pushback-ms"), "50");

  auto drained = std::async(std::launch::async, [&server] { return server.AwaitEmpty(); });
  task.Done(TwoResults());
  EXPECT_TRUE(in_flight.Get().status.ok());
  EXPECT_TRUE(drained.get());
}

TEST(PredictCallTest, AShutdownWaitsForTheTasksOfCallsThatItCancels) {
  RpcServer server;
  SentRequest answer(server, TwoRows());
  Task& task = server.model().Take();
  auto shut_down = std::async(std::launch::async, [&server] { server.Shutdown(); });
  EXPECT_FALSE(answer.Get().status.ok());
  EXPECT_EQ(shut_down.wait_for(std::chrono::milliseconds(1)), std::future_status::timeout);
  task.Done(TwoResults());
  shut_down.get();
}

RpcServerOptions WithFaults() {
  return {.prediction = {.fault_injection = true},
          .pollers = 1,
          .make_model = [](ModelSettings settings) {
            return std::make_shared<PromptServable>(std::move(settings));
          }};
}

// The status of a request with such metadata.
grpc::Status StatusWith(RpcServer& server,
                        const std::vector<std::pair<std::string, std::string>>& metadata) {
  TestContext context;
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  return SentRequest(server, TwoRows(), &context).Get().status;
}

TEST(PredictCallFaultTest, WithoutMetadataNothingFails) {
  RpcServer server(WithFaults());
  EXPECT_TRUE(StatusWith(server, {}).ok());
}

TEST(PredictCallFaultTest, ACodeFailsTheRequestBeforeItRuns) {
  RpcServer server({.prediction = {.fault_injection = true}});
  const grpc::Status status = StatusWith(server, {{"weir-fail-code", "UNAVAILABLE"}});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("weir-fail-code"));
  EXPECT_EQ(server.model().submitted(), 0);
}

TEST(PredictCallFaultTest, ARatioFailsSomeRequests) {
  RpcServer server(WithFaults());
  std::map<grpc::StatusCode, int> counts;
  for (int i = 0; i < 200; ++i) {
    ++counts[StatusWith(server, {{"weir-fail-code", "ABORTED"}, {"weir-fail-ratio", "0.5"}})
                 .error_code()];
  }
  // That it is further off happens once in a million runs of the universe.
  EXPECT_EQ(counts[grpc::StatusCode::OK] + counts[grpc::StatusCode::ABORTED], 200);
  EXPECT_GT(counts[grpc::StatusCode::OK], 30);
  EXPECT_GT(counts[grpc::StatusCode::ABORTED], 30);
}

TEST(PredictCallFaultTest, ADelayHoldsTheRequestBackAndCountsAsItsTime) {
  RpcServer server(WithFaults());
  TestContext context;
  context.AddMetadata("weir-delay-ms", "30");
  const absl::Time sent = MonotonicNow();
  SentRequest answer(server, TwoRows(), &context);
  ASSERT_TRUE(answer.Get().status.ok());
  EXPECT_GE(MonotonicNow() - sent, absl::Milliseconds(30));
  EXPECT_GE(answer.Get().response.timings().total_ns(), 29'000'000);
}

TEST(PredictCallFaultTest, MalformedMetadataIsRefusedByName) {
  RpcServer server(WithFaults());
  const grpc::Status status = StatusWith(server, {{"weir-delay-ms", "soon"}});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("weir-delay-ms"));
}

TEST(PredictCallFaultTest, ADelayEndsWhenTheCallerGoesAway) {
  RpcServer server(WithFaults());
  server.RoundTrip();  // The connection is there.
  TestContext context;
  context.AddMetadata("weir-delay-ms", "59000");
  SentRequest answer(server, TwoRows(), &context);
  server.RoundTrip();
  EXPECT_FALSE(server.AwaitEmpty(absl::ZeroDuration())) << "it is held back";
  context.TryCancel();
  EXPECT_EQ(answer.Get().status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(server.AwaitEmpty(absl::Seconds(30)));
}

TEST(PredictCallFaultTest, AShutdownDoesNotWaitForADelay) {
  RpcServer server(WithFaults());
  server.RoundTrip();
  TestContext context;
  context.AddMetadata("weir-delay-ms", "59000");
  SentRequest answer(server, TwoRows(), &context);
  server.RoundTrip();
  EXPECT_FALSE(server.AwaitEmpty(absl::ZeroDuration())) << "it is held back";
  const absl::Time begin = MonotonicNow();
  server.Shutdown();
  EXPECT_LT(MonotonicNow() - begin, absl::Seconds(30));
  EXPECT_FALSE(answer.Get().status.ok());
}

TEST(PredictCallFaultTest, WithoutPermissionTheMetadataIsIgnored) {
  RpcServerOptions options = WithFaults();
  options.prediction.fault_injection = false;
  RpcServer server(options);
  EXPECT_TRUE(
      StatusWith(server, {{"weir-fail-code", "UNAVAILABLE"}, {"weir-delay-ms", "soon"}}).ok());
}

}  // namespace
}  // namespace weir
