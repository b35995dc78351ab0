// Pictures as the fashion models want them.
#ifndef WEIR_CLIENT_IMAGE_H_
#define WEIR_CLIENT_IMAGE_H_

#include <string>

#include "absl/status/statusor.h"

namespace weir {

// Reads a PNG of any size and makes it 28 x 28 bytes of brightness, row by row: the picture is
// centred in a square, shrunk by averaging, and turned into a light thing on black if its border is
// bright.
absl::StatusOr<std::string> ReadFashionImage(const std::string& path);

}  // namespace weir

#endif  // WEIR_CLIENT_IMAGE_H_
