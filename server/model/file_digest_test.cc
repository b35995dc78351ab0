#include "server/model/file_digest.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "absl/status/status.h"

namespace weir {
namespace {

std::string Write(const std::string& name, const std::string& bytes) {
  std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

TEST(FileDigestTest, IsTheCrc32ThatOtherToolsFind) {
  EXPECT_EQ(FileDigest(Write("check", "123456789")).value_or(""), "cbf43926");
  EXPECT_EQ(FileDigest(Write("empty", "")).value_or(""), "00000000");
}

TEST(FileDigestTest, CoversTheWholeOfALargeFile) {
  std::string bytes(1'000'000, 'a');
  const std::string before = FileDigest(Write("large", bytes)).value_or("");
  bytes.back() = 'b';
  EXPECT_NE(FileDigest(Write("large", bytes)).value_or(""), before);
}

TEST(FileDigestTest, AFileThatIsNotThereIsAnError) {
  EXPECT_TRUE(absl::IsNotFound(FileDigest(testing::TempDir() + "/no such file").status()));
}

}  // namespace
}  // namespace weir
