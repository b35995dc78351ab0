#include "models/train/card.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/model/model_settings.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

const Recipe& RecipeOf(std::string_view model) {
  for (const Recipe& recipe : Recipes()) {
    if (recipe.model == model) return recipe;
  }
  ADD_FAILURE() << model;
  return Recipes()[0];
}

TEST(CardTest, TheConfigIsOneThatTheServerReads) {
  for (const Recipe& recipe : Recipes()) {
    if (recipe.kind == RecipeKind::kForest) continue;
    const std::string name(recipe.model);
    const auto settings =
        ParseModelConfig(ConfigText(recipe, {{"accuracy", 0.91239}}), name, "config.pbtxt");
    ASSERT_TRUE(settings.ok()) << settings.status();
    EXPECT_EQ(settings->variant, recipe.variant);
    EXPECT_EQ(settings->max_batch_rows, 64);
    EXPECT_DOUBLE_EQ(settings->quality.at("accuracy"), 0.9124);
  }
}

TEST(CardTest, TheConfigOfFlatsCountsPricesByTheMillion) {
  const auto settings =
      ParseModelConfig(ConfigText(RecipeOf("flats-price"), {}), "flats-price", "config.pbtxt");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(settings->value_buckets, testing::IsSupersetOf({1e6, 5e6, 10e6, 20e6}));
  EXPECT_EQ(settings->value_limits.size(), 2);
  EXPECT_TRUE(settings->finite_inputs);
}

TEST(CardTest, ThePageTellsWhatWasMeasuredAndHowToReproduceIt) {
  const Evaluation evaluation = {.quality = {{"accuracy", 0.8912}},
                                 .microseconds_per_row = {{1, 18.24}, {2, 11.0}},
                                 .parameters = 101770,
                                 .file_bytes = 410'000};
  const std::string text =
      CardText(RecipeOf("fashion-fast"), {.validation = 0.9, .epoch = 7, .seconds = 90}, evaluation,
               "a processor");
  EXPECT_THAT(text, HasSubstr("accuracy 0.8912"));
  EXPECT_THAT(text, HasSubstr("| 1 | 18.2 |\n| 2 | 11.0 |"));
  EXPECT_THAT(text, HasSubstr("101770 parameters, 0.41 MB"));
  EXPECT_THAT(text, HasSubstr("It took 1.5 minutes; epoch 7 was kept"));
  EXPECT_THAT(text, HasSubstr("    ./weir train fashion-fast\n"));
}

TEST(CardTest, ThePagesOfInventedDataSaySo) {
  const Evaluation evaluation = {.microseconds_per_row = {{1, 1.0}}};
  for (const char* model : {"flats-price", "accidents-forest"}) {
    EXPECT_THAT(CardText(RecipeOf(model), {}, evaluation, ""), HasSubstr("**Synthetic.**"));
  }
}

TEST(CardTest, LabelsAreTheTenClasses) {
  EXPECT_THAT(LabelsText(RecipeOf("fashion-fast")),
              HasSubstr("T-shirt/top\nTrouser\nPullover\nDress\nCoat\nSandal\nShirt\nSneaker\nBag\n"
                        "Ankle boot\n"));
  EXPECT_EQ(LabelsText(RecipeOf("flats-price")), "");
}

}  // namespace
}  // namespace weir
