// The rows that a family's models are measured on: never trained on, always the same.
#ifndef WEIR_MODELS_EVALUATE_HELD_OUT_H_
#define WEIR_MODELS_EVALUATE_HELD_OUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace weir {

struct HeldOut {
  std::string input;         // As a client sends it: the rows' bytes, one after the other.
  std::vector<float> truth;  // One per row: the class, or the value.

  int rows() const { return static_cast<int>(truth.size()); }
  size_t row_bytes() const { return input.size() / truth.size(); }
  // Requires first + count <= rows().
  std::string_view Rows(int first, int count) const {
    return std::string_view(input).substr(first * row_bytes(), count * row_bytes());
  }
};

// `family` as in a model's config: "fashion" (the 10,000 test images of Fashion-MNIST, whose files
// are in `fashion_directory`), "flats" or "accidents" (generated). Another one is NOT_FOUND.
absl::StatusOr<HeldOut> LoadHeldOut(std::string_view family, const std::string& fashion_directory);

}  // namespace weir

#endif  // WEIR_MODELS_EVALUATE_HELD_OUT_H_
