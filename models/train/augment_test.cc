#include "models/train/augment.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace weir {
namespace {

constexpr int kSide = 6;

// Every pixel has a value of its own, none is black.
std::vector<uint8_t> Image() {
  std::vector<uint8_t> image(kSide * kSide);
  for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<uint8_t>(i + 1);
  return image;
}

std::vector<uint8_t> Augmented(const Augmentation& augmentation, uint64_t seed) {
  Random random(seed);
  std::vector<uint8_t> out(kSide * kSide, 255);
  Augment(augmentation, kSide, Image(), random, out);
  return out;
}

TEST(AugmentTest, ChangesNothingByDefault) { EXPECT_EQ(Augmented({}, 1), Image()); }

TEST(AugmentTest, FlipsLeftToRightHalfOfTheTime) {
  std::vector<uint8_t> mirrored = Image();
  for (int y = 0; y < kSide; ++y) {
    std::reverse(mirrored.begin() + y * kSide, mirrored.begin() + (y + 1) * kSide);
  }
  int flips = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<uint8_t> out = Augmented({.flip = true}, seed);
    ASSERT_TRUE(out == mirrored || out == Image());
    flips += out == mirrored;
  }
  EXPECT_GT(flips, 70);
  EXPECT_LT(flips, 130);
}

TEST(AugmentTest, ShiftsByAtMostTheGivenPixelsAndFillsWithBlack) {
  bool shifted = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<uint8_t> out = Augmented({.max_shift = 2}, seed);
    // The middle pixel of the image is still there, at most two pixels away.
    const uint8_t middle = Image()[2 * kSide + 3];
    const auto at = std::find(out.begin(), out.end(), middle) - out.begin();
    ASSERT_LT(at, kSide * kSide);
    const int down = static_cast<int>(at / kSide) - 2, right = static_cast<int>(at % kSide) - 3;
    EXPECT_LE(std::abs(down), 2);
    EXPECT_LE(std::abs(right), 2);
    const int kept = (kSide - std::abs(down)) * (kSide - std::abs(right));
    EXPECT_EQ(std::count(out.begin(), out.end(), 0), kSide * kSide - kept);
    shifted |= down != 0 || right != 0;
  }
  EXPECT_TRUE(shifted);
}

TEST(AugmentTest, ErasesNoMoreThanTheGivenArea) {
  const std::vector<uint8_t> image = Image();
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<uint8_t> out = Augmented({.erase_chance = 1, .max_erased_area = 0.3}, seed);
    int changed = 0;
    for (size_t i = 0; i < out.size(); ++i) changed += out[i] != image[i];
    EXPECT_LE(changed, 0.3 * kSide * kSide);
  }
}

TEST(AugmentTest, TheSameSeedGivesTheSameImage) {
  const Augmentation all = {
      .max_shift = 2, .flip = true, .erase_chance = 0.5, .max_erased_area = 0.3};
  EXPECT_EQ(Augmented(all, 3), Augmented(all, 3));
  EXPECT_NE(Augmented(all, 3), Augmented(all, 4));
}

}  // namespace
}  // namespace weir
