// Every request is recorded exactly once, and before its answer is out, whatever becomes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "grpcpp/support/sync_stream.h"
#include "server/batching/batched_servable.h"
#include "server/batching/executor.h"
#include "server/model/puppet_model.h"
#include "server/rpc/rpc_fixture.h"
#include "server/stats/decoded_push.h"
#include "server/stats/recorder.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr char kPredict[] = "/weir.v1.Predictor/Predict";

// A server whose requests are recorded, and a caller of it.
class RecordingTest : public testing::TestWithParam<bool> {
 protected:
  void Serve(RpcServerOptions options = {}) {
    options.prediction.recorder = recorder_.get();
    server_ = std::make_unique<RpcServer>(std::move(options));
  }

  // Of a request that the test answers itself, once it is at the model: "OK" or the code.
  std::string Predict(const std::function<void(Task&)>& answer) {
    std::thread model([&] {
      Task& task = server_->model().Take();
      EXPECT_EQ(Stats().in_flight(), 1);
      EXPECT_THAT(Counted(), IsEmpty()) << "it has no answer yet";
      answer(task);
    });
    std::string code = Predict(TwoRows());
    model.join();
    return code;
  }

  // By a call of its own, or on a stream.
  std::string Predict(const v1::PredictRequest& request, TestContext context = TestContext()) {
    return absl::StatusCodeToString(OnStream() ? PredictOnStream(request, context)
                                               : PredictByCall(request, context));
  }

  static bool OnStream() { return GetParam(); }

  absl::StatusCode PredictByCall(const v1::PredictRequest& request, TestContext& context) {
    v1::PredictResponse response;
    const grpc::Status status = server_->stub().Predict(&context, request, &response);
    return static_cast<absl::StatusCode>(status.error_code());
  }

  absl::StatusCode PredictOnStream(const v1::PredictRequest& request, TestContext& context) {
    const auto stream = server_->stub().PredictStream(&context);
    EXPECT_TRUE(stream->Write(request));
    v1::PredictStreamResponse answer;
    const bool answered = stream->Read(&answer);
    counted_when_answered_ = Counted();
    stream->WritesDone();
    const grpc::Status status = stream->Finish();
    if (!answered) return static_cast<absl::StatusCode>(status.error_code());
    return static_cast<absl::StatusCode>(answer.error().code());
  }

  VersionStats& Stats() {
    return recorder_->ForVersion({.model = "m", .version = 2, .max_batch_rows = 4});
  }

  DecodedPush Push() {
    v1::PushRequest push;
    recorder_->FillPush(push);
    return DecodedPush(push);
  }

  // Requests and rejections that are not 0: "requests{m,2,OK} 1".
  std::vector<std::string> Counted() {
    std::vector<std::string> counted;
    const DecodedPush push = Push();
    for (const auto& [key, series] : push.series()) {
      if (series.value == 0) continue;
      if (!absl::StartsWith(key, "weir_requests_total") &&
          !absl::StartsWith(key, "weir_rejections_total")) {
        continue;
      }
      counted.push_back(absl::StrCat(key.substr(5, key.find("_total") - 5),
                                     key.substr(key.find('{')), " ", series.value));
    }
    return counted;
  }

  const std::unique_ptr<Recorder> recorder_ = *Recorder::Create({.replica = "r", .shards = 4});
  std::unique_ptr<RpcServer> server_;
  std::vector<std::string> counted_when_answered_;
};

INSTANTIATE_TEST_SUITE_P(, RecordingTest, testing::Values(false, true),
                         [](const auto& info) { return info.param ? "OnAStream" : "ByACall"; });

