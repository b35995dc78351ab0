// What fails disturbs nothing that serves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "server/model/reconciler.h"
#include "server/model/reconciler_fixture.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST_F(ReconcilerTest, AVersionThatFailsLeavesThePredecessorServing) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  const std::shared_ptr<Servable> before = Hold("a");
  disk_.Write("a/2/model.pt", "");
  loader_.broken["a/2/model.pt"] = "throws in warm-up";
  Reload();
  EXPECT_EQ(State("a"), "1 ready, 2 failed (a/2/model.pt: throws in warm-up); failures: 1");
  EXPECT_EQ(Hold("a"), before);
  EXPECT_EQ(catalog_.Find("a", 2).status(),
            absl::UnavailableError("version 2 of model \"a\" failed to load"));
}

TEST_F(ReconcilerTest, AFailedVersionIsTriedAgainOnlyWhenItsFilesChange) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  disk_.Write("a/2/model.pt", "");
  loader_.broken["a/2/model.pt"] = "half of it is missing";
  Reload();
  Reload();
  Poll();
  Poll();
  EXPECT_THAT(loader_.TakeLoaded(), ElementsAre("a/2/model.pt"));
  loader_.broken.clear();
  disk_.Touch("a/2/model.pt");
  Reload();
  Bury();
  EXPECT_THAT(loader_.loaded, ElementsAre("a/2/model.pt"));
  EXPECT_EQ(State("a"), "2 ready; failures: 1");
}

TEST_F(ReconcilerTest, AFailedVersionStaysFailedWhenAnotherOneComes) {
  disk_.AddModel("a", {"1"}, kAll);
  loader_.broken["a/1/model.pt"] = "broken";
  OpenAndLoad();
  disk_.Write("a/2/model.pt", "");
  Reload();
  EXPECT_THAT(loader_.loaded, ElementsAre("a/2/model.pt"));
  EXPECT_EQ(State("a"), "1 failed (a/1/model.pt: broken), 2 ready; failures: 1");
}

TEST_F(ReconcilerTest, AVersionWhoseNewFileFailsServesAsItWasBefore) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  const std::shared_ptr<Servable> before = Hold("a");
  disk_.Touch("a/1/model.pt");
  loader_.broken["a/1/model.pt"] = "broken";
  Reload();
  EXPECT_EQ(State("a"), "1 ready (a/1/model.pt: broken); failures: 1");
  EXPECT_EQ(Hold("a"), before);
  loader_.broken.clear();
  disk_.Touch("a/1/model.pt");
  Reload();
  EXPECT_EQ(State("a"), "1 unloading, 1 ready; failures: 1");
}

TEST_F(ReconcilerTest, AConfigThatBecameInvalidLeavesWhatServes) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  disk_.AddModel("a", {}, "max_bach_size: 4");
  Reload();
  EXPECT_TRUE(catalog_.Find("a", 0).ok());
  EXPECT_THAT(State("a"), StartsWith("1 ready; "));
  EXPECT_THAT(State("a"), HasSubstr("max_bach_size"));
  EXPECT_THAT(changes_, ElementsAre("a:1"));
  disk_.AddModel("a", {}, "max_batch_size: 4");
  Reload();
  Bury();
  EXPECT_EQ(State("a"), "1 ready; failures: 1");
  EXPECT_EQ(Hold("a")->settings().max_batch_rows, 4);
}

TEST_F(ReconcilerTest, AConfigThatCannotBeReadLeavesWhatServes) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  disk_.Remove("a/config.pbtxt");
  std::filesystem::create_symlink("config.pbtxt", disk_.Path("a/config.pbtxt"));  // To itself.
  Reload();
  EXPECT_THAT(State("a"), StartsWith("1 ready; cannot open "));
  disk_.Remove("a/config.pbtxt");
  disk_.AddModel("a", {});
  Reload();
  Bury();
  EXPECT_EQ(State("a"), "1 ready; failures: 1");
}

TEST_F(ReconcilerTest, ADirectoryThatCannotBeReadForAWhileIsNotLoadedAnew) {
  disk_.AddModel("a", {"1"});
  disk_.AddModel("b", {"1"});
  OpenAndLoad();
  std::filesystem::rename(disk_.Path("a"), disk_.Path(".a"));
  std::filesystem::create_symlink("a", disk_.Path("a"));  // To itself.
  Reload();
  Poll();
  EXPECT_THAT(State("a"), StartsWith("1 ready; cannot read "));
  EXPECT_EQ(catalog_.Describe("a")->load_failures, 1);
  disk_.Remove("a");
  std::filesystem::rename(disk_.Path(".a"), disk_.Path("a"));
  Reload();
  EXPECT_EQ(State("a"), "1 ready; failures: 1");
  EXPECT_THAT(loader_.loaded, IsEmpty());
}

TEST_F(ReconcilerTest, AnInvalidConfigIsCountedOnceForEachTimeItChanges) {
  disk_.AddModel("a", {"1"}, "max_bach_size: 4");
  OpenAndLoad();
  Reload();
  disk_.Write("a/2/model.pt", "");  // No change of the config.
  Reload();
  EXPECT_EQ(catalog_.Describe("a")->load_failures, 1);
  disk_.Touch("a/config.pbtxt");
  Reload();
  EXPECT_EQ(catalog_.Describe("a")->load_failures, 2);
}

TEST_F(ReconcilerTest, FewerVersionsThanThePolicyAsksForKeepThePredecessors) {
  disk_.AddModel("a", {"1", "2"}, "version_policy { latest { num_versions: 2 } }");
  OpenAndLoad();
  disk_.Write("a/3/model.pt", "");
  loader_.broken["a/3/model.pt"] = "broken";
  Reload();
  EXPECT_EQ(State("a"), "1 ready, 2 ready, 3 failed (a/3/model.pt: broken); failures: 1");
  disk_.Write("a/4/model.pt", "");
  disk_.Remove("a/3");
  Reload();
  Bury();
  EXPECT_EQ(State("a"), "2 ready, 4 ready; failures: 1");
}

TEST_F(ReconcilerTest, NoVersionAtAllLeavesWhatServes) {
  disk_.AddModel("a", {"1"});
  OpenAndLoad();
  disk_.Remove("a/1");
  Reload();
  EXPECT_THAT(State("a"), StartsWith("1 ready; "));
  EXPECT_THAT(State("a"), HasSubstr("there is no version directory"));
}

}  // namespace
}  // namespace weir
