#include "server/rpc/admin_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/server_builder.h"
#include "server/model/repository_fixture.h"
#include "server/rpc/test_server.h"
#include "weir/v1/admin.grpc.pb.h"

namespace weir {
namespace {

using testing::HasSubstr;

// The service in a gRPC server of its own, before a repository of fake models.
class AdminServiceTest : public testing::Test {
 protected:
  AdminServiceTest() {
    disk_.AddModel("a", {"1"});
    disk_.AddModel("b", {"1", "2"}, "version_policy { all {} }");
    loader_.broken["b/2/model.pt"] = "throws in warm-up";
    repository_ = *Repository::Open({.root = disk_.root()}, loader_.Make());
    absl::Notification loaded;
    repository_->Start([](const ModelStatus&) {}, [&](const absl::Status&) { loaded.Notify(); });
    loaded.WaitForNotification();

    service_ = std::make_unique<AdminService>(*repository_);
    server_ = std::make_unique<TestServer>(
        [this](CallLoop& loop, Methods& methods) { service_->AddTo(loop, methods); });
    stub_ = v1::Admin::NewStub(server_->channel());
  }

  ~AdminServiceTest() override { repository_->Stop(); }

  grpc::Status Load(const std::string& name) {
    v1::LoadModelRequest request;
    request.set_name(name);
    return Call(&v1::Admin::Stub::LoadModel, request, load_response_);
  }

  grpc::Status Unload(const std::string& name) {
    v1::UnloadModelRequest request;
    request.set_name(name);
    v1::UnloadModelResponse response;
    return Call(&v1::Admin::Stub::UnloadModel, request, response);
  }

  std::string List() { return Show(ListModels().models()); }

  // By the models' names.
  std::map<std::string, std::string> Descriptions() {
    std::map<std::string, std::string> descriptions;
    const v1::ListModelsResponse response = ListModels();
    for (const v1::ModelState& model : response.models()) {
      descriptions[model.name()] =
          model.has_description() ? model.description().ShortDebugString() : "none";
    }
    return descriptions;
  }

  v1::ListModelsResponse ListModels() {
    v1::ListModelsResponse response;
    const grpc::Status status =
        Call(&v1::Admin::Stub::ListModels, v1::ListModelsRequest(), response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  // Without the descriptions.
  static std::string Show(const google::protobuf::RepeatedPtrField<v1::ModelState>& models) {
    std::string text;
    for (v1::ModelState model : models) {
      model.clear_description();
      absl::StrAppend(&text, model.ShortDebugString(), "\n");
    }
    return text;
  }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::Admin::Stub::*method)(grpc::ClientContext*, const Request&,
                                                            Response*),
                    const Request& request, Response& response) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
    return (stub_.get()->*method)(&context, request, &response);
  }

  RepositoryOnDisk disk_;
  FakeLoader loader_{disk_};
  std::unique_ptr<Repository> repository_;
  std::unique_ptr<AdminService> service_;
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<v1::Admin::Stub> stub_;
  v1::LoadModelResponse load_response_;
};

TEST_F(AdminServiceTest, ListModelsTellsStatesAndReasons) {
  EXPECT_EQ(List(),
            "name: \"a\" versions { version: 1 state: READY execution: \"fake\" counts { } }\n"
            "name: \"b\" versions { version: 1 state: READY execution: \"fake\" counts { } } "
            "versions { version: 2 state: FAILED reason: \"b/2/model.pt: throws in warm-up\" } "
            "load_failures: 1\n");
}

TEST_F(AdminServiceTest, LoadModelAnswersWithWhatIsLoadedNow) {
  disk_.Write("a/5/model.pt", "");
  const grpc::Status status = Load("a");
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(load_response_.model().description().name(), "a");
  load_response_.mutable_model()->clear_description();
  EXPECT_EQ(load_response_.model().ShortDebugString(),
            "name: \"a\" versions { version: 5 state: READY execution: \"fake\" counts { } }");
}

TEST_F(AdminServiceTest, ListModelsDescribesTheNewestReadyVersion) {
  disk_.Write("a/labels.txt", "yes\nno\n");
  disk_.Write("a/config.pbtxt",
              "backend: \"pytorch\" max_batch_size: 8 "
              "input { name: \"x\" data_type: TYPE_UINT8 dims: [ 28, -1 ] } "
              "output { name: \"y\" data_type: TYPE_FP32 dims: 2 label_filename: \"labels.txt\" } "
              "parameters { key: \"weir.family\" value { string_value: \"f\" } } "
              "parameters { key: \"weir.variant\" value { string_value: \"fast\" } } "
              "parameters { key: \"weir.slo_latency\" value { string_value: \"20ms\" } } "
              "parameters { key: \"weir.quality.accuracy\" value { string_value: \"0.9\" } }");
  ASSERT_TRUE(Load("a").ok());
  EXPECT_EQ(Descriptions().at("a"),
            "name: \"a\" family: \"f\" variant: \"fast\" max_batch_size: 8 "
            "inputs { name: \"x\" data_type: TYPE_UINT8 dims: 28 dims: -1 } "
            "outputs { name: \"y\" data_type: TYPE_FP32 dims: 2 "
            "labels: \"yes\" labels: \"no\" } "
            "slo_latency_us: 20000 quality { key: \"accuracy\" value: 0.9 }");
}

TEST_F(AdminServiceTest, AModelThatNeverLoadedOrIsUnloadedHasNoDescription) {
  EXPECT_EQ(Descriptions().at("b"),
            "name: \"b\" "
            "inputs { name: \"x\" data_type: TYPE_FP32 dims: 1 } "
            "outputs { name: \"y\" data_type: TYPE_FP32 dims: 1 }")
      << "version 2 failed, version 1 serves";
  ASSERT_TRUE(Unload("b").ok());
  disk_.AddModel("c", {"1"});
  loader_.broken["c/1/model.pt"] = "throws in warm-up";
  EXPECT_FALSE(Load("c").ok());
  EXPECT_EQ(Descriptions().at("b"), "none");
  EXPECT_EQ(Descriptions().at("c"), "none");
}

TEST_F(AdminServiceTest, LoadModelTellsWhyItFailed) {
  const grpc::Status status = Load("b");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.error_message(), "b/2/model.pt: throws in warm-up");
}

