// One running server with the models that ship with weir, seen from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/process.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "models/data/fashion_mnist.h"
#include "tests/serving_fixture.h"
#include "weir/v1/predictor.grpc.pb.h"

namespace weir {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using testing::HasSubstr;
using testing::Not;

HealthCheckResponse::ServingStatus HealthOf(const RunningServer& server, const std::string& model) {
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service(model);
  HealthCheckResponse response;
  const grpc::Status status =
      Health::NewStub(server.channel())->Check(&context, request, &response);
  return status.ok() ? response.status() : HealthCheckResponse::SERVICE_UNKNOWN;
}

class ServingTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new RunningServer({absl::StrCat("--model_repository=", kShippedModels)});
    for (const char* model : {"accidents-forest", "fashion-accurate", "fashion-balanced",
                              "fashion-fast", "flats-price"}) {
      ASSERT_TRUE(server_->WaitUntilReady(model)) << server_->process().output();
    }
  }

  // The server drains: exit code 0.
  static void TearDownTestSuite() {
    server_->process().Signal(SIGTERM);
    EXPECT_EQ(server_->process().Wait(), 0) << server_->process().output();
    delete server_;
  }

  static grpc::Status Predict(const v1::PredictRequest& request) {
    v1::PredictResponse response;
    return server_->Predict(request, &response);
  }

  static RunningServer* server_;
};

RunningServer* ServingTest::server_ = nullptr;

