// Fashion-MNIST (Zalando Research, MIT licence): 70,000 grey images of clothes in ten classes, as
// the Debian package dataset-fashion-mnist installs it.
#ifndef WEIR_MODELS_DATA_FASHION_MNIST_H_
#define WEIR_MODELS_DATA_FASHION_MNIST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace weir {

inline constexpr int kFashionSide = 28;
inline constexpr size_t kFashionPixels = size_t{kFashionSide} * kFashionSide;
inline constexpr char kFashionMnistDirectory[] = "/usr/share/datasets/fashion-mnist";

inline constexpr std::array<std::string_view, 10> kFashionLabels = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

struct FashionImages {
  std::vector<uint8_t> pixels;  // rows() images, each kFashionPixels bytes, row-major, 0 is black.
  std::vector<uint8_t> labels;  // rows() indices into kFashionLabels.

  int rows() const { return static_cast<int>(labels.size()); }
  std::span<const uint8_t> image(int row) const {
    return std::span(pixels).subspan(row * kFashionPixels, kFashionPixels);
  }
};

enum class FashionSplit { kTrain, kTest };  // 60,000 and 10,000 images.

// Reads one split: the two gzip-compressed IDX files in `directory`. NOT_FOUND where a file is
// missing; DATA_LOSS, naming the file and what was expected, where one is truncated or is not
// the file it should be.
absl::StatusOr<FashionImages> ReadFashionMnist(const std::string& directory, FashionSplit split);

}  // namespace weir

#endif  // WEIR_MODELS_DATA_FASHION_MNIST_H_
