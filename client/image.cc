#include "client/image.h"

#include <png.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr int kSide = 28;
constexpr uint32_t kMaxSide = 8192;

// A grey picture, square, one byte a pixel.
struct Square {
  int side = 0;
  std::vector<uint8_t> pixels;

  uint8_t& at(int row, int column) { return pixels[row * side + column]; }
};

absl::StatusOr<Square> ReadPng(const std::string& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", image.message));
  }
  if (image.width > kMaxSide || image.height > kMaxSide) {
    png_image_free(&image);
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", image.width, " x ", image.height,
                                                   " pixels are more than ", kMaxSide));
  }
  image.format = PNG_FORMAT_GRAY;
  std::vector<uint8_t> grey(PNG_IMAGE_SIZE(image));
  const png_color white = {255, 255, 255};  // Behind what is transparent.
  if (png_image_finish_read(&image, &white, grey.data(), 0, nullptr) == 0) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", image.message));
  }
  const int width = static_cast<int>(image.width);
  const int height = static_cast<int>(image.height);
  Square square{.side = std::max(width, height)};
  // The margins take the colour of the first corner.
  square.pixels.assign(static_cast<size_t>(square.side) * square.side, grey[0]);
  const int top = (square.side - height) / 2;
  const int left = (square.side - width) / 2;
  for (int row = 0; row < height; ++row) {
    std::copy_n(&grey[static_cast<size_t>(row) * width], width, &square.at(top + row, left));
  }
  return square;
}

// Each pixel becomes the mean of the area that it covers.
Square Resize(Square& from) {
  Square to{.side = kSide, .pixels = std::vector<uint8_t>(kSide * kSide)};
  const auto first = [&from](int i) { return i * from.side / kSide; };
  const auto last = [&from](int i) {
    return std::max((i + 1) * from.side / kSide, i * from.side / kSide + 1);
  };
  for (int row = 0; row < kSide; ++row) {
    for (int column = 0; column < kSide; ++column) {
      int64_t sum = 0;
      for (int y = first(row); y < last(row); ++y) {
        for (int x = first(column); x < last(column); ++x) sum += from.at(y, x);
      }
      const int64_t area = int64_t{last(row) - first(row)} * (last(column) - first(column));
      to.at(row, column) = static_cast<uint8_t>(sum / area);
    }
  }
  return to;
}

void MakeBackgroundDark(Square& image) {
  int border = 0;
  for (int i = 0; i < kSide; ++i) {
    border += image.at(0, i) + image.at(kSide - 1, i) + image.at(i, 0) + image.at(i, kSide - 1);
  }
  if (border <= 4 * kSide * 127) return;
  for (uint8_t& pixel : image.pixels) pixel = 255 - pixel;
}

}  // namespace

absl::StatusOr<std::string> ReadFashionImage(const std::string& path) {
  absl::StatusOr<Square> read = ReadPng(path);
  if (!read.ok()) return read.status();
  Square image = Resize(*read);
  MakeBackgroundDark(image);
  return std::string(image.pixels.begin(), image.pixels.end());
}

}  // namespace weir
