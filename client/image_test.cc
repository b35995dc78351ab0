#include "client/image.h"

#include <gtest/gtest.h>
#include <png.h>

#include <cstdint>
#include <fstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace weir {
namespace {

// A grey picture whose pixels in [left, right) x [top, bottom) are `inside`, the others `outside`.
std::string WritePng(int width, int height, uint8_t outside, uint8_t inside, int left, int right,
                     int top, int bottom) {
  std::vector<uint8_t> pixels(width * height, outside);
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) pixels[y * width + x] = inside;
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_GRAY;
  std::string path = absl::StrCat(testing::TempDir(), "/", width, "x", height, ".png");
  EXPECT_NE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr), 0);
  return path;
}

uint8_t Pixel(const std::string& image, int row, int column) { return image[row * 28 + column]; }

TEST(ImageTest, APictureOfTheRightSizeComesThroughAsItIs) {
  const auto image = ReadFashionImage(WritePng(28, 28, 0, 200, 10, 20, 5, 25));
  ASSERT_TRUE(image.ok()) << image.status();
  ASSERT_EQ(image->size(), 28u * 28u);
  EXPECT_EQ(Pixel(*image, 5, 10), 200);
  EXPECT_EQ(Pixel(*image, 4, 10), 0);
  EXPECT_EQ(Pixel(*image, 24, 19), 200);
  EXPECT_EQ(Pixel(*image, 24, 20), 0);
}

TEST(ImageTest, ALargePictureShrinksByAveraging) {
  const auto image = ReadFashionImage(WritePng(280, 280, 0, 100, 100, 200, 50, 250));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(Pixel(*image, 5, 10), 100);
  EXPECT_EQ(Pixel(*image, 24, 19), 100);
  EXPECT_EQ(Pixel(*image, 14, 9), 0);
}

TEST(ImageTest, AWidePictureIsCentredInASquare) {
  const auto image = ReadFashionImage(WritePng(56, 28, 10, 240, 20, 36, 0, 28));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(Pixel(*image, 6, 14), 10) << "a margin takes the colour of the corner";
  EXPECT_EQ(Pixel(*image, 7, 14), 240);
  EXPECT_EQ(Pixel(*image, 20, 14), 240);
  EXPECT_EQ(Pixel(*image, 21, 14), 10);
}

TEST(ImageTest, ADarkThingOnWhiteBecomesALightThingOnBlack) {
  const auto image = ReadFashionImage(WritePng(28, 28, 255, 30, 8, 20, 8, 20));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(Pixel(*image, 0, 0), 0);
  EXPECT_EQ(Pixel(*image, 10, 10), 225);
}

TEST(ImageTest, ATinyPictureGrows) {
  const auto image = ReadFashionImage(WritePng(1, 1, 77, 77, 0, 0, 0, 0));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(Pixel(*image, 13, 13), 77);
}

TEST(ImageTest, TheShippedShirtIsLightOnBlack) {
  const auto image = ReadFashionImage("client/testdata/t-shirt.png");
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_LT(Pixel(*image, 0, 0), 10);
  EXPECT_GT(Pixel(*image, 14, 14), 100);
}

TEST(ImageTest, AFileThatIsNoPngIsRefusedByName) {
  const std::string path = testing::TempDir() + "/not.png";
  std::ofstream(path) << "this is no picture";
  const auto image = ReadFashionImage(path);
  EXPECT_EQ(image.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(image.status().message(), path)) << image.status();
}

TEST(ImageTest, AMissingFileIsRefusedByName) {
  const auto image = ReadFashionImage("/nowhere/shirt.png");
  ASSERT_FALSE(image.ok());
  EXPECT_TRUE(absl::StrContains(image.status().message(), "/nowhere/shirt.png"));
}

}  // namespace
}  // namespace weir
