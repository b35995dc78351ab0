// The models that ship with weir are as good as their pages say.
#include <filesystem>
#include <map>
#include <string>

#include "gtest/gtest.h"
#include "models/data/fashion_mnist.h"
#include "models/evaluate/evaluate.h"
#include "models/evaluate/held_out.h"
#include "server/model/compute_backend.h"

namespace weir {
namespace {

constexpr char kRepository[] = "models/repository";
constexpr double kTolerance = 0.002;

struct Goal {
  const char* model;
  const char* metric;
  double least;
};

constexpr Goal kGoals[] = {
    {"fashion-fast", "accuracy", 0.87},     {"fashion-balanced", "accuracy", 0.91},
    {"fashion-accurate", "accuracy", 0.94}, {"flats-price", "r2", 0.90},
    {"accidents-forest", "accuracy", 0.85},
};

class RepositoryTest : public testing::TestWithParam<Goal> {};

TEST_P(RepositoryTest, TheModelReproducesItsQuality) {
  const Goal& goal = GetParam();
  const auto loaded = LoadVersionOne(std::string(kRepository) + "/" + goal.model);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const auto held_out = LoadHeldOut(loaded->settings->family, kFashionMnistDirectory);
  ASSERT_TRUE(held_out.ok()) << held_out.status();
  const auto quality = MeasureQuality(*loaded, *held_out);
  ASSERT_TRUE(quality.ok()) << quality.status();

  ASSERT_TRUE(quality->contains(goal.metric));
  EXPECT_GE(quality->at(goal.metric), goal.least);
  ASSERT_EQ(loaded->settings->quality.size(), quality->size());
  for (const auto& [metric, published] : loaded->settings->quality) {
    EXPECT_NEAR(quality->at(metric), published, kTolerance) << metric;
  }
}

INSTANTIATE_TEST_SUITE_P(Shipped, RepositoryTest, testing::ValuesIn(kGoals), [](const auto& info) {
  std::string name = info.param.model;
  name[name.find('-')] = '_';
  return name;
});

TEST(RepositorySizeTest, AllWeightsTogetherAreAtMostTwentyMegabytes) {
  uintmax_t bytes = 0;
  for (const Goal& goal : kGoals) {
    bytes +=
        std::filesystem::file_size(std::string(kRepository) + "/" + goal.model + "/1/model.pt");
  }
  EXPECT_LE(bytes, 20'000'000u);
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  weir::InitializeTorch();
  return RUN_ALL_TESTS();
}