TEST_P(RecordingTest, AnAnswerCountsWithItsRowsAndTimes) {
  Serve();
  EXPECT_EQ(Predict([](Task& task) { task.Done(TwoResults()); }), "OK");
  if (OnStream()) {
    EXPECT_THAT(counted_when_answered_, ElementsAre("requests{m,2,OK} 1"));
  }
  EXPECT_THAT(Counted(), ElementsAre("requests{m,2,OK} 1"));
  EXPECT_EQ(Stats().in_flight(), 0);
  const DecodedPush push = Push();
  EXPECT_EQ(push.Value("weir_rows_total", {"m", "2"}), 2);
  const auto& total = push.Get("weir_request_duration_seconds", {"m", "2"});
  EXPECT_EQ(total.Count(), 1u);
  EXPECT_GT(total.value, 0);
  EXPECT_DOUBLE_EQ(push.Value("weir_stage_duration_seconds", {"m", "2", "queue"}), 1e-9);
  EXPECT_DOUBLE_EQ(push.Value("weir_stage_duration_seconds", {"m", "2", "assemble"}), 2e-9);
  EXPECT_DOUBLE_EQ(push.Value("weir_stage_duration_seconds", {"m", "2", "inference"}), 3e-9);
  const auto& respond = push.Get("weir_stage_duration_seconds", {"m", "2", "respond"});
  EXPECT_EQ(respond.Count(), 1u);
  EXPECT_GT(respond.value, 0);
  EXPECT_LT(respond.value, total.value + 1e-9);
}

TEST_P(RecordingTest, WhatTheModelRefusesCountsWithItsReason) {
  const struct {
    Refusal refusal;
    const char* code;
    const char* reason;
  } kCases[] = {{Refusal::kQueueFull, "RESOURCE_EXHAUSTED", "queue_full"},
                {Refusal::kUnreachableDeadline, "RESOURCE_EXHAUSTED", "unreachable_deadline"},
                {Refusal::kExpired, "DEADLINE_EXCEEDED", "expired"},
                {Refusal::kCancelled, "CANCELLED", "cancelled"}};
  Serve();
  std::vector<std::string> expected;
  for (const auto& each : kCases) {
    std::thread model([&] { server_->model().Take().Done(each.refusal); });
    EXPECT_EQ(Predict(TwoRows()), each.code);
    model.join();
    EXPECT_EQ(Push().Value("weir_rejections_total", {"m", "2", each.reason}), 1) << each.reason;
  }
  EXPECT_THAT(
      Counted(),
      UnorderedElementsAre("requests{m,2,RESOURCE_EXHAUSTED} 2",
                           "requests{m,2,DEADLINE_EXCEEDED} 1", "requests{m,2,CANCELLED} 1",
                           "rejections{m,2,queue_full} 1", "rejections{m,2,unreachable_deadline} 1",
                           "rejections{m,2,expired} 1", "rejections{m,2,cancelled} 1"));
  EXPECT_EQ(Push().Value("weir_rows_total", {"m", "2"}), 0);
  EXPECT_EQ(Stats().in_flight(), 0);
}

TEST_P(RecordingTest, AModelThatFailsIsNoRejection) {
  Serve();
  EXPECT_EQ(Predict([](Task& task) { task.Done(absl::InternalError("x")); }), "INTERNAL");
  EXPECT_THAT(Counted(), ElementsAre("requests{m,2,INTERNAL} 1"));
}

TEST_P(RecordingTest, AMalformedRequestCountsWithWhatItGotAsFarAs) {
  Serve();
  v1::PredictRequest request = TwoRows();
  request.mutable_inputs(0)->set_data("abc");
  EXPECT_EQ(Predict(request), "INVALID_ARGUMENT");
  request = TwoRows();
  request.set_timeout_us(-1);
  EXPECT_EQ(Predict(request), "INVALID_ARGUMENT");
  EXPECT_EQ(Predict(v1::PredictRequest()), "INVALID_ARGUMENT");
  EXPECT_THAT(Counted(),
              UnorderedElementsAre("requests{m,2,INVALID_ARGUMENT} 1", "rejections{m,2,invalid} 1",
                                   "requests{m,,INVALID_ARGUMENT} 1", "rejections{m,,invalid} 1",
                                   "requests{(unknown),,INVALID_ARGUMENT} 1",
                                   "rejections{(unknown),,invalid} 1"));
}

TEST_P(RecordingTest, WhatIsNotServedCountsWithoutTheNamesThatCallersMakeUp) {
  Serve();
  v1::PredictRequest request = TwoRows();
  request.mutable_model()->set_version(3);
  EXPECT_EQ(Predict(request), "NOT_FOUND");
  for (const char* name : {"n", "(unknown)", "\x01"}) {
    request.mutable_model()->set_name(name);
    EXPECT_EQ(Predict(request), "NOT_FOUND");
  }
  EXPECT_THAT(Counted(),
              UnorderedElementsAre("requests{m,,NOT_FOUND} 1", "requests{(unknown),,NOT_FOUND} 3"));
}