TEST_F(AdminServiceTest, NamesThatAreNoModelsAreRefused) {
  for (const auto& [name, code] : std::map<std::string, grpc::StatusCode>{
           {"", grpc::StatusCode::INVALID_ARGUMENT},
           {".", grpc::StatusCode::INVALID_ARGUMENT},
           {"..", grpc::StatusCode::INVALID_ARGUMENT},
           {"../a", grpc::StatusCode::INVALID_ARGUMENT},
           {"/etc", grpc::StatusCode::INVALID_ARGUMENT},
           {"c", grpc::StatusCode::NOT_FOUND},
           {std::string("a\0", 2), grpc::StatusCode::NOT_FOUND}}) {
    EXPECT_EQ(Load(name).error_code(), code) << name;
    EXPECT_EQ(Unload(name).error_code(), code) << name;
  }
  EXPECT_EQ(Load("").error_message(), "name is empty");
  EXPECT_EQ(Load("../a").error_message(), "\"../a\" is a path");
  EXPECT_THAT(Load("c").error_message(), HasSubstr("has no model \"c\"; it has: a, b"));
  EXPECT_EQ(Unload("c").error_message(), "model \"c\" is not served here");
}

TEST_F(AdminServiceTest, UnloadModelAnswersWhenTheModelTakesNoMoreRequests) {
  const std::shared_ptr<Servable> request = *repository_->Find("a", 0);
  ASSERT_TRUE(Unload("a").ok());
  EXPECT_EQ(repository_->Find("a", 0).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(List(), HasSubstr("name: \"a\" versions { version: 1 state: UNLOADING "
                                "execution: \"fake\" counts { } }\n"));
}

TEST_F(AdminServiceTest, AnUnloadedModelIsListedAsSuch) {
  ASSERT_TRUE(Unload("a").ok());
  EXPECT_THAT(List(), HasSubstr("name: \"a\" versions { version: 1 state: UNLOADED }\n"));
  ASSERT_TRUE(Load("a").ok());
  EXPECT_THAT(List(), HasSubstr("name: \"a\" versions { version: 1 state: READY"));
}

TEST_F(AdminServiceTest, ReloadRepositoryAnswersWithTheStateOfAllModels) {
  disk_.AddModel("c", {"7"});
  disk_.Remove("b");
  v1::ReloadRepositoryResponse response;
  const grpc::Status status =
      Call(&v1::Admin::Stub::ReloadRepository, v1::ReloadRepositoryRequest(), response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(Show(response.models()),
            "name: \"a\" versions { version: 1 state: READY execution: \"fake\" counts { } }\n"
            "name: \"c\" versions { version: 7 state: READY execution: \"fake\" counts { } }\n");
}

TEST_F(AdminServiceTest, ReasonsThatAreNoUtf8Arrive) {
  loader_.broken["a/1/model.pt"] = "\xff\xfe";
  EXPECT_EQ(Load("a").error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(List(), HasSubstr("xff"));
}

TEST_F(AdminServiceTest, ListModelsAnswersWhileAModelLoadsAndChangesAreRefusedOnceItStops) {
  absl::Notification loading, go_on;
  loader_.on_load = [&](const std::string&) {
    loading.Notify();
    go_on.WaitForNotification();
  };
  std::future<grpc::Status> load = std::async(std::launch::async, [this] { return Load("a"); });
  loading.WaitForNotification();
  EXPECT_THAT(List(), HasSubstr("{ version: 1 state: LOADING }"));
  std::future<grpc::Status> unload = std::async(std::launch::async, [this] { return Unload("b"); });
  repository_->Stop();
  for (std::future<grpc::Status>* call : {&load, &unload}) {
    const grpc::Status refused = call->get();
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(refused.error_message(), "the server is stopping");
  }
  go_on.Notify();
  repository_->Join();  // The load ends before what it waits for.
}

}  // namespace
}  // namespace weir
