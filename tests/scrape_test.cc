#include "tests/scrape.h"

#include <gtest/gtest.h>

#include <cmath>

namespace weir {
namespace {

TEST(ScrapeTest, ReadsNamesLabelsAndValues) {
  const absl::StatusOr<Scrape> scrape = Scrape::Parse(
      "# HELP a_total Some words.\n"
      "# TYPE a_total counter\n"
      "a_total{model=\"m\",code=\"OK\"} 3\n"
      "a_total{model=\"m\",code=\"a\\\\b\\\"c\\nd n\"} 4\n"
      "# TYPE h histogram\n"
      "h_bucket{le=\"+Inf\"} 1\n"
      "h_count 1\n"
      "g NaN\n");
  ASSERT_TRUE(scrape.ok()) << scrape.status();
  EXPECT_EQ(scrape->Sum("a_total"), 7);
  EXPECT_EQ(scrape->Sum("a_total", {{"model", "m"}, {"code", "OK"}}), 3);
  EXPECT_EQ(scrape->Sum("a_total", {{"code", "a\\b\"c\nd n"}}), 4);
  EXPECT_EQ(scrape->Count("a_total", {{"model", "n"}}), 0);
  EXPECT_EQ(scrape->FamilyOf("h_bucket"), "h");
  EXPECT_EQ(scrape->FamilyOf("a_count"), "a_count");
  EXPECT_TRUE(std::isnan(scrape->Sum("g")));
  EXPECT_EQ(scrape->types().at("a_total"), "counter");
}

TEST(ScrapeTest, RefusesWhatIsNoSampleOrStandsTwice) {
  for (const char* text :
       {"a", "a{ 1\n", "a{b=\"c} 1\n", "a one\n", "a{b=\"c\"}1\n", "a 1\na 2\n"}) {
    EXPECT_FALSE(Scrape::Parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace weir
