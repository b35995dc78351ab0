#include "loadgen/scenario/replay_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Refusal(absl::string_view text) {
  const auto times = ParseReplay(text, "times.txt");
  if (times.ok()) return "OK";
  EXPECT_TRUE(absl::IsInvalidArgument(times.status())) << times.status();
  return std::string(times.status().message());
}

TEST(ReplayFileTest, HasATimeOnEachLine) {
  const auto times = ParseReplay("# of a busy minute\n0\n0.0015\r\n\n 0.0015 \n2e1", "t");
  ASSERT_TRUE(times.ok()) << times.status();
  EXPECT_THAT(*times, ElementsAre(absl::ZeroDuration(), absl::Microseconds(1500),
                                  absl::Microseconds(1500), absl::Seconds(20)));
}

TEST(ReplayFileTest, WhatIsNoTimeIsRefusedWithItsLine) {
  EXPECT_EQ(Refusal("1\n\nsoon\n"),
            "times.txt:3: expected seconds from 0 to 2592000, got \"soon\"");
  for (const char* line : {"-1", "nan", "inf", "1e9", "1 2", "1,2", "1s", "0x", "\xff"}) {
    EXPECT_THAT(Refusal(absl::StrCat("# \n", line, "\n")),
                HasSubstr("times.txt:2: expected seconds from 0 to 2592000, got \""));
  }
}

TEST(ReplayFileTest, TimesThatGoBackAreRefusedWithTheirLine) {
  EXPECT_EQ(Refusal("1\n2.5\n2\n"), "times.txt:3: 2 comes after 2.5s, but times must ascend");
}

TEST(ReplayFileTest, AFileWithoutTimesIsRefused) {
  EXPECT_EQ(Refusal(""), "times.txt: there are no times");
  EXPECT_EQ(Refusal("# none\n\n"), "times.txt: there are no times");
}

TEST(ReplayFileTest, AFileIsReadAndAMissingOneNamed) {
  const std::string path = absl::StrCat(testing::TempDir(), "/times.txt");
  std::ofstream(path) << "0.5\n1\n";
  const auto times = ReadReplay(path);
  ASSERT_TRUE(times.ok()) << times.status();
  EXPECT_THAT(*times, ElementsAre(absl::Milliseconds(500), absl::Seconds(1)));
  const absl::Status missing = ReadReplay(path + ".none").status();
  EXPECT_TRUE(absl::IsNotFound(missing));
  EXPECT_THAT(std::string(missing.message()), HasSubstr(path + ".none"));
}

}  // namespace
}  // namespace weir
