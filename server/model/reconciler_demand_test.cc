// What operators ask for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/model/reconciler.h"
#include "server/model/reconciler_fixture.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(ReconcilerTest, AnUnloadedModelIsUnavailableAndFinishesWhatItHas) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  std::shared_ptr<Servable> request = Hold("a");
  EXPECT_TRUE(reconciler_->Unload("a").ok());
  EXPECT_EQ(catalog_.Find("a", 0).status(), absl::UnavailableError("model \"a\" is unloaded"));
  EXPECT_EQ(State("a"), "1 unloading");
  EXPECT_THAT(changes_, ElementsAre("a:"));
  request.reset();
  Bury();
  EXPECT_EQ(State("a"), "1 unloaded");
  EXPECT_TRUE(reconciler_->Unload("a").ok());
}

TEST_F(ReconcilerTest, AnUnloadedModelStaysUnloadedUntilItIsLoaded) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  EXPECT_TRUE(reconciler_->Unload("a").ok());
  Bury();
  disk_.Write("a/2/model.pt", "");
  Reload();
  Poll();
  Poll();
  EXPECT_EQ(State("a"), "1 unloaded");
  loader_.on_load = [&](const std::string&) { EXPECT_EQ(State("a"), "2 loading"); };
  EXPECT_TRUE(reconciler_->Load("a").ok());
  EXPECT_EQ(State("a"), "2 ready");
  disk_.Write("a/3/model.pt", "");
  loader_.on_load = nullptr;
  Reload();
  Bury();
  EXPECT_EQ(State("a"), "3 ready");
}

TEST_F(ReconcilerTest, LoadOnDemandLoadsAnewWhatHasNotChanged) {
  disk_.AddModel("a", {"1", "2"}, kAll);
  OpenAndLoad();
  EXPECT_TRUE(reconciler_->Load("a").ok());
  Bury();
  EXPECT_THAT(loader_.loaded, ElementsAre("a/1/model.pt", "a/2/model.pt"));
  EXPECT_EQ(State("a"), "1 ready, 2 ready");
}

TEST_F(ReconcilerTest, LoadOnDemandTakesAnyModelOfTheRepositoryAndThenFollowsIt) {
  disk_.AddModel("a", {"1"});
  disk_.AddModel("b", {"1"});
  OpenAndLoad({"a"});
  EXPECT_TRUE(reconciler_->Load("b").ok());
  EXPECT_EQ(State("b"), "1 ready");
  disk_.Write("b/2/model.pt", "");
  Reload();
  Bury();
  EXPECT_EQ(State("b"), "2 ready");
}

TEST_F(ReconcilerTest, LoadOnDemandTellsWhyItFailed) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  loader_.broken["a/1/model.pt"] = "broken";
  EXPECT_EQ(reconciler_->Load("a"), absl::FailedPreconditionError("a/1/model.pt: broken"));
  EXPECT_EQ(reconciler_->Load("a"), absl::FailedPreconditionError("a/1/model.pt: broken"));
  EXPECT_EQ(State("a"), "1 ready (a/1/model.pt: broken); failures: 2");
  disk_.AddModel("a", {}, "max_bach_size: 4");
  EXPECT_THAT(std::string(reconciler_->Load("a").message()), HasSubstr("max_bach_size"));
  EXPECT_THAT(std::string(reconciler_->Load("a").message()), HasSubstr("max_bach_size"));
  EXPECT_EQ(catalog_.Describe("a")->load_failures, 4);
}

TEST_F(ReconcilerTest, LoadOnDemandTellsThatItWasStopped) {
  disk_.AddModel("a", {"1", "2"}, kAll);
  OpenAndLoad();
  loader_.on_load = [this](const std::string&) { stopping_ = true; };
  EXPECT_EQ(reconciler_->Load("a").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(State("a"), "1 ready, 2 ready");
  EXPECT_EQ(reconciler_->Reload().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ReconcilerTest, NamesThatAreNoModelsOfTheRepositoryAreNotFound) {
  disk_.AddModel("a", {"1"});
  disk_.AddModel("outside/b", {"1"});
  OpenAndLoad();
  for (const char* name : {"", ".", "..", "b", "outside/b", "a/", "../a", "a/../a"}) {
    EXPECT_EQ(reconciler_->Load(name).code(), absl::StatusCode::kNotFound) << name;
    EXPECT_EQ(reconciler_->Unload(name).code(), absl::StatusCode::kNotFound) << name;
  }
  EXPECT_THAT(loader_.loaded, IsEmpty());
}

TEST_F(ReconcilerTest, AModelThatFailedCanBeUnloaded) {
  disk_.AddModel("a", {"1"});
  loader_.broken["a/1/model.pt"] = "broken";
  OpenAndLoad();
  EXPECT_TRUE(reconciler_->Unload("a").ok());
  EXPECT_EQ(State("a"), "1 unloaded; failures: 1");
  EXPECT_EQ(catalog_.Find("a", 0).status(), absl::UnavailableError("model \"a\" is unloaded"));
}

}  // namespace
}  // namespace weir
