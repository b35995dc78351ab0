#include "models/data/fashion_mnist.h"

#include <zlib.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

std::string Word(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string Images(uint32_t rows, char pixel) {
  return Word(0x803) + Word(rows) + Word(28) + Word(28) + std::string(rows * kFashionPixels, pixel);
}

std::string Labels(const std::string& labels) {
  return Word(0x801) + Word(static_cast<uint32_t>(labels.size())) + labels;
}

class FashionMnistTest : public testing::Test {
 protected:
  FashionMnistTest() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }

  void Write(const std::string& name, const std::string& bytes) {
    gzFile file = gzopen((directory_ + "/" + name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
  }
  void WriteTest(const std::string& images, const std::string& labels) {
    Write("t10k-images-idx3-ubyte.gz", images);
    Write("t10k-labels-idx1-ubyte.gz", labels);
  }

  void ExpectError(absl::StatusCode code, std::string_view text) {
    const auto images = ReadFashionMnist(directory_, FashionSplit::kTest);
    EXPECT_EQ(images.status().code(), code);
    EXPECT_THAT(std::string(images.status().message()), HasSubstr(std::string(text)));
  }

  const std::string directory_ =
      testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(FashionMnistTest, ReadsImagesWithTheirLabels) {
  WriteTest(Images(2, 7), Labels({9, 3}));
  const auto images = ReadFashionMnist(directory_, FashionSplit::kTest);
  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_EQ(images->rows(), 2);
  EXPECT_EQ(images->labels[0], 9);
  EXPECT_EQ(images->labels[1], 3);
  EXPECT_EQ(images->image(1).size(), 784u);
  EXPECT_EQ(images->image(1)[783], 7);
}

TEST_F(FashionMnistTest, SaysWhichFileIsMissing) {
  ExpectError(absl::StatusCode::kNotFound, "t10k-images-idx3-ubyte.gz");
}

TEST_F(FashionMnistTest, RefusesTruncatedImages) {
  WriteTest(Images(2, 7).substr(0, 1000), Labels({9, 3}));
  ExpectError(absl::StatusCode::kDataLoss, "truncated: 1568 bytes expected, 984 came");
}

TEST_F(FashionMnistTest, RefusesAFileCutInsideItsCompression) {
  WriteTest(Images(2, 7), Labels({9, 3}));
  const std::string path = directory_ + "/t10k-images-idx3-ubyte.gz";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  ExpectError(absl::StatusCode::kDataLoss, "t10k-images-idx3-ubyte.gz: ");
}

TEST_F(FashionMnistTest, RefusesAnEmptyFile) {
  WriteTest("", Labels({1}));
  ExpectError(absl::StatusCode::kDataLoss, "truncated: 4 bytes expected, 0 came");
}

TEST_F(FashionMnistTest, RefusesAForeignFile) {
  WriteTest("a letter to a friend", Labels({1}));
  ExpectError(absl::StatusCode::kDataLoss, "magic number 2051 expected");
}

TEST_F(FashionMnistTest, RefusesImagesOfAnotherSize) {
  WriteTest(Word(0x803) + Word(1) + Word(32) + Word(32) + std::string(1024, 0), Labels({1}));
  ExpectError(absl::StatusCode::kDataLoss, "dimension 28 expected, 32 came");
}

TEST_F(FashionMnistTest, RefusesAnAbsurdNumberOfRows) {
  WriteTest(Word(0x803) + Word(0xffffffff) + Word(28) + Word(28), Labels({1}));
  ExpectError(absl::StatusCode::kDataLoss, "claims 4294967295 rows");
}

TEST_F(FashionMnistTest, RefusesBytesAfterTheLastImage) {
  WriteTest(Images(1, 7) + "x", Labels({1}));
  ExpectError(absl::StatusCode::kDataLoss, "more than 784 bytes");
}

TEST_F(FashionMnistTest, RefusesLabelsThatDoNotMatchTheImages) {
  WriteTest(Images(2, 7), Labels({1}));
  ExpectError(absl::StatusCode::kDataLoss, "1 labels for 2 images");
}

TEST_F(FashionMnistTest, RefusesALabelBeyondTheTenClasses) {
  WriteTest(Images(1, 7), Labels({10}));
  ExpectError(absl::StatusCode::kDataLoss, "label 10");
}

TEST(FashionMnistPackageTest, TheInstalledDatasetIsTheWholeOne) {
  const auto train = ReadFashionMnist(kFashionMnistDirectory, FashionSplit::kTrain);
  const auto test = ReadFashionMnist(kFashionMnistDirectory, FashionSplit::kTest);
  ASSERT_TRUE(train.ok()) << train.status();
  ASSERT_TRUE(test.ok()) << test.status();
  EXPECT_EQ(train->rows(), 60'000);
  EXPECT_EQ(test->rows(), 10'000);
  EXPECT_EQ(kFashionLabels[test->labels[0]], "Ankle boot");
}

}  // namespace
}  // namespace weir