TEST_P(RecordingTest, AModelThatIsNotThereCounts) {
  Serve({.make_model = [](const ModelSettings&) -> absl::StatusOr<std::shared_ptr<Servable>> {
    return absl::InvalidArgumentError("broken");
  }});
  EXPECT_EQ(Predict(TwoRows()), "UNAVAILABLE");
  EXPECT_THAT(Counted(), ElementsAre("requests{m,,UNAVAILABLE} 1"));
}

TEST_P(RecordingTest, WithoutRoomForItsBytesARequestIsNotLookedInto) {
  Serve({.max_bytes_in_flight = 4});
  EXPECT_EQ(Predict(TwoRows()), "RESOURCE_EXHAUSTED");
  const std::string model = OnStream() ? "m" : "(unknown)";  // A stream has to read it to answer.
  EXPECT_THAT(Counted(),
              UnorderedElementsAre(absl::StrCat("requests{", model, ",,RESOURCE_EXHAUSTED} 1"),
                                   absl::StrCat("rejections{", model, ",,queue_full} 1")));
}

TEST_P(RecordingTest, FaultsThatARequestAsksForCountAsIfTheyWereReal) {
  Serve({.prediction = {.fault_injection = true}});
  TestContext fails;
  fails.AddMetadata("weir-fail-code", "ABORTED");
  fails.AddMetadata("weir-delay-ms", "1");
  TestContext malformed;
  malformed.AddMetadata("weir-delay-ms", "soon");
  for (TestContext* context : {&fails, &malformed}) {
    if (OnStream()) {
      PredictOnStream(TwoRows(), *context);
    } else {
      PredictByCall(TwoRows(), *context);
    }
  }
  EXPECT_THAT(Counted(),
              UnorderedElementsAre("requests{m,2,ABORTED} 1", "requests{m,2,INVALID_ARGUMENT} 1",
                                   "rejections{m,2,invalid} 1"));
  EXPECT_EQ(Stats().in_flight(), 0);
}

TEST_P(RecordingTest, ACallerThatGoesAwayCounts) {
  Serve();
  TestContext context;
  std::thread model([&] {
    Task& task = server_->model().Take();
    context.TryCancel();
    task.Done(TwoResults());
  });
  if (OnStream()) {
    const auto stream = server_->stub().PredictStream(&context);
    stream->Write(TwoRows());  // It may be too late for its caller to know.
    stream->Finish();
  } else {
    PredictByCall(TwoRows(), context);
  }
  model.join();
  EXPECT_TRUE(server_->AwaitEmpty());
  EXPECT_THAT(Counted(), ElementsAre("requests{m,2,OK} 1"));
}

TEST_P(RecordingTest, WithoutARecorderNothingIsCounted) {
  server_ = std::make_unique<RpcServer>();
  EXPECT_EQ(Predict(v1::PredictRequest()), "INVALID_ARGUMENT");
  std::thread model([&] { server_->model().Take().Done(TwoResults()); });
  EXPECT_EQ(Predict(TwoRows()), "OK");
  model.join();
  EXPECT_THAT(Counted(), IsEmpty());
}

using RecordedCallTest = RecordingTest;
INSTANTIATE_TEST_SUITE_P(, RecordedCallTest, testing::Values(false),
                         [](const auto&) { return "ByACall"; });

TEST_P(RecordedCallTest, BytesThatAreNoRequestCount) {
  Serve();
  EXPECT_FALSE(CallWithBytes(*server_, kPredict, Bytes("\xff")).ok());
  EXPECT_THAT(Counted(), UnorderedElementsAre("requests{(unknown),,INVALID_ARGUMENT} 1",
                                              "rejections{(unknown),,invalid} 1"));
}

TEST_P(RecordedCallTest, WhatComesDuringTheDrainCountsWithItsModel) {
  Serve();
  server_->Refuse();
  EXPECT_EQ(Predict(TwoRows()), "UNAVAILABLE");
  EXPECT_FALSE(CallWithBytes(*server_, kPredict, Bytes("\xff")).ok());
  EXPECT_THAT(Counted(),
              UnorderedElementsAre("requests{m,,UNAVAILABLE} 1", "rejections{m,,draining} 1",
                                   "requests{(unknown),,INVALID_ARGUMENT} 1",
                                   "rejections{(unknown),,invalid} 1"));
}

