#include "server/model/reconciler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/model/reconciler_fixture.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// At the start.

TEST_F(ReconcilerTest, AModelIsUnavailableUntilItIsLoaded) {
  disk_.AddModel("a", {"1"});
  Open();
  ASSERT_TRUE(reconciler_->Enter().ok());
  EXPECT_EQ(catalog_.Find("a", 0).status(), absl::UnavailableError("model \"a\" is loading"));
  reconciler_->LoadEntered();
  EXPECT_TRUE(catalog_.Find("a", 0).ok());
}

TEST_F(ReconcilerTest, AModelThatDoesNotLoadDisturbsNoOther) {
  disk_.AddModel("a", {"1"});
  disk_.AddModel("b", {"1"});
  disk_.AddModel("c", {"1"}, "no_such_field: 1");
  disk_.AddModel("d", {});
  loader_.broken["a/1/model.pt"] = "broken";
  OpenAndLoad();
  EXPECT_EQ(State("a"), "1 failed (a/1/model.pt: broken); failures: 1");
  EXPECT_EQ(State("b"), "1 ready");
  EXPECT_THAT(State("c"), HasSubstr("no_such_field"));
  EXPECT_THAT(State("d"), HasSubstr("/d: there is no version directory; failures: 1"));
  for (const char* model : {"a", "c", "d"}) {
    EXPECT_EQ(catalog_.Find(model, 0).status(),
              absl::UnavailableError(absl::StrCat("model \"", model, "\" failed to load")));
  }
}

TEST_F(ReconcilerTest, OnlyTheNamedModelsAreServed) {
  disk_.AddModel("a", {"1"});
  disk_.AddModel("b", {"1"});
  OpenAndLoad({"b"});
  Reload();
  EXPECT_EQ(State("a"), "none");
  EXPECT_EQ(State("b"), "1 ready");
}

TEST_F(ReconcilerTest, ANamedModelThatIsNotThereIsAnError) {
  disk_.AddModel("a", {"1"});
  disk_.AddModel("b", {"1"});
  Open({"bb"});
  const absl::Status status = reconciler_->Enter();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("has no model \"bb\"; it has: a, b"));
}

TEST_F(ReconcilerTest, LoadingStopsBetweenTwoLoads) {
  disk_.AddModel("a", {"1", "2", "3"}, kAll);
  disk_.AddModel("b", {"1"});
  Open();
  ASSERT_TRUE(reconciler_->Enter().ok());
  loader_.on_load = [this](const std::string& file) { stopping_ = file == "a/2/model.pt"; };
  reconciler_->LoadEntered();
  EXPECT_THAT(loader_.loaded, ElementsAre("a/1/model.pt", "a/2/model.pt"));
  EXPECT_EQ(catalog_.Find("b", 0).status(), absl::UnavailableError("model \"b\" is loading"));
}

// Policies.

TEST_F(ReconcilerTest, PolicyLatestServesTheNewestAndReplacesItsPredecessor) {
  disk_.AddModel("a", {"1", "2"});
  OpenAndLoad();
  EXPECT_EQ(State("a"), "2 ready");
  disk_.Write("a/10/model.pt", "");
  Reload();
  Bury();
  EXPECT_EQ(State("a"), "10 ready");
}

TEST_F(ReconcilerTest, PolicyLatestWithTwoServesTheTwoNewest) {
  disk_.AddModel("a", {"1", "2"}, "version_policy { latest { num_versions: 2 } }");
  OpenAndLoad();
  EXPECT_EQ(State("a"), "1 ready, 2 ready");
  disk_.Write("a/3/model.pt", "");
  Reload();
  Bury();
  EXPECT_EQ(State("a"), "2 ready, 3 ready");
  EXPECT_THAT(loader_.loaded, ElementsAre("a/3/model.pt"));
}

