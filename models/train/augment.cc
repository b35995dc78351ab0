#include "models/train/augment.h"

#include <algorithm>
#include <cmath>

namespace weir {
namespace {

constexpr double kMinErasedArea = 0.02;
constexpr double kMinErasedAspect = 0.3;

void Erase(double max_area, int side, Random& random, std::span<uint8_t> image) {
  const double area = random.Uniform(kMinErasedArea, max_area) * side * side;
  const double aspect = random.Uniform(kMinErasedAspect, 1 / kMinErasedAspect);
  const int height = std::clamp(static_cast<int>(std::sqrt(area * aspect)), 1, side);
  const int width = std::clamp(static_cast<int>(std::sqrt(area / aspect)), 1, side);
  const int top = random.Integer(0, side - height);
  const int left = random.Integer(0, side - width);
  for (int y = top; y < top + height; ++y) {
    for (int x = left; x < left + width; ++x) {
      image[y * side + x] = static_cast<uint8_t>(random.Integer(0, 255));
    }
  }
}

}  // namespace

void Augment(const Augmentation& augmentation, int side, std::span<const uint8_t> image,
             Random& random, std::span<uint8_t> out) {
  const int down = random.Integer(-augmentation.max_shift, augmentation.max_shift);
  const int right = random.Integer(-augmentation.max_shift, augmentation.max_shift);
  const bool flip = augmentation.flip && random.Chance(0.5);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const int from_y = y - down;
      const int from_x = (flip ? side - 1 - x : x) - right;
      const bool inside = from_y >= 0 && from_y < side && from_x >= 0 && from_x < side;
      out[y * side + x] = inside ? image[from_y * side + from_x] : 0;
    }
  }
  if (random.Chance(augmentation.erase_chance)) {
    Erase(augmentation.max_erased_area, side, random, out);
  }
}

}  // namespace weir
