// Random changes to an image that leave its class what it was.
#ifndef WEIR_MODELS_TRAIN_AUGMENT_H_
#define WEIR_MODELS_TRAIN_AUGMENT_H_

#include <cstdint>
#include <span>

#include "models/data/random.h"

namespace weir {

// Each part is off at its default.
struct Augmentation {
  int max_shift = 0;           // Pixels, drawn for each axis; what enters is black.
  bool flip = false;           // Mirrored left to right, half of the time.
  double erase_chance = 0;     // Chance that one rectangle is overwritten with noise.
  double max_erased_area = 0;  // Of that rectangle, as a share of the image; at least 2 %.
};

// Writes the changed `image` (side * side bytes) to `out`, of the same size, which must not
// overlap it. Draws only from `random`.
void Augment(const Augmentation& augmentation, int side, std::span<const uint8_t> image,
             Random& random, std::span<uint8_t> out);

}  // namespace weir

#endif  // WEIR_MODELS_TRAIN_AUGMENT_H_
