#include "base/log.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(LogTest, ALineHoldsTimeSeverityPlaceAndMessage) {
  EXPECT_EQ(
      FormatLogLine(LogSeverity::kWarning, absl::FromUnixMicros(1'500'000), "a/b.cc", 7, "hi"),
      "1970-01-01T00:00:01.500000Z WARNING a/b.cc:7 hi\n");
}

TEST(LogTest, AMessageCannotForgeALineOfItsOwn) {
  const std::string line =
      FormatLogLine(LogSeverity::kInfo, absl::UnixEpoch(), "a.cc", 1, "x\n2026 ERROR y\x1b[31m");
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

TEST(LogTest, QuotesAndBackslashesStayAsTheyAre) {
  const std::string line =
      FormatLogLine(LogSeverity::kInfo, absl::UnixEpoch(), "a.cc", 1, "model \"a\\b\" isn't here");
  EXPECT_NE(line.find("model \"a\\b\" isn't here\n"), std::string::npos) << line;
}

TEST(LogTest, TextInOtherScriptsStaysReadable) {
  EXPECT_NE(
      FormatLogLine(LogSeverity::kInfo, absl::UnixEpoch(), "a.cc", 1, "модель").find("модель"),
      std::string::npos);
}

}  // namespace
}  // namespace weir
