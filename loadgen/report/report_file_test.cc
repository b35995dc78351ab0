#include "loadgen/report/report_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/files.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ReportFileTest : public testing::Test {
 protected:
  ReportFileTest() : folder_(fs::path(testing::TempDir()) / "report_file_test") {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }
  std::string Path(const std::string& name) const { return folder_ / name; }
  int64_t Files() const {
    return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  }

  const fs::path folder_;
};

TEST_F(ReportFileTest, WritesAFile) {
  ASSERT_TRUE(WriteReportFile(Path("report.json"), "{}").ok());
  EXPECT_EQ(*ReadFile(Path("report.json")), "{}");
  EXPECT_EQ(Files(), 1);
  struct stat status;
  ASSERT_EQ(stat(Path("report.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0600, 0600U);
}

TEST_F(ReportFileTest, TakesThePlaceOfAnOlderOne) {
  const std::string large(1 << 20, 'x');
  ASSERT_TRUE(WriteReportFile(Path("report.json"), large).ok());
  EXPECT_EQ(ReadFile(Path("report.json"))->size(), large.size());
  ASSERT_TRUE(WriteReportFile(Path("report.json"), "{}").ok());
  EXPECT_EQ(*ReadFile(Path("report.json")), "{}");
  EXPECT_EQ(Files(), 1);
}

TEST_F(ReportFileTest, FollowsALinkAndLeavesItInPlace) {
  fs::create_symlink("run.json", Path("latest.json"));
  ASSERT_TRUE(WriteReportFile(Path("latest.json"), "1").ok());
  ASSERT_TRUE(WriteReportFile(Path("latest.json"), "2").ok());
  EXPECT_TRUE(fs::is_symlink(Path("latest.json")));
  EXPECT_EQ(*ReadFile(Path("run.json")), "2");
  EXPECT_EQ(Files(), 2);
}

TEST_F(ReportFileTest, AFullDiskIsAnErrorThatNamesTheFile) {
  const absl::Status status = WriteReportFile("/dev/full", "{}");
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot write /dev/full: No space left"));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(ReportFileTest, ALinkToADeviceIsWrittenToAsItIs) {
  fs::create_symlink("/dev/full", Path("full"));
  const absl::Status status = WriteReportFile(Path("full"), "{}");
  EXPECT_THAT(std::string(status.message()), HasSubstr("No space left"));
  EXPECT_TRUE(fs::is_symlink(Path("full")));
  EXPECT_EQ(Files(), 1);
}

TEST_F(ReportFileTest, AFolderThatIsNotThereIsAnErrorThatNamesTheFile) {
  const std::string path = Path("none/report.json");
  EXPECT_THAT(std::string(WriteReportFile(path, "{}").message()),
              HasSubstr(absl::StrCat("cannot create ", path, ": No such file")));
}

TEST_F(ReportFileTest, AFolderInItsPlaceIsAnError) {
  fs::create_directory(Path("report.json"));
  EXPECT_THAT(std::string(WriteReportFile(Path("report.json"), "{}").message()),
              HasSubstr("Is a directory"));
  EXPECT_EQ(Files(), 1);
}

TEST_F(ReportFileTest, WhatCannotBeWrittenIsKnownBefore) {
  const auto problem = [](const std::string& path) {
    return std::string(CheckReportFile(path).message());
  };
  fs::create_directory(Path("folder"));
  EXPECT_EQ(problem(Path("folder")),
            absl::StrCat("cannot write ", Path("folder"), ": Is a directory"));
  EXPECT_THAT(problem(Path("none/report.json")),
              HasSubstr(absl::StrCat("cannot write ", Path("none/report.json"), ": No such file")));
  fs::create_symlink("none/run.json", Path("astray.json"));
  EXPECT_THAT(problem(Path("astray.json")), HasSubstr("No such file"));
  fs::create_symlink("folder/run.json", Path("latest.json"));
  for (const std::string& path : {Path("latest.json"), Path("folder/new.json"),
                                  std::string("report.json"), std::string("/dev/stdout"),
                                  std::string("/dev/full"), std::string("/dev/shm/report.json")}) {
    EXPECT_EQ(problem(path), "") << path;
  }
}

TEST_F(ReportFileTest, AFolderInMemoryIsAFolder) {
  const std::string path = absl::StrCat("/dev/shm/report_file_test.", getpid());
  EXPECT_TRUE(WriteReportFile(path, "1").ok());
  EXPECT_TRUE(WriteReportFile(path, "2").ok());
  EXPECT_EQ(*ReadFile(path), "2");
  fs::remove(path);
}

TEST_F(ReportFileTest, WhatIsWrittenToStandardOutputComesAfterWhatWasThere) {
  const int output = dup(STDOUT_FILENO);
  ASSERT_NE(freopen(Path("output").c_str(), "w", stdout), nullptr);
  printf("before\n");
  fflush(stdout);
  const absl::Status status = WriteReportFile("/dev/stdout", "{}");
  dup2(output, STDOUT_FILENO);
  close(output);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(*ReadFile(Path("output")), "before\n{}");
}

}  // namespace
}  // namespace weir
