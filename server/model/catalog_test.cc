#include "server/model/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "server/model/fake_servable.h"

namespace weir {
namespace {

using testing::ElementsAre;

Catalog::Version Ready(int64_t number) {
  return {.number = number,
          .state = LoadState::kReady,
          .servable = std::make_shared<FakeServable>(ModelSettings(), number)};
}

TEST(CatalogTest, TheNewestReadyVersionAnswersUnlessOneIsNamed) {
  Catalog catalog;
  catalog.Publish("a", {.versions = {Ready(1), Ready(2), {.number = 3}}});
  EXPECT_EQ((*catalog.Find("a", 0))->version(), 2);
  EXPECT_EQ((*catalog.Find("a", 1))->version(), 1);
}

TEST(CatalogTest, AVersionThatTakesNoMoreRequestsIsNotFound) {
  Catalog catalog;
  catalog.Publish("a", {.versions = {{.number = 1, .state = LoadState::kUnloading}, Ready(2)}});
  EXPECT_EQ((*catalog.Find("a", 0))->version(), 2);
  EXPECT_EQ(catalog.Find("a", 1).status(),
            absl::NotFoundError("version 1 of model \"a\" is not served here; there are: 2"));
}

TEST(CatalogTest, OfTwoLoadsOfAVersionTheReadyOneAnswers) {
  Catalog catalog;
  catalog.Publish("a", {.versions = {{.number = 1, .state = LoadState::kUnloading},
                                     Ready(1),
                                     {.number = 1, .state = LoadState::kLoading}}});
  EXPECT_TRUE(catalog.Find("a", 0).ok());
  EXPECT_TRUE(catalog.Find("a", 1).ok());
}

TEST(CatalogTest, AnErrorSaysWhyAModelDoesNotAnswer) {
  Catalog catalog;
  catalog.Publish("loading", {});
  catalog.Publish("failed", {.absence = Catalog::Absence::kFailed});
  catalog.Publish("unloaded", {.absence = Catalog::Absence::kUnloaded});
  catalog.Publish("removed", {.absence = Catalog::Absence::kRemoved});
  EXPECT_EQ(catalog.Find("loading", 0).status(),
            absl::UnavailableError("model \"loading\" is loading"));
  EXPECT_EQ(catalog.Find("failed", 1).status(),
            absl::UnavailableError("model \"failed\" failed to load"));
  EXPECT_EQ(catalog.Find("unloaded", 0).status(),
            absl::UnavailableError("model \"unloaded\" is unloaded"));
  EXPECT_EQ(catalog.Find("removed", 0).status(),
            absl::NotFoundError("model \"removed\" is not served here"));
  EXPECT_EQ(catalog.Find("other", 0).status(),
            absl::NotFoundError("model \"other\" is not served here"));
}

TEST(CatalogTest, AnErrorSaysWhyAVersionDoesNotAnswer) {
  Catalog catalog;
  catalog.Publish("a", {.versions = {Ready(1),
                                     {.number = 2, .state = LoadState::kFailed},
                                     {.number = 3, .state = LoadState::kLoading}}});
  EXPECT_EQ(catalog.Find("a", 2).status(),
            absl::UnavailableError("version 2 of model \"a\" failed to load"));
  EXPECT_EQ(catalog.Find("a", 3).status(),
            absl::UnavailableError("version 3 of model \"a\" is loading"));
  EXPECT_EQ(catalog.Find("a", 4).status(),
            absl::NotFoundError("version 4 of model \"a\" is not served here; there are: 1"));
}

TEST(CatalogTest, ControlCharactersOfANameDoNotComeBack) {
  EXPECT_EQ(Catalog().Find("a\nb", 0).status().message().find('\n'), std::string::npos);
}

TEST(CatalogTest, ARequestKeepsAVersionThatWasReplaced) {
  Catalog catalog;
  catalog.Publish("a", {.versions = {Ready(1)}});
  const std::shared_ptr<Servable> held = *catalog.Find("a", 0);
  const std::weak_ptr<Servable> watched = held;
  catalog.Publish("a", {.versions = {Ready(2)}});
  EXPECT_EQ((*catalog.Find("a", 0))->version(), 2);
  EXPECT_EQ(held->version(), 1);
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(CatalogTest, ListTellsAllModelsInTheOrderOfTheirNames) {
  Catalog catalog;
  catalog.Publish("b", {.versions = {Ready(1), Ready(5)}});
  catalog.Publish(
      "a", {.absence = Catalog::Absence::kFailed, .reason = "no config.pbtxt", .load_failures = 2});
  catalog.Publish("c", {});
  catalog.Remove("c");
  const std::vector<ModelStatus> list = catalog.List();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].name, "a");
  EXPECT_EQ(list[0].reason, "no config.pbtxt");
  EXPECT_EQ(list[0].load_failures, 2);
  EXPECT_THAT(list[0].ReadyVersions(), ElementsAre());
  EXPECT_EQ(list[1].name, "b");
  EXPECT_THAT(list[1].ReadyVersions(), ElementsAre(1, 5));
  EXPECT_EQ(list[1].versions[0].execution, "fake");
}

TEST(CatalogTest, AVersionIsDescribedForAsLongAsARequestHoldsIt) {
  Catalog catalog;
  auto held = std::make_shared<FakeServable>(ModelSettings(), 1);
  catalog.Publish("a",
                  {.versions = {{.number = 1, .state = LoadState::kUnloading, .unloading = held}}});
  EXPECT_EQ(catalog.Describe("a")->versions[0].execution, "fake");
  held.reset();
  EXPECT_EQ(catalog.Describe("a")->versions[0].execution, "");
  EXPECT_FALSE(catalog.Describe("b").has_value());
}

}  // namespace
}  // namespace weir