TEST_F(ReconcilerTest, PolicyAllServesEveryVersion) {
  disk_.AddModel("a", {"1", "3"}, kAll);
  OpenAndLoad();
  disk_.Write("a/2/model.pt", "");
  Reload();
  EXPECT_EQ(State("a"), "1 ready, 2 ready, 3 ready");
  EXPECT_THAT(loader_.loaded, ElementsAre("a/2/model.pt"));
  EXPECT_EQ(Hold("a")->version(), 3);
}

TEST_F(ReconcilerTest, PolicySpecificServesWhatItNames) {
  disk_.AddModel("a", {"1", "2", "3"}, "version_policy { specific { versions: [2] } }");
  OpenAndLoad();
  EXPECT_EQ(State("a"), "2 ready");
  disk_.AddModel("a", {}, "version_policy { specific { versions: [1, 3] } }");
  Reload();
  Bury();
  EXPECT_EQ(State("a"), "1 ready, 3 ready");
}

TEST_F(ReconcilerTest, PolicySpecificWithAVersionThatIsNotThereChangesNothing) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  disk_.AddModel("a", {}, "version_policy { specific { versions: [4] } }");
  Reload();
  EXPECT_EQ(State("a"), absl::StrCat("1 ready; ", disk_.Path("a"),
                                     ": version_policy names version 4, there are: 1; "
                                     "failures: 1"));
}

// Changes on disk.

TEST_F(ReconcilerTest, NothingIsLoadedAgainWhileNothingChanges) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  Reload();
  Poll();
  Poll();
  EXPECT_THAT(loader_.loaded, IsEmpty());
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(ReconcilerTest, AVersionWhoseFileChangedIsLoadedAnew) {
  disk_.AddModel("a", {"1", "2"}, kAll);
  OpenAndLoad();
  const std::shared_ptr<Servable> before = Hold("a");
  disk_.Touch("a/2/model.pt");
  Reload();
  EXPECT_THAT(loader_.loaded, ElementsAre("a/2/model.pt"));
  EXPECT_NE(Hold("a"), before);
}

TEST_F(ReconcilerTest, EachVersionIsLoadedAnewWhenTheConfigOrTheLabelsChange) {
  disk_.AddModel("a", {"1", "2"}, kAll);
  OpenAndLoad();
  disk_.AddModel("a", {}, std::string(kAll) + "max_batch_size: 4");
  Reload();
  EXPECT_THAT(loader_.TakeLoaded(), ElementsAre("a/1/model.pt", "a/2/model.pt"));
  EXPECT_EQ(Hold("a")->settings().max_batch_rows, 4);
  disk_.Write("a/labels.txt", "shoe");
  Reload();
  EXPECT_THAT(loader_.loaded, ElementsAre("a/1/model.pt", "a/2/model.pt"));
}

TEST_F(ReconcilerTest, AVersionThatIsGoneIsNoLongerServed) {
  disk_.AddModel("a", {"1", "2"});
  OpenAndLoad();
  disk_.Remove("a/2");
  Reload();
  Bury();
  EXPECT_EQ(State("a"), "1 ready");
}

TEST_F(ReconcilerTest, ANewModelIsServed) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  disk_.AddModel("b", {"1"});
  Reload();
  EXPECT_EQ(State("b"), "1 ready");
  EXPECT_THAT(changes_, ElementsAre("b:1"));
}

TEST_F(ReconcilerTest, AModelThatIsGoneIsNotFoundAndServedAgainWhenItReturns) {
  disk_.AddModel("a", {"1"});
  disk_.AddModel("b", {"1"});
  OpenAndLoad();
  disk_.Remove("b");
  Reload();
  EXPECT_EQ(State("b"), "1 unloading");
  EXPECT_EQ(catalog_.Find("b", 0).status(), absl::NotFoundError("model \"b\" is not served here"));
  Bury();
  EXPECT_EQ(State("b"), "none");
  Reload();
  disk_.AddModel("b", {"1"});
  Reload();
  EXPECT_EQ(State("b"), "1 ready");
  EXPECT_THAT(changes_, ElementsAre("b:", "b:1"));
}

