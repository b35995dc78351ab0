#include "server/model/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "server/model/fake_servable.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RepositoryTest : public testing::Test {
 protected:
  RepositoryTest()
      : root_(absl::StrCat(testing::TempDir(), "/",
                           testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }

  void AddModel(const std::string& name, const std::vector<std::string>& versions,
                const std::string& more = "") {
    for (const std::string& version : versions) {
      std::filesystem::create_directories(absl::StrCat(root_, "/", name, "/", version));
    }
    std::filesystem::create_directories(absl::StrCat(root_, "/", name));
    std::ofstream(absl::StrCat(root_, "/", name, "/config.pbtxt"))
        << "backend: \"pytorch\" input { name: \"x\" data_type: TYPE_FP32 dims: 1 }"
        << "output { name: \"y\" data_type: TYPE_FP32 dims: 1 } " << more;
  }

  absl::StatusOr<std::unique_ptr<Repository>> Open(const std::vector<std::string>& models = {}) {
    return Repository::Open(
        root_, models,
        [this](ModelSettings settings, int64_t version,
               const std::string& path) -> absl::StatusOr<std::shared_ptr<Servable>> {
          loaded_.push_back(path.substr(root_.size()));
          if (path == root_ + broken_) return absl::InvalidArgumentError(path + " is broken");
          return std::make_shared<FakeServable>(std::move(settings), version);
        });
  }

  std::unique_ptr<Repository> OpenAndLoad() {
    auto repository = Open();
    EXPECT_TRUE(repository.ok()) << repository.status();
    (*repository)->Load([](const Repository::ModelStatus&) {});
    return *std::move(repository);
  }

  const std::string root_;
  std::string broken_;
  std::vector<std::string> loaded_;
};

TEST_F(RepositoryTest, ServesTheNewestVersionUnlessOneIsNamed) {
  AddModel("a", {"1", "2", "10"}, "version_policy { all {} }");
  const auto repository = OpenAndLoad();
  EXPECT_EQ((*repository->Find("a", 0))->version(), 10);
  EXPECT_EQ((*repository->Find("a", 2))->version(), 2);
  EXPECT_THAT(loaded_, ElementsAre("/a/1/model.pt", "/a/2/model.pt", "/a/10/model.pt"));
}

TEST_F(RepositoryTest, DirectoriesThatAreNoVersionsAreIgnored) {
  AddModel("a", {"1", "02", "0", "x", "3x", "99999999999999999999"}, "version_policy { all {} }");
  EXPECT_THAT(OpenAndLoad()->List()[0].versions, ElementsAre(1));
}

TEST_F(RepositoryTest, UnknownModelsAndVersionsAreNotFound) {
  AddModel("a", {"3"});
  const auto repository = OpenAndLoad();
  EXPECT_EQ(repository->Find("b", 0).status().code(), absl::StatusCode::kNotFound);
  const absl::Status status = repository->Find("a", 4).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("version 4"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("there are: 3"));
}

TEST_F(RepositoryTest, AModelIsUnavailableUntilItIsLoaded) {
  AddModel("a", {"1"});
  const auto repository = Open();
  ASSERT_TRUE(repository.ok());
  EXPECT_EQ((*repository)->Find("a", 0).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(RepositoryTest, AModelThatDoesNotLoadDisturbsNoOther) {
  AddModel("a", {"1"});
  AddModel("b", {"1"});
  AddModel("c", {"1"}, "no_such_field: 1");
  AddModel("d", {});
  broken_ = "/a/1/model.pt";
  const auto repository = OpenAndLoad();
  EXPECT_TRUE(repository->Find("b", 0).ok());
  EXPECT_EQ(repository->Find("a", 0).status().code(), absl::StatusCode::kUnavailable);
  const auto list = repository->List();
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[0].state, Repository::State::kFailed);
  EXPECT_THAT(list[0].error, HasSubstr("is broken"));
  EXPECT_EQ(list[1].state, Repository::State::kReady);
  EXPECT_THAT(list[2].error, HasSubstr("no_such_field"));
  EXPECT_THAT(list[3].error, HasSubstr("/d: there is no version directory"));
}

TEST_F(RepositoryTest, AVersionThatDoesNotLoadLeavesTheOthers) {
  AddModel("a", {"1", "2"}, "version_policy { all {} }");
  broken_ = "/a/2/model.pt";
  const auto repository = OpenAndLoad();
  EXPECT_EQ((*repository->Find("a", 0))->version(), 1);
  EXPECT_THAT(repository->List()[0].error, HasSubstr("/a/2/model.pt is broken"));
}

TEST_F(RepositoryTest, EachModelIsAnnouncedWhenItIsLoaded) {
  AddModel("a", {"1"});
  AddModel("b", {"1"});
  const auto repository = Open();
  ASSERT_TRUE(repository.ok());
  std::vector<std::string> announced;
  (*repository)->Load([&](const Repository::ModelStatus& status) {
    EXPECT_TRUE((*repository)->Find(status.name, 0).ok());
    announced.push_back(status.name);
  });
  EXPECT_THAT(announced, ElementsAre("a", "b"));
}

TEST_F(RepositoryTest, LoadingStopsWhenItIsTold) {
  AddModel("a", {"1"});
  AddModel("b", {"1"});
  const auto repository = Open();
  ASSERT_TRUE(repository.ok());
  (*repository)->Load([&](const Repository::ModelStatus&) { (*repository)->StopLoading(); });
  EXPECT_TRUE((*repository)->Find("a", 0).ok());
  EXPECT_EQ((*repository)->Find("b", 0).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(RepositoryTest, OnlyTheNamedModelsAreServed) {
  AddModel("a", {"1"});
  AddModel("b", {"1"});
  const auto repository = Open({"b"});
  ASSERT_TRUE(repository.ok());
  EXPECT_EQ((*repository)->List().size(), 1u);
}

TEST_F(RepositoryTest, ANamedModelThatIsNotThereIsAnErrorThatListsThoseThatAre) {
  AddModel("a", {"1"});
  AddModel("b", {"1"});
  const auto repository = Open({"bb"});
  EXPECT_EQ(repository.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(repository.status().message()),
              HasSubstr("has no model \"bb\"; it has: a, b"));
}

TEST_F(RepositoryTest, ARepositoryThatDoesNotExistOrIsEmptyIsAnError) {
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("no directory in it holds"));
  std::filesystem::remove_all(root_);
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr(root_));
}

}  // namespace
}  // namespace weir
