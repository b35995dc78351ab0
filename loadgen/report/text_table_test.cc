#include "loadgen/report/text_table.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir {
namespace {

const std::vector<TextColumn> kColumns = {{"name", false}, {"count"}, {"remark", false}};

TEST(TextTableTest, ColumnsAreAsWideAsWhatIsInThem) {
  EXPECT_EQ(TextTable(kColumns, {{{"a"}, {"1"}, {"x"}}, {{"long name"}, {"1,000"}, {"y"}}}, false),
            "name       count  remark\n"
            "a              1  x\n"
            "long name  1,000  y\n");
}

TEST(TextTableTest, NoLineEndsWithBlanks) {
  EXPECT_EQ(TextTable(kColumns, {{{"a"}}, {{"b"}, {""}, {""}}, {{"c"}, {""}, {"y"}}}, false),
            "name  count  remark\na\nb\nc            y\n");
}

TEST(TextTableTest, CharactersCountNotTheirBytes) {
  EXPECT_EQ(TextTable({{"größe", false}, {"n"}}, {{{"ä"}, {"1"}}}, false), "größe  n\nä      1\n");
  EXPECT_EQ(TextWidth("größe…"), 6);
}

TEST(TextTableTest, ColoursDoNotMoveColumns) {
  EXPECT_EQ(TextTable({{"a", false}, {"n"}}, {{{"x", Colour::kRed}, {"1"}}}, true),
            "\x1b[2ma\x1b[0m  \x1b[2mn\x1b[0m\n\x1b[1;31mx\x1b[0m  1\n");
}

TEST(TextTableTest, LinesAreCutAtTheWidth) {
  const std::vector<std::vector<TextCell>> rows = {{{"long name"}, {"12345"}, {"y"}}};
  EXPECT_EQ(TextTable(kColumns, rows, false, 14), "name       co…\nlong name  12…\n");
  EXPECT_EQ(TextTable(kColumns, rows, false, 10), "name\nlong name\n");
  EXPECT_EQ(TextTable(kColumns, rows, false, 5), "name\nlong…\n");
}

TEST(TextTableTest, WithoutRowsThereAreTitles) {
  EXPECT_EQ(TextTable(kColumns, {}, false), "name  count  remark\n");
}

TEST(CutTextTest, AnEllipsisStandsForWhatWasCut) {
  EXPECT_EQ(CutText("fashion", 7), "fashion");
  EXPECT_EQ(CutText("fashion", 6), "fashi…");
  EXPECT_EQ(CutText("größen", 4), "grö…");
  EXPECT_EQ(CutText("fashion", 1), "…");
  EXPECT_EQ(CutText("fashion", 0), "");
  EXPECT_EQ(CutText("", 0), "");
}

TEST(NumberTextTest, CountsHaveSeparators) {
  EXPECT_EQ(CountText(0), "0");
  EXPECT_EQ(CountText(999), "999");
  EXPECT_EQ(CountText(1000), "1,000");
  EXPECT_EQ(CountText(1234567), "1,234,567");
  EXPECT_EQ(CountText(-1234), "-1,234");
  EXPECT_EQ(CountText(-123), "-123");
}

TEST(NumberTextTest, RatesHaveThreeDigitsThatMatter) {
  EXPECT_EQ(RateText(0), "0.00");
  EXPECT_EQ(RateText(0.333), "0.33");
  EXPECT_EQ(RateText(33.33), "33.3");
  EXPECT_EQ(RateText(99.96), "100");
  EXPECT_EQ(RateText(12345.6), "12,346");
}

TEST(NumberTextTest, LatenciesHaveTheUnitThatFits) {
  EXPECT_EQ(LatencyText(0), "-");
  EXPECT_EQ(LatencyText(310e-9), "310 ns");
  EXPECT_EQ(LatencyText(999.6e-9), "1.00 us");
  EXPECT_EQ(LatencyText(310.4e-6), "310 us");
  EXPECT_EQ(LatencyText(999.6e-6), "1.00 ms");
  EXPECT_EQ(LatencyText(1.254e-3), "1.25 ms");
  EXPECT_EQ(LatencyText(12.36e-3), "12.4 ms");
  EXPECT_EQ(LatencyText(0.9996), "1.00 s");
  EXPECT_EQ(LatencyText(12.36), "12.4 s");
  EXPECT_EQ(LatencyText(9.996e-3), "10.0 ms");
}

TEST(NumberTextTest, SharesAreInPercent) {
  EXPECT_EQ(ShareText(0.12345), "12.35 %");
  EXPECT_EQ(ShareText(1), "100.00 %");
}

TEST(NumberTextTest, TimesAreAsOnAClock) {
  EXPECT_EQ(ClockText(-3), "0:00");
  EXPECT_EQ(ClockText(42.4), "0:42");
  EXPECT_EQ(ClockText(65), "1:05");
  EXPECT_EQ(ClockText(3599.6), "1:00:00");
  EXPECT_EQ(ClockText(7265), "2:01:05");
}

}  // namespace
}  // namespace weir
