#include "tests/faults/scrape.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr char kText[] =
    "# HELP weir_requests_total Requests.\n"
    "# TYPE weir_requests_total counter\n"
    "weir_requests_total{model=\"a\",code=\"OK\"} 3\n"
    "weir_requests_total{model=\"a\",code=\"CANCELLED\"} 4\n"
    "weir_requests_total{model=\"b \\\"\\\\\\n}\",code=\"OK\"} 5\n"
    "# TYPE weir_batch_rows histogram\n"
    "weir_batch_rows_bucket{le=\"+Inf\"} 7\n"
    "weir_batch_rows_sum 1.5e+3\n"
    "weir_batch_rows_count 7\n"
    "# TYPE weir_queue_rows gauge\n"
    "weir_queue_rows 9\n"
    "# TYPE weir_gateway_pushes_total counter\n"
    "weir_gateway_pushes_total 2\n";

Scrape Parsed(absl::string_view text) {
  absl::StatusOr<Scrape> scrape = Scrape::Parse(text);
  EXPECT_TRUE(scrape.ok()) << scrape.status();
  return *std::move(scrape);
}

TEST(ScrapeTest, SeriesAreAddedUpByTheLabelsAskedFor) {
  const Scrape scrape = Parsed(kText);
  EXPECT_EQ(scrape.Sum({"weir_requests_total", {}}), 12);
  EXPECT_EQ(scrape.Sum({"weir_requests_total", {{"model", "a"}}}), 7);
  EXPECT_EQ(scrape.Sum({"weir_requests_total", {{"code", "OK"}, {"model", "b \"\\\n}"}}}), 5);
  EXPECT_EQ(scrape.Sum({"weir_batch_rows_sum", {}}), 1500);
  EXPECT_EQ(scrape.Sum({"weir_requests_total", {{"model", "c"}}}), std::nullopt);
  EXPECT_EQ(scrape.Sum({"weir_requests", {}}), std::nullopt);
}

TEST(ScrapeTest, CountersAndHistogramsAreCumulativeAndGaugesAreNot) {
  const Scrape scrape = Parsed(kText);
  EXPECT_TRUE(scrape.samples().at("weir_requests_total{model=\"a\",code=\"OK\"}").cumulative);
  EXPECT_TRUE(scrape.samples().at("weir_batch_rows_bucket{le=\"+Inf\"}").cumulative);
  EXPECT_TRUE(scrape.samples().at("weir_batch_rows_sum").cumulative);
  EXPECT_FALSE(scrape.samples().at("weir_queue_rows").cumulative);
}

TEST(ScrapeTest, WhatIsNotOfTheFormatIsNamed) {
  for (const char* const text : {"a{b=\"c\" 1\n", "a{b} 1\n", "a{b=\"c\\", "a{b=\"c\"}1\n", "a\n",
                                 "a x\n", "a 1", "a 1\na 1\n", "a{b=\"1\",b=\"2\"} 1\n"}) {
    EXPECT_EQ(Scrape::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ScrapeTest, WhatFallsOrIsGoneIsFound) {
  const std::string type = "# TYPE a counter\n# TYPE g gauge\n# TYPE weir_gateway_x counter\n";
  const Scrape before =
      Parsed(type + "a{b=\"1\"} 5\na{b=\"2\"} 5\na{b=\"3\"} 5\ng 5\n" + "weir_gateway_x 5\n");
  const Scrape after =
      Parsed(type + "a{b=\"1\"} 5\na{b=\"2\"} 4\na{b=\"4\"} 0\ng 1\nweir_gateway_x 1\n");
  const std::vector<Fall> falls = Falls(before, after);
  ASSERT_EQ(falls.size(), 2U);
  EXPECT_EQ(falls[0].Text(), "a{b=\"2\"} fell from 5 to 4");
  EXPECT_EQ(falls[1].Text(), "a{b=\"3\"} fell from 5 and is gone");
  EXPECT_TRUE(Falls(after, after).empty());
}

}  // namespace
}  // namespace weir