using RecordedStreamTest = RecordingTest;
INSTANTIATE_TEST_SUITE_P(, RecordedStreamTest, testing::Values(true),
                         [](const auto&) { return "OnAStream"; });

TEST_P(RecordedStreamTest, BytesThatAreNoRequestCountAndSoDoesWhatCameBefore) {
  Serve();
  // Fields of PredictStream's request that no request has are still a request; a cut one is none.
  TestContext context;
  const auto stream = server_->stub().PredictStream(&context);
  EXPECT_TRUE(stream->Write(TwoRows()));
  Task& task = server_->model().Take();
  v1::PredictRequest request;
  // A field of bytes where a message is expected: what is in it is none.
  request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(1, "\xff");
  EXPECT_TRUE(stream->Write(request));
  task.Done(TwoResults());
  v1::PredictStreamResponse answer;
  EXPECT_TRUE(stream->Read(&answer));
  EXPECT_FALSE(stream->Read(&answer));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(Counted(),
              UnorderedElementsAre("requests{m,2,OK} 1", "requests{(unknown),,INVALID_ARGUMENT} 1",
                                   "rejections{(unknown),,invalid} 1"));
}

TEST_P(RecordedStreamTest, WhatComesDuringTheDrainCountsWithItsModel) {
  Serve();
  TestContext context;
  const auto stream = server_->stub().PredictStream(&context);
  EXPECT_TRUE(stream->Write(TwoRows()));
  Task& task = server_->model().Take();
  server_->gate().Close();
  EXPECT_TRUE(stream->Write(TwoRows()));
  v1::PredictStreamResponse answer;
  EXPECT_TRUE(stream->Read(&answer));
  EXPECT_EQ(answer.error().code(), static_cast<int>(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Counted(),
              UnorderedElementsAre("requests{m,,UNAVAILABLE} 1", "rejections{m,,draining} 1"));
  task.Done(TwoResults());
  EXPECT_TRUE(stream->Read(&answer));
  EXPECT_EQ(Push().Value("weir_requests_total", {"m", "2", "OK"}), 1);
  stream->WritesDone();
  stream->Finish();
}

// Through the executor, with a model whose batches the test ends.
Puppeteer* loaded = nullptr;

absl::StatusOr<std::unique_ptr<Model>> Load(const ModelSettings&, const std::string&) {
  return loaded->MakeModel();
}

TEST_P(RecordedCallTest, BatchesCountBeforeTheirAnswersAndRefusalsOfTheQueueByReason) {
  Puppeteer puppet;
  loaded = &puppet;
  puppet.Release();  // For the warm-up.
  Executor executor(1);
  Serve({.make_model = [&](ModelSettings settings) {
    settings.instances = 1;
    settings.execution = Execution::kPooled;
    settings.batching.levels[0].max_rows = 2;
    return MakeBatchedServable(executor, {}, std::move(settings), 2, "", Load, recorder_.get());
  }});
  EXPECT_EQ(Predict(TwoRows()), "OK");
  const DecodedPush push = Push();
  EXPECT_EQ(push.Value("weir_batches_total", {"m", "2"}), 1);
  EXPECT_EQ(push.Value("weir_batch_rows", {"m", "2"}), 2);
  EXPECT_GT(push.Value("weir_instance_busy_seconds_total", {"m", "2"}), 0);
  EXPECT_EQ(push.Get("weir_stage_duration_seconds", {"m", "2", "inference"}).Count(), 1u);
  // Every other request finds an expired deadline.
  v1::PredictRequest late = TwoRows();
  late.set_timeout_us(1);
  EXPECT_THAT(Predict(late), testing::AnyOf("DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"));
  EXPECT_EQ(Push().Value("weir_rejections_total", {"m", "2", "expired"}) +
                Push().Value("weir_rejections_total", {"m", "2", "unreachable_deadline"}),
            1);
  puppet.Release([](const std::vector<Tensor>&) { return absl::InternalError("no"); });
  EXPECT_EQ(Predict(TwoRows()), "INTERNAL");
  EXPECT_EQ(Push().Value("weir_batches_total", {"m", "2"}), 2);
  EXPECT_EQ(Push().Value("weir_requests_total", {"m", "2", "INTERNAL"}), 1);
  server_ = nullptr;
}

}  // namespace
}  // namespace weir
