#include "server/rpc/predict_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "server/model/fake_servable.h"

namespace weir {
namespace {

using testing::HasSubstr;

// The service in a gRPC server of its own, before a repository with one fake model.
class PredictServiceTest : public testing::Test {
 protected:
  PredictServiceTest() {
    const std::string root = testing::TempDir() + "/repository";
    std::filesystem::create_directories(root + "/m/2");
    std::ofstream(root + "/m/config.pbtxt")
        << "backend: 'pytorch' max_batch_size: 4"
        << " input { name: 'x' data_type: TYPE_UINT8 dims: 1 }"
        << " output { name: 'y' data_type: TYPE_UINT8 dims: 1 }";
    repository_ = *Repository::Open(
        {.root = root},
        [this](ModelSettings settings, int64_t version,
               const std::string&) -> absl::StatusOr<std::shared_ptr<Servable>> {
          return servable_ = std::make_shared<FakeServable>(std::move(settings), version);
        });
    absl::Notification loaded;
    repository_->Start([](const ModelStatus&) {}, [&](const absl::Status&) { loaded.Notify(); });
    loaded.WaitForNotification();
    service_ = std::make_unique<PredictService>(*repository_);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::Predictor::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }

  ~PredictServiceTest() override { server_->Shutdown(std::chrono::system_clock::now()); }

  static v1::PredictRequest Request() {
    v1::PredictRequest request;
    request.mutable_model()->set_name("m");
    v1::Tensor& x = *request.add_inputs();
    x.add_shape(2);
    x.add_shape(1);
    x.set_data("ab");
    return request;
  }

  struct Answer {
    grpc::Status status;
    v1::PredictResponse response;
  };

  std::future<Answer> Send(v1::PredictRequest request, grpc::ClientContext* context = nullptr) {
    return std::async(std::launch::async, [this, request = std::move(request), context] {
      grpc::ClientContext own;
      grpc::ClientContext& call = context == nullptr ? own : *context;
      call.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
      Answer answer;
      answer.status = stub_->Predict(&call, request, &answer.response);
      return answer;
    });
  }

  static TaskResult Result() {
    static constexpr int64_t kShape[] = {2, 1};
    return {.outputs = {{v1::TYPE_UINT8, kShape, "AB"}},
            .times = {.queue = absl::Nanoseconds(1),
                      .assemble = absl::Nanoseconds(2),
                      .inference = absl::Nanoseconds(3)},
            .batch_rows = 5};
  }

  std::shared_ptr<FakeServable> servable_;
  std::unique_ptr<Repository> repository_;
  std::unique_ptr<PredictService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Predictor::Stub> stub_;
};

TEST_F(PredictServiceTest, ARequestBecomesATaskAndItsResultTheAnswer) {
  v1::PredictRequest request = Request();
  request.set_request_id("r7");
  auto answer = Send(request);
  Task task = servable_->Take();
  EXPECT_EQ(task.rows, 2);
  ASSERT_EQ(task.inputs.size(), 1u);
  EXPECT_EQ(task.inputs[0].data, "ab");
  std::move(task.done)(Result());

  const Answer got = answer.get();
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

TEST_F(PredictServiceTest, TheEarlierOfDeadlineAndTimeoutHolds) {
  v1::PredictRequest request = Request();
  const absl::Time sent = MonotonicNow();
  auto by_deadline = Send(request);
  Task task = servable_->Take();
  EXPECT_GT(task.deadline, sent + absl::Seconds(50));
  EXPECT_LT(task.deadline, MonotonicNow() + absl::Seconds(61));
  std::move(task.done)(Result());
  request.set_timeout_us(10'000'000);
  auto by_timeout = Send(request);
  task = servable_->Take();
  EXPECT_GT(task.deadline, sent + absl::Seconds(9));
  EXPECT_LT(task.deadline, MonotonicNow() + absl::Seconds(11));
  std::move(task.done)(Result());
}

TEST_F(PredictServiceTest, ATasksErrorReachesTheCaller) {
  auto answer = Send(Request());
  std::move(servable_->Take().done)(absl::ResourceExhaustedError("the queue is full"));
  const grpc::Status status = answer.get().status;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "the queue is full");
}

TEST_F(PredictServiceTest, ACallerThatGoesAwayDisturbsNothing) {
  grpc::ClientContext context;
  auto answer = Send(Request(), &context);
  Task task = servable_->Take();
  context.TryCancel();
  EXPECT_EQ(answer.get().status.error_code(), grpc::StatusCode::CANCELLED);
  std::move(task.done)(Result());
  EXPECT_TRUE(service_->Drain(absl::Seconds(60))) << "the call has ended";
}

TEST_F(PredictServiceTest, ADrainLetsWhatIsInFlightFinishAndRefusesWhatIsNew) {
  auto in_flight = Send(Request());
  Task task = servable_->Take();
  EXPECT_FALSE(service_->Drain(absl::ZeroDuration())) << "a request is in flight";
  const grpc::Status refused = Send(Request()).get().status;
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.error_message(), HasSubstr("draining"));

  auto drained =
      std::async(std::launch::async, [this] { return service_->Drain(absl::InfiniteDuration()); });
  std::move(task.done)(Result());
  EXPECT_TRUE(in_flight.get().status.ok());
  EXPECT_TRUE(drained.get());
}

TEST_F(PredictServiceTest, SilenceIsWhenNobodyIsRefusedAnyMore) {
  EXPECT_TRUE(service_->Drain(absl::ZeroDuration()));
  std::atomic<bool> silent = false;
  auto caller = std::async(std::launch::async, [this, &silent] {
    while (!silent) EXPECT_FALSE(Send(Request()).get().status.ok());
  });
  const absl::Time start = absl::Now();
  // As long as somebody calls there is none, so this ends by its limit.
  service_->AwaitSilence(absl::Seconds(60), absl::Milliseconds(200));
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(200));
  silent = true;
  caller.get();
  service_->AwaitSilence(absl::Milliseconds(1), absl::InfiniteDuration());
}

}  // namespace
}  // namespace weir