TEST_F(ServingTest, TheVariantsNameWhatIsOnAPicture) {
  const auto images = ReadFashionMnist(kFashionMnistDirectory, FashionSplit::kTest);
  ASSERT_TRUE(images.ok()) << images.status();
  constexpr int kRows = 32;
  for (const char* model : {"fashion-fast", "fashion-balanced", "fashion-accurate"}) {
    v1::PredictRequest request;
    request.mutable_model()->set_name(model);
    request.set_request_id("r1");
    v1::Tensor& image = *request.add_inputs();
    for (const int size : {kRows, 28, 28}) image.add_shape(size);
    image.set_data(
        std::string(images->pixels.begin(), images->pixels.begin() + kRows * kFashionPixels));
    request.add_outputs()->set_name("probabilities");
    v1::RequestedOutput& best = *request.add_outputs();
    best.set_name("probabilities");
    best.set_top_k(3);
    v1::PredictResponse response;
    const grpc::Status status = server_->Predict(request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();

    EXPECT_EQ(response.model().name(), model);
    EXPECT_EQ(response.model().version(), 1);
    EXPECT_EQ(response.request_id(), "r1");
    EXPECT_GT(response.timings().inference_ns(), 0);
    EXPECT_GE(response.timings().total_ns(), response.timings().inference_ns());
    EXPECT_EQ(response.timings().batch_rows(), kRows);
    ASSERT_EQ(response.outputs(0).data().size(), kRows * 10 * sizeof(float));
    const v1::Classification& classes = response.classifications(0);
    ASSERT_EQ(classes.rows_size(), kRows);
    int right = 0;
    for (int row = 0; row < kRows; ++row) {
      float sum = 0;
      for (int i = 0; i < 10; ++i) {
        float probability;
        std::memcpy(&probability, &response.outputs(0).data()[(row * 10 + i) * sizeof(float)],
                    sizeof(float));
        sum += probability;
      }
      EXPECT_NEAR(sum, 1, 1e-3);
      ASSERT_EQ(classes.rows(row).classes_size(), 3);
      EXPECT_EQ(classes.rows(row).classes(0).label(),
                std::string(kFashionLabels[classes.rows(row).classes(0).index()]));
      if (classes.rows(row).classes(0).index() == images->labels[row]) ++right;
    }
    EXPECT_GE(right, kRows * 8 / 10) << model;
  }
}

TEST_F(ServingTest, AFlatHasAPriceInRoubles) {
  v1::PredictRequest request;
  request.mutable_model()->set_name("flats-price");
  v1::Tensor& features = *request.add_inputs();
  features.add_shape(1);
  features.add_shape(14);
  for (const double value :
       {1.0, 55.75, 37.62, 2.7, 120.0, 16.0, 1.0, 7.0, 10.0, 30.0, 2.0, 0.0, 55.0, 2005.0}) {
    features.add_values(value);
  }
  v1::PredictResponse response;
  const grpc::Status status = server_->Predict(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.outputs(0).name(), "price");
  ASSERT_EQ(response.outputs(0).data().size(), sizeof(float));
  float price;
  std::memcpy(&price, response.outputs(0).data().data(), sizeof(price));
  EXPECT_GT(price, 1e6);
  EXPECT_LT(price, 1e8);
}

TEST_F(ServingTest, HealthIsToldForEachModelAndForTheServer) {
  EXPECT_EQ(HealthOf(*server_, ""), HealthCheckResponse::SERVING);
  EXPECT_EQ(HealthOf(*server_, "fashion-fast"), HealthCheckResponse::SERVING);
  EXPECT_EQ(HealthOf(*server_, "fashion-slow"), HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST_F(ServingTest, AnUnknownModelOrVersionIsNotFound) {
  const grpc::Status model = Predict(BlankImage("fashion-slow"));
  EXPECT_EQ(model.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(model.error_message(), HasSubstr("fashion-slow"));
  v1::PredictRequest request = BlankImage("fashion-fast");
  request.mutable_model()->set_version(7);
  const grpc::Status version = Predict(request);
  EXPECT_EQ(version.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(version.error_message(), HasSubstr("version 7"));
}

TEST_F(ServingTest, BadTensorsAreRefusedByName) {
  const auto refused = [](const v1::PredictRequest& request, const std::string& why) {
    const grpc::Status status = Predict(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << why;
    EXPECT_THAT(status.error_message(), HasSubstr(why));
  };
  refused({}, "model.name is empty");
  v1::PredictRequest request = BlankImage("fashion-fast");
  request.clear_inputs();
  refused(request, "input \"image\" is missing");
  request = BlankImage("fashion-fast");
  request.mutable_inputs(0)->set_name("picture");
  refused(request, "input \"picture\" is unknown");
  request = BlankImage("fashion-fast");
  request.mutable_inputs(0)->set_shape(1, 27);
  refused(request, "expected shape [rows, 28, 28], got [1, 27, 28]");
  request = BlankImage("fashion-fast");
  request.mutable_inputs(0)->set_data_type(v1::TYPE_FP32);
  refused(request, "expected TYPE_UINT8, got TYPE_FP32");
  request = BlankImage("fashion-fast");
  request.mutable_inputs(0)->mutable_data()->resize(783);
  refused(request, "takes 784 bytes, got 783");
  request = BlankImage("fashion-fast");
  request.add_outputs()->set_name("logits");
  refused(request, "output \"logits\" is unknown");
  request = BlankImage("fashion-fast");
  request.set_request_id(std::string(257, 'x'));
  refused(request, "request_id takes at most 256 bytes");
  request = BlankImage("fashion-fast");
  request.set_timeout_us(-1);
  refused(request, "timeout_us is negative");
  request = {};
  request.mutable_model()->set_name("flats-price");
  v1::Tensor& features = *request.add_inputs();
  features.add_shape(1);
  features.add_shape(14);
  for (int i = 0; i < 14; ++i) features.add_values(i == 3 ? std::nan("") : 1);
  refused(request, "input \"features\": element 3 is NaN or infinite");
}

TEST_F(ServingTest, AHugeRequestIsRefusedAndTheServerGoesOn) {
  v1::PredictRequest request = BlankImage("fashion-fast");
  request.mutable_inputs(0)->set_data(std::string(100 << 20, 'x'));
  const grpc::Status status = Predict(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("larger than 8388608 bytes"));
  EXPECT_TRUE(Predict(BlankImage("fashion-fast")).ok());
}

TEST_F(ServingTest, ReflectionListsTheServices) {
  // ServerReflectionRequest{list_services: "*"}, as bytes: the field is a string with number 7.
  grpc::Slice slice("\x3a\x01*");
  grpc::ByteBuffer request(&slice, 1);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  grpc::CompletionQueue queue;
  const auto call = grpc::GenericStub(server_->channel())
                        .PrepareCall(&context,
                                     "/grpc.reflection.v1alpha.ServerReflection/"
                                     "ServerReflectionInfo",
                                     &queue);
  const auto finished = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  call->StartCall(nullptr);
  ASSERT_TRUE(finished());
  call->Write(request, nullptr);
  ASSERT_TRUE(finished());
  grpc::ByteBuffer response;
  call->Read(&response, nullptr);
  ASSERT_TRUE(finished());
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(response.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& part : slices) bytes.append(part.begin(), part.end());
  EXPECT_THAT(bytes, HasSubstr("weir.v1.Predictor"));
  EXPECT_THAT(bytes, HasSubstr("grpc.health.v1.Health"));
  context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  EXPECT_TRUE(finished());
}

TEST_F(ServingTest, ManyCallersAtOnceGetTheirOwnAnswers) {
  std::vector<std::future<bool>> callers;
  for (int caller = 0; caller < 8; ++caller) {
    callers.push_back(std::async(std::launch::async, [caller] {
      for (int i = 0; i < 50; ++i) {
        v1::PredictRequest request = BlankImage(i % 2 == 0 ? "fashion-fast" : "fashion-balanced");
        request.set_request_id(absl::StrCat(caller, "/", i));
        v1::PredictResponse response;
        if (!server_->Predict(request, &response).ok()) return false;
        if (response.request_id() != request.request_id()) return false;
        if (response.model().name() != request.model().name()) return false;
      }
      return true;
    }));
  }
  for (std::future<bool>& caller : callers) EXPECT_TRUE(caller.get());
}

TEST_F(ServingTest, ThePredictProgramNamesTheShirt) {
  Process predict({"client/weir-predict", "--address=" + server_->address(),
                   "--model=fashion-accurate", "client/testdata/t-shirt.png"});
  EXPECT_EQ(predict.Wait(), 0) << predict.output();
  EXPECT_THAT(predict.output(), HasSubstr("fashion-accurate version 1"));
  EXPECT_THAT(predict.output(), HasSubstr("irt")) << "Shirt or T-shirt/top";
}

TEST_F(ServingTest, ThePredictProgramTakesAnIndexAndNumbers) {
  Process index(
      {"client/weir-predict", "--address=" + server_->address(), "--model=fashion-fast", "0"});
  EXPECT_EQ(index.Wait(), 0) << index.output();
  EXPECT_THAT(index.output(), HasSubstr("in truth  Ankle boot"));
  Process numbers({"client/weir-predict", "--address=" + server_->address(), "--model=flats-price",
                   "1,55.75,37.62,2.7,120,16,1,7,10,30,2,0,55,2005"});
  EXPECT_EQ(numbers.Wait(), 0) << numbers.output();
  EXPECT_THAT(numbers.output(), HasSubstr("price"));
}

TEST_F(ServingTest, ThePredictProgramSaysWhatIsWrong) {
  Process unknown({"client/weir-predict", "--address=" + server_->address(), "--model=x", "0"});
  EXPECT_EQ(unknown.Wait(), 1);
  EXPECT_THAT(unknown.output(), HasSubstr("NOT_FOUND: model \"x\" is not served here"));
  Process nothing({"client/weir-predict"});
  EXPECT_EQ(nothing.Wait(), 2);
  EXPECT_THAT(nothing.output(), HasSubstr("expected --model=NAME"));
}

TEST_F(ServingTest, TheExamplesOfTheReadmeAnswer) {
  Process cpp({"examples/predict", server_->address()});
  EXPECT_EQ(cpp.Wait(), 0) << cpp.output();
  EXPECT_THAT(cpp.output(), HasSubstr(" roubles"));

  const std::string modules = testing::TempDir() + "/python";
  std::filesystem::create_directories(modules);
  Process protoc({"/usr/bin/protoc", "-Iproto", "--python_out=" + modules, "weir/v1/tensor.proto",
                  "weir/v1/predictor.proto"});
  ASSERT_EQ(protoc.Wait(), 0) << protoc.output();
  Process python({"/usr/bin/env", "PYTHONPATH=" + modules, "/usr/bin/python3",
                  "examples/predict.py", server_->address()});
  EXPECT_EQ(python.Wait(), 0) << python.output();
  EXPECT_THAT(python.output(), HasSubstr("Ankle boot"));
}

TEST_F(ServingTest, TheHealthProgramWaitsForAModel) {
  Process serving(
      {"client/weir-health", "--address=" + server_->address(), "--model=fashion-fast"});
  EXPECT_EQ(serving.Wait(), 0) << serving.output();
  Process unknown(
      {"client/weir-health", "--address=" + server_->address(), "--model=x", "--timeout=2s"});
  EXPECT_EQ(unknown.Wait(), 1);
  EXPECT_THAT(unknown.output(), HasSubstr("model x is not serving: SERVICE_UNKNOWN"));
}

TEST_F(ServingTest, APortInUseIsAClearError) {
  const std::string port = server_->address().substr(server_->address().find(':') + 1);
  Process second({"server/weir-server", "--host=127.0.0.1", "--port=" + port,
                  absl::StrCat("--model_repository=", kShippedModels)});
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_THAT(second.output(), HasSubstr(absl::StrCat("cannot listen on ", server_->address(),
                                                      ": Address already in use")));
}

TEST(DrainTest, SigtermUnderLoadLosesNoRequestThatWasTaken) {
  RunningServer server(
      {absl::StrCat("--model_repository=", kShippedModels), "--models=fashion-accurate"});
  ASSERT_TRUE(server.WaitUntilReady("fashion-accurate")) << server.process().output();
  std::vector<std::future<grpc::Status>> calls;
  for (int i = 0; i < 16; ++i) {
    calls.push_back(std::async(std::launch::async, [&server] {
      v1::PredictRequest request = BlankImage("fashion-accurate");
      v1::PredictResponse response;
      grpc::Status status;
      // Until the drain reaches this caller, each call is answered.
      while ((status = server.Predict(request, &response)).ok()) {
      }
      return status;
    }));
  }
  v1::PredictResponse response;
  ASSERT_TRUE(server.Predict(BlankImage("fashion-accurate"), &response).ok());
  server.process().Signal(SIGTERM);
  for (std::future<grpc::Status>& call : calls) {
    const grpc::Status status = call.get();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  }
  EXPECT_EQ(server.process().Wait(), 0) << server.process().output();
  EXPECT_THAT(server.process().output(), HasSubstr("drained"));
  // The server says so when it cuts off a request that it has taken.
  EXPECT_THAT(server.process().output(), Not(HasSubstr("still in flight")));
}

TEST(DrainTest, SomebodyWhoWatchesHealthDoesNotHoldItUp) {
  RunningServer server({absl::StrCat("--model_repository=", kShippedModels),
                        "--models=fashion-fast", "--drain_timeout=1h"});
  ASSERT_TRUE(server.WaitUntilReady("fashion-fast")) << server.process().output();
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service("fashion-fast");
  const auto watch = Health::NewStub(server.channel())->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  server.process().Signal(SIGTERM);
  EXPECT_EQ(server.process().Wait(), 0) << server.process().output();
}

TEST(DrainTest, ASignalIsObeyedWhileModelsLoad) {
  const std::string root = testing::TempDir() + "/many";
  const auto config =
      std::filesystem::canonical(absl::StrCat(kShippedModels, "/fashion-accurate/config.pbtxt"));
  for (int i = 0; i < 20; ++i) {
    const std::string copy = absl::StrCat(root, "/copy-", i);
    std::filesystem::create_directories(copy);
    std::filesystem::copy(config.parent_path(), copy, std::filesystem::copy_options::recursive);
    std::ofstream(copy + "/config.pbtxt")
        << "backend: \"pytorch\" max_batch_size: 1\n"
        << "input { name: \"image\" data_type: TYPE_UINT8 dims: [28, 28] }\n"
        << "output { name: \"probabilities\" data_type: TYPE_FP32 dims: [10] }\n";
  }
  RunningServer server({"--model_repository=" + root});
  server.process().Signal(SIGTERM);
  EXPECT_EQ(server.process().Wait(), 0) << server.process().output();
  EXPECT_THAT(server.process().output(), Not(HasSubstr("copy-9 ready")))
      << "models in the queue are not loaded any more";
}

}  // namespace
}  // namespace weir
