#include "tests/faults/account.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

const Selector& OkOfA() {
  static const Selector& selector =
      *new Selector{"weir_requests_total", {{"model", "a"}, {"code", "OK"}}};
  return selector;
}

Scrape With(double value) {
  return *Scrape::Parse(
      absl::StrCat("weir_requests_total{model=\"a\",version=\"1\",code=\"OK\"} ", value, "\n"));
}

TEST(AccountTest, WhatIsWithinItsBoundsIsNoDiscrepancy) {
  Account account;
  account.Expect(OkOfA(), {.low = 10, .high = 12});
  for (const double counted : {10, 11, 12}) {
    EXPECT_TRUE(account.Check(With(5), With(5 + counted)).empty()) << counted;
  }
}

TEST(AccountTest, WhatIsMissingIsLostAndWhatIsTooMuchWasCountedTwice) {
  Account account;
  account.Expect(OkOfA(), {.low = 10, .high = 12});
  const std::vector<Discrepancy> missing = account.Check(With(5), With(13));
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing[0].lost(), 2);
  EXPECT_EQ(missing[0].doubled(), 0);
  EXPECT_EQ(missing[0].Text(),
            "weir_requests_total{model=\"a\",code=\"OK\"}: counted 8, expected 10 to 12, lost 2");
  const std::vector<Discrepancy> twice = account.Check(With(5), With(20));
  ASSERT_EQ(twice.size(), 1U);
  EXPECT_EQ(twice[0].lost(), 0);
  EXPECT_EQ(twice[0].doubled(), 3);
}

TEST(AccountTest, WhatWasExpectedOfSeveralAddsUp) {
  Account account;
  account.Expect(OkOfA(), {.low = 10, .high = 10});
  Account more;
  more.Expect(OkOfA(), {.low = 1, .high = 2});
  more.Expect({"weir_rows_total", {{"model", "a"}}}, {.low = 0, .high = 0});
  account.Merge(more);
  EXPECT_TRUE(account.Check(With(0), With(12)).empty());
  EXPECT_EQ(account.Check(With(0), With(10)).size(), 1U);
}

TEST(AccountTest, ASeriesThatIsNotThereCountsAsZero) {
  Account account;
  account.Expect({"weir_rows_total", {{"model", "a"}}}, {.low = 1, .high = 1});
  const std::vector<Discrepancy> missing = account.Check(With(0), With(0));
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing[0].lost(), 1);
}

}  // namespace
}  // namespace weir
