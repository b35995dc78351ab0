// Repositories with something wrong in them: a clear error, and the other models go on serving.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/process.h"
#include "tests/serving_fixture.h"
#include "weir/v1/predictor.grpc.pb.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BadRepositoryTest : public testing::Test {
 protected:
  BadRepositoryTest()
      : root_(absl::StrCat(testing::TempDir(), "/",
                           testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(root_);
    fs::create_directories(root_);
    Copy("fashion-fast");
    Copy("fashion-balanced");
  }

  void Copy(const std::string& model) {
    const fs::path from = fs::canonical(fs::path(kShippedModels) / model / "config.pbtxt");
    fs::copy(from.parent_path(), fs::path(root_) / model, fs::copy_options::recursive);
  }

  std::string Path(const std::string& file) const { return absl::StrCat(root_, "/", file); }

  // fashion-balanced does not load and the log says why; fashion-fast serves.
  void ExpectOnlyBalancedFails(const std::string& why) {
    RunningServer server({"--model_repository=" + root_});
    ASSERT_TRUE(server.WaitUntilReady("fashion-fast")) << server.process().output();
    EXPECT_THAT(server.process().output(), HasSubstr(why));
    v1::PredictResponse response;
    EXPECT_TRUE(server.Predict(BlankImage("fashion-fast"), &response).ok());
    const grpc::Status status = server.Predict(BlankImage("fashion-balanced"), &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(status.error_message(), "model \"fashion-balanced\" failed to load");
  }

  void ExpectStartFails(const std::vector<std::string>& flags, const std::string& why) {
    std::vector<std::string> command = {"server/weir-server", "--host=127.0.0.1", "--port=0"};
    command.insert(command.end(), flags.begin(), flags.end());
    Process server(command);
    EXPECT_EQ(server.Wait(), 1) << server.output();
    EXPECT_THAT(server.output(), HasSubstr(why));
  }

  const std::string root_;
};

TEST_F(BadRepositoryTest, ACorruptModelFile) {
  std::ofstream(Path("fashion-balanced/1/model.pt")) << "this is no model";
  ExpectOnlyBalancedFails("not a TorchScript file or a damaged one");
}

TEST_F(BadRepositoryTest, ATruncatedModelFile) {
  const std::string path = Path("fashion-balanced/1/model.pt");
  fs::resize_file(path, fs::file_size(path) * 2 / 3);
  ExpectOnlyBalancedFails(path + ": not a TorchScript file or a damaged one");
}

TEST_F(BadRepositoryTest, AMissingModelFile) {
  fs::remove(Path("fashion-balanced/1/model.pt"));
  ExpectOnlyBalancedFails(Path("fashion-balanced/1/model.pt"));
}

TEST_F(BadRepositoryTest, ATypoInAConfig) {
  std::ofstream(Path("fashion-balanced/config.pbtxt"))
      << "backend: \"pytorch\"\nmax_bach_size: 8\n";
  ExpectOnlyBalancedFails(absl::StrCat(Path("fashion-balanced/config.pbtxt"),
                                       ":2:14: Message type \"weir.v1.ModelConfig\" has no field "
                                       "named \"max_bach_size\""));
}

TEST_F(BadRepositoryTest, AConfigThatDoesNotFitItsModel) {
  fs::copy_file(Path("fashion-fast/1/model.pt"), Path("fashion-balanced/1/model.pt"),
                fs::copy_options::overwrite_existing);
  std::ofstream(Path("fashion-balanced/config.pbtxt"))
      << "backend: \"pytorch\" max_batch_size: 8\n"
      << "input { name: \"image\" data_type: TYPE_UINT8 dims: [28, 28] }\n"
      << "output { name: \"probabilities\" data_type: TYPE_FP32 dims: [11] }\n";
  ExpectOnlyBalancedFails("output \"probabilities\": the config says TYPE_FP32 [1, 11]");
}

TEST_F(BadRepositoryTest, NoModelThatLoads) {
  std::ofstream(Path("fashion-balanced/1/model.pt")) << "x";
  ExpectStartFails({"--model_repository=" + root_, "--models=fashion-balanced"},
                   "no model could be loaded");
}

TEST_F(BadRepositoryTest, ARepositoryThatDoesNotExist) {
  ExpectStartFails({"--model_repository=/nowhere/models"}, "model repository /nowhere/models");
}

TEST_F(BadRepositoryTest, AModelThatIsNotInTheRepository) {
  ExpectStartFails({"--model_repository=" + root_, "--models=fashion-fst"},
                   "has no model \"fashion-fst\"; it has: fashion-balanced, fashion-fast");
}

TEST_F(BadRepositoryTest, NoRepositoryAtAll) {
  ExpectStartFails({}, "--model_repository is missing");
}

TEST_F(BadRepositoryTest, AnArgumentThatIsNoFlag) {
  ExpectStartFails({"--model_repository=" + root_, "fashion-fast"},
                   "unexpected argument: fashion-fast");
}

TEST_F(BadRepositoryTest, FlagsOutOfRange) {
  ExpectStartFails({"--model_repository=" + root_, "--port=99999"}, "port 99999 is not 0 to 65535");
  ExpectStartFails({"--model_repository=" + root_, "--max_request_bytes=-7"},
                   "max_request_bytes is not positive: -7");
}

TEST_F(BadRepositoryTest, AModelThatComesLaterIsFoundByPolling) {
  fs::remove_all(Path("fashion-balanced"));
  RunningServer server({"--model_repository=" + root_, "--repository_poll=100ms"});
  ASSERT_TRUE(server.WaitUntilReady("fashion-fast")) << server.process().output();
  Copy("fashion-balanced");
  EXPECT_TRUE(server.WaitUntilReady("fashion-balanced")) << server.process().output();
}

TEST_F(BadRepositoryTest, MoreBytesInFlightThanAllowedAreRefused) {
  RunningServer server(
      {"--model_repository=" + root_, "--models=fashion-fast", "--max_bytes_in_flight=500"});
  ASSERT_TRUE(server.WaitUntilReady("fashion-fast")) << server.process().output();
  v1::PredictResponse response;
  const grpc::Status status = server.Predict(BlankImage("fashion-fast"), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("at most 500 are allowed"));
}

TEST_F(BadRepositoryTest, AHostThatIsNoAddress) {
  ExpectStartFails({"--model_repository=" + root_, "--host=not-an-address"},
                   "cannot listen on not-an-address:0");
}

}  // namespace
}  // namespace weir
