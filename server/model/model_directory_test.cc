#include "server/model/model_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "server/model/repository_fixture.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

namespace fs = std::filesystem;

class ModelDirectoryTest : public testing::Test {
 protected:
  ModelDirectoryTest() { disk_.AddModel("a", {"1"}); }

  ModelDirectory Read() { return *ReadModelDirectory(disk_.Path("a")); }

  RepositoryOnDisk disk_;
};

TEST_F(ModelDirectoryTest, IsEqualToItselfWhileNothingChanges) { EXPECT_EQ(Read(), Read()); }

TEST_F(ModelDirectoryTest, DirectoriesThatAreNoVersionsAreIgnored) {
  for (const char* name : {"02", "0", "x", "3x", "-4", "99999999999999999999", "10", "2"}) {
    disk_.Write(std::string("a/") + name + "/model.pt", "");
  }
  disk_.Write("a/7", "a file");
  EXPECT_THAT(Read().VersionNumbers(), ElementsAre(1, 2, 10));
}

TEST_F(ModelDirectoryTest, DiffersWhenAFileIsWrittenEvenWithAsManyBytes) {
  for (const char* path : {"a/config.pbtxt", "a/labels.txt", "a/warmup/x.raw", "a/1/model.pt"}) {
    disk_.Write(path, "12");
    const ModelDirectory before = Read();
    disk_.Write(path, "34");
    EXPECT_NE(Read(), before) << path;
  }
}

TEST_F(ModelDirectoryTest, DiffersWhenAFileIsReplacedByOneOfTheSameSizeAndTime) {
  disk_.Write("a/1/new", "other");
  fs::last_write_time(disk_.Path("a/1/new"), fs::last_write_time(disk_.Path("a/1/model.pt")));
  const ModelDirectory before = Read();
  fs::rename(disk_.Path("a/1/new"), disk_.Path("a/1/model.pt"));
  EXPECT_NE(Read().versions.at(1).at("model.pt"), before.versions.at(1).at("model.pt"));
}

TEST_F(ModelDirectoryTest, DiffersWhenAFileGoesOrAVersionComes) {
  const ModelDirectory before = Read();
  disk_.Write("a/2/model.pt", "");
  const ModelDirectory with_two = Read();
  EXPECT_NE(with_two, before);
  disk_.Remove("a/2/model.pt");
  EXPECT_NE(Read(), with_two);
}

TEST_F(ModelDirectoryTest, CopiesInProgressAndPagesDoNotCount) {
  const ModelDirectory before = Read();
  disk_.Write("a/MODEL.md", "how good it is");
  disk_.Write("a/.config.pbtxt.swp", "");
  disk_.Write("a/1/.model.pt.Xy12", "");
  EXPECT_EQ(Read(), before);
}

TEST_F(ModelDirectoryTest, FollowsLinks) {
  disk_.Write("store/model.pt", "first");
  disk_.Write("store/next.pt", "second");
  fs::create_directory(disk_.Path("a/2"));
  fs::create_symlink(disk_.Path("store/model.pt"), disk_.Path("a/2/model.pt"));
  const ModelDirectory before = Read();
  EXPECT_EQ(before.versions.at(2).at("model.pt").bytes, 5);
  disk_.Remove("a/2/model.pt");
  fs::create_symlink(disk_.Path("store/next.pt"), disk_.Path("a/2/model.pt"));
  EXPECT_NE(Read(), before);
}

TEST_F(ModelDirectoryTest, OneThatIsNotThereIsAnError) {
  const absl::Status status = ReadModelDirectory(disk_.Path("b")).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot read " + disk_.Path("b")));
}

TEST_F(ModelDirectoryTest, ModelsAreTheDirectoriesWithAConfig) {
  disk_.AddModel("c", {});
  disk_.AddModel("b", {"1"});
  disk_.Write("d/1/model.pt", "");
  disk_.Write("e", "");
  disk_.AddModel(".being-copied", {"1"});
  EXPECT_THAT(*ListModelDirectories(disk_.root()), ElementsAre("a", "b", "c"));
}

TEST_F(ModelDirectoryTest, AConfigThatCannotBeLookedAtDoesNotPassForOneThatIsGone) {
  fs::create_directory(disk_.Path("b"));
  fs::create_symlink("config.pbtxt", disk_.Path("b/config.pbtxt"));  // To itself.
  EXPECT_THAT(*ListModelDirectories(disk_.root()), ElementsAre("a", "b"));
}

TEST_F(ModelDirectoryTest, ARepositoryThatDoesNotExistOrIsEmptyIsAnError) {
  disk_.Remove("a");
  absl::Status status = ListModelDirectories(disk_.root()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no directory in it holds"));
  fs::remove_all(disk_.root());
  status = ListModelDirectories(disk_.root()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(disk_.root()));
}

}  // namespace
}  // namespace weir
