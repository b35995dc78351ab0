#include "loadgen/scenario/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kSteady[] = R"(
description: "a scenario"
traffic { model: "m" }
phases { name: "p" duration: "10s" rate: 5 }
)";

// A folder for each test.
class ScenarioTest : public testing::Test {
 protected:
  ScenarioTest()
      : directory_(absl::StrCat(testing::TempDir(), "/",
                                testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }

  std::string Write(const std::string& file, const std::string& text) {
    std::string path = absl::StrCat(directory_, "/", file);
    std::ofstream(path) << text;
    return path;
  }

  const std::string directory_;
};

std::string Refusal(const std::string& text) {
  const auto scenario = ParseScenario(text, "s.textproto");
  if (scenario.ok()) return "OK";
  EXPECT_TRUE(absl::IsInvalidArgument(scenario.status())) << scenario.status();
  return std::string(scenario.status().message());
}

TEST_F(ScenarioTest, IsReadByItsNameFromTheFolder) {
  Write("steady.textproto", kSteady);
  const auto scenario = ReadScenario("steady", directory_);
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  EXPECT_EQ(scenario->description(), "a scenario");
  EXPECT_EQ(scenario->phases(0).rate(), 5);
}

TEST_F(ScenarioTest, IsReadByItsPathWhereverItIs) {
  const std::string path = Write("mine.textproto", kSteady);
  EXPECT_TRUE(ReadScenario(path, "/there/is/no/such/folder").ok());
}

TEST_F(ScenarioTest, AnUnknownNameListsThoseThereAre) {
  Write("steady.textproto", kSteady);
  Write("hello.textproto", kSteady);
  Write("notes.txt", "");
  const absl::Status status = ReadScenario("hallo", directory_).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), absl::StrCat("there is no scenario \"hallo\" in ", directory_,
                                           ", there are: hello, steady"));
  EXPECT_TRUE(absl::IsNotFound(ReadScenario("", directory_).status()));
}

TEST_F(ScenarioTest, AnUnknownNameInAnEmptyFolderSaysSo) {
  EXPECT_THAT(ReadScenario("hello", directory_).status().message(), HasSubstr("there are none"));
}

TEST_F(ScenarioTest, AMissingFileOrFolderIsNamed) {
  const std::string path = absl::StrCat(directory_, "/none.textproto");
  EXPECT_THAT(ReadScenario(path, directory_).status().message(), HasSubstr(path));
  EXPECT_TRUE(absl::IsNotFound(ReadScenario(path, directory_).status()));
  const std::string folder = absl::StrCat(directory_, "/none");
  EXPECT_THAT(ReadScenario("hello", folder).status().message(), HasSubstr(folder));
  EXPECT_THAT(ListScenarios(folder).status().message(), HasSubstr(folder));
}

TEST_F(ScenarioTest, AFolderInPlaceOfAFileIsAnError) {
  std::filesystem::create_directories(absl::StrCat(directory_, "/odd.textproto"));
  EXPECT_THAT(ReadScenario("odd", directory_).status().message(), HasSubstr("odd.textproto"));
}

TEST_F(ScenarioTest, TheListIsInOrderAndHasDescriptions) {
  Write("b.textproto", kSteady);
  Write("a.textproto", kSteady);
  const auto list = ListScenarios(directory_);
  ASSERT_TRUE(list.ok()) << list.status();
  const std::vector<std::pair<std::string, std::string>> expected = {{"a", "a scenario"},
                                                                     {"b", "a scenario"}};
  EXPECT_EQ(*list, expected);
}

TEST_F(ScenarioTest, AListWithABrokenFileNamesItAndItsLine) {
  Write("a.textproto", kSteady);
  const std::string path = Write("b.textproto", "phases {}\n");
  EXPECT_EQ(ListScenarios(directory_).status().message(),
            absl::StrCat(path, ":1:1: phases[0].name: is empty"));
}

TEST_F(ScenarioTest, RelativePathsStartFromTheFolderOfTheFile) {
  const std::string path = Write("s.textproto", R"(
traffic { model: "m" input: "file:rows/m.bin" }
phases { name: "a" replay_file: "times.txt" }
phases {
  name: "b" duration: "1s" rate: 1
  traffic { model: "m" input: "file:/rows.bin" }
  traffic { model: "m" input: "random" }
}
)");
  const auto scenario = ReadScenario(path, "");
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  EXPECT_EQ(scenario->traffic(0).input(), absl::StrCat("file:", directory_, "/rows/m.bin"));
  EXPECT_EQ(scenario->phases(0).replay_file(), absl::StrCat(directory_, "/times.txt"));
  EXPECT_EQ(scenario->phases(1).traffic(0).input(), "file:/rows.bin");
  EXPECT_EQ(scenario->phases(1).traffic(1).input(), "random");
}

TEST_F(ScenarioTest, AFileInTheWorkingDirectoryKeepsItsRelativePaths) {
  const auto scenario =
      ParseScenario("traffic { model: 'm' } phases { name: 'a' replay_file: 't.txt' }", "s.txt");
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  EXPECT_EQ(scenario->phases(0).replay_file(), "t.txt");
}

TEST_F(ScenarioTest, AnUnknownFieldIsRefusedWithLineAndColumn) {
  EXPECT_THAT(Refusal("traffic {\n  model: \"m\"\n  modle: 3\n}"),
              AllOf(StartsWith("s.textproto:3:"), HasSubstr("\"modle\"")));
}

TEST_F(ScenarioTest, WhatIsNotTheTextFormatIsRefusedWithLineAndColumn) {
  EXPECT_THAT(Refusal("traffic {\n"), StartsWith("s.textproto:2:1: "));
  EXPECT_THAT(Refusal("traffic { model: 3 }"), StartsWith("s.textproto:1:18: "));
  EXPECT_THAT(Refusal("phases { rate: fast }"), StartsWith("s.textproto:1:16: "));
  EXPECT_THAT(Refusal("phases { concurrency: 1.5 }"), StartsWith("s.textproto:1:"));
  EXPECT_THAT(Refusal("phases { concurrency: 99999999999 }"), StartsWith("s.textproto:1:"));
  EXPECT_THAT(Refusal("{\"phases\": []}"), StartsWith("s.textproto:1:"));
  EXPECT_EQ(Refusal("# \xff"), "s.textproto: not UTF-8");
}

TEST_F(ScenarioTest, TwoPacesForOnePhaseAreRefused) {
  EXPECT_THAT(Refusal("phases { rate: 1 concurrency: 2 }"),
              AllOf(StartsWith("s.textproto:1:"), HasSubstr("concurrency")));
}

TEST_F(ScenarioTest, AFileThatIsTooLargeIsRefused) {
  EXPECT_THAT(Refusal(absl::StrFormat("%20000000s", " ")), HasSubstr("larger than"));
}

TEST_F(ScenarioTest, AnEmptyFileHasNoPhases) {
  EXPECT_EQ(Refusal(""), "s.textproto: phases: there are none");
}

}  // namespace
}  // namespace weir