TEST_F(ReconcilerTest, ARepositoryThatIsGoneTakesNoModelWithIt) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  disk_.Remove("a");
  EXPECT_EQ(reconciler_->Poll().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(reconciler_->Reload().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(State("a"), "1 ready");
}

TEST_F(ReconcilerTest, APollWaitsUntilAChangeHasSettled) {
  disk_.AddModel("a", {"1"});
  disk_.AddModel("b", {"1"});
  OpenAndLoad();
  disk_.Write("a/2/model.pt", "the first half");
  disk_.AddModel("c", {"1"});
  disk_.Remove("b");
  Poll();
  EXPECT_THAT(loader_.loaded, IsEmpty());
  disk_.Write("a/2/model.pt", "the first half and the second");
  Poll();
  Bury();
  EXPECT_THAT(loader_.TakeLoaded(), ElementsAre("c/1/model.pt"));
  EXPECT_EQ(State("b"), "none");
  Poll();
  EXPECT_THAT(loader_.loaded, ElementsAre("a/2/model.pt"));
}

TEST_F(ReconcilerTest, AChangeThatIsTakenBackBeforeItSettledIsNone) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  disk_.Write("a/2/model.pt", "");
  Poll();
  disk_.Remove("a/2");
  Poll();
  disk_.Write("a/2/model.pt", "");
  Poll();
  EXPECT_THAT(loader_.loaded, IsEmpty());
}

// The switch.

TEST_F(ReconcilerTest, WhatServesIsAskedUntilTheNewVersionsAreWarm) {
  disk_.AddModel("a", {"1", "2"}, kAll);
  OpenAndLoad();
  disk_.Remove("a/1");
  disk_.Write("a/3/model.pt", "");
  disk_.Write("a/4/model.pt", "");
  std::vector<std::string> seen;
  loader_.on_load = [&](const std::string&) {
    seen.push_back(State("a"));
    EXPECT_EQ(Hold("a")->version(), 2);
    EXPECT_TRUE(catalog_.Find("a", 1).ok());
    EXPECT_FALSE(catalog_.Find("a", 3).ok());
  };
  Reload();
  EXPECT_THAT(seen, ElementsAre("1 ready, 2 ready, 3 loading, 4 loading",
                                "1 ready, 2 ready, 3 loading, 4 loading"));
  EXPECT_THAT(changes_, ElementsAre("a:2,3,4"));  // In one step.
}

TEST_F(ReconcilerTest, AReplacedVersionIsRetiredByTheLastRequestThatHoldsIt) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  std::shared_ptr<Servable> request = Hold("a");
  std::shared_ptr<Servable> another = request;
  disk_.Write("a/2/model.pt", "");
  Reload();
  EXPECT_EQ(State("a"), "1 unloading, 2 ready");
  request.reset();
  EXPECT_THAT(retired_, IsEmpty());
  EXPECT_EQ(another->version(), 1);
  another.reset();
  ASSERT_EQ(retired_.size(), 1u);
  EXPECT_EQ(retired_[0].servable.use_count(), 1);  // To be destroyed by whom it was given to.
  EXPECT_EQ(State("a"), "1 unloading, 2 ready");
  Bury();
  EXPECT_EQ(State("a"), "2 ready");
}

TEST_F(ReconcilerTest, TwoLoadsOfOneVersionStandSideBySideUntilTheOldOneIsDone) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  const std::shared_ptr<Servable> first = Hold("a");
  disk_.Touch("a/1/model.pt");
  loader_.on_load = [&](const std::string&) { EXPECT_EQ(State("a"), "1 ready, 1 loading"); };
  Reload();
  EXPECT_EQ(State("a"), "1 unloading, 1 ready");
  EXPECT_NE(Hold("a"), first);
}

}  // namespace
}  // namespace weir
