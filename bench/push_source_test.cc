#include "bench/push_source.h"

#include "absl/strings/str_cat.h"
#include "bench/exposed_totals.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weir/v1/stats.pb.h"

namespace weir {
namespace {

using testing::HasSubstr;

v1::PushRequest NextPush(PushSource& source) {
  v1::PushRequest request;
  EXPECT_TRUE(request.ParseFromString(absl::StrCat(source.FixedPart(), source.TakeSnapshot())));
  return request;
}

v1::Dictionary DictionaryOf(const v1::PushRequest& request) {
  v1::Dictionary dictionary;
  EXPECT_TRUE(dictionary.ParseFromString(request.dictionary()));
  return dictionary;
}

TEST(PushSourceTest, EachPushIsNewerThanTheOneBefore) {
  PushSource source({.replica = "a:8001"});
  const v1::PushRequest first = NextPush(source);
  const v1::PushRequest second = NextPush(source);
  EXPECT_EQ(first.replica(), "a:8001");
  EXPECT_EQ(first.boot_id().size(), 16U);
  EXPECT_EQ(first.boot_id(), second.boot_id());
  EXPECT_EQ(first.seq(), 1U);
  EXPECT_EQ(second.seq(), 2U);
}

TEST(PushSourceTest, SourcesOfDifferentReplicasAreDifferentBoots) {
  PushSource one({.replica = "a:8001"});
  PushSource other({.replica = "a:8002"});
  EXPECT_NE(NextPush(one).boot_id(), NextPush(other).boot_id());
}

TEST(PushSourceTest, ADictionaryFitsItsValues) {
  PushSource source({.replica = "a:8001"});
  const v1::PushRequest request = NextPush(source);
  int values = 0;
  int buckets = 0;
  int log_linear = 0;
  const v1::Dictionary dictionary = DictionaryOf(request);
  for (const v1::MetricFamily& family : dictionary.families()) {
    for (const v1::MetricSeries& series : family.series()) {
      EXPECT_EQ(series.label_values_size(), family.label_names_size()) << family.name();
      ++values;
      if (family.type() != v1::METRIC_TYPE_HISTOGRAM) continue;
      buckets += series.bounds_size() + 1;
      log_linear += family.log_linear() ? 1 : 0;
    }
  }
  EXPECT_EQ(request.values_size(), values);
  EXPECT_EQ(request.bucket_counts_size(), buckets);
  EXPECT_EQ(request.log_linear_size(), log_linear);
  EXPECT_EQ(log_linear, 3);
}

TEST(PushSourceTest, NoCounterOrBucketEverFalls) {
  PushSource source({.replica = "a:8001"});
  const v1::PushRequest before = NextPush(source);
  for (int i = 0; i < 100; ++i) source.Serve();
  const v1::PushRequest after = NextPush(source);
  double growth = 0;
  for (int i = 0; i < before.values_size(); ++i) {
    ASSERT_GE(after.values(i), before.values(i));
    growth += after.values(i) - before.values(i);
  }
  EXPECT_GT(growth, 0);
  for (int i = 0; i < before.bucket_counts_size(); ++i) {
    ASSERT_GE(after.bucket_counts(i), before.bucket_counts(i));
  }
  EXPECT_EQ(source.FixedPart(), PushSource({.replica = "a:8001"}).FixedPart());
}

TEST(PushSourceTest, ALogLinearHistogramCountsWhatTheClassicOneCounts) {
  PushSource source({.replica = "a:8001", .models = 1});
  source.Serve();
  const v1::PushRequest request = NextPush(source);
  uint64_t log_linear = 0;
  for (const uint64_t count : request.log_linear(0).counts()) log_linear += count;
  ExposedTotals totals;
  AddTotals(source.Text(), totals);
  EXPECT_EQ(totals.at("weir_request_duration_seconds_count{model=\"model-0\",version=\"1\"}"),
            static_cast<double>(log_linear));
}

TEST(PushSourceTest, TheTextSaysTheSameAsThePush) {
  PushSource source({.replica = "a:8001", .first_model = 6});
  source.Serve();
  const v1::PushRequest request = NextPush(source);
  const std::string text = source.Text();
  int value = 0;
  int lines = 0;
  const v1::Dictionary dictionary = DictionaryOf(request);
  for (const v1::MetricFamily& family : dictionary.families()) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("# TYPE ", family.name(), " ")));
    for (const v1::MetricSeries& series : family.series()) {
      const bool histogram = family.type() == v1::METRIC_TYPE_HISTOGRAM;
      lines += histogram ? series.bounds_size() + (family.without_sum() ? 2 : 3) : 1;
      if (family.name() == "weir_rows_total") {
        EXPECT_THAT(text, HasSubstr(absl::StrCat("weir_rows_total{model=\"", series.label_values(0),
                                                 "\",version=\"1\"} ", request.values(value))));
      }
      ++value;
    }
  }
  EXPECT_EQ(source.TextLines(), lines);
  EXPECT_EQ(CountLines(text), lines);
  EXPECT_THAT(text, HasSubstr("model=\"model-8\""));
}

TEST(ExposedTotalsTest, SeriesOfSeveralExpositionsAddUp) {
  ExposedTotals totals;
  AddTotals("# TYPE a counter\na{m=\"x\"} 2\n# TYPE g gauge\ng 1\n", totals);
  AddTotals("# TYPE a counter\na{m=\"x\"} 3\n", totals);
  EXPECT_EQ(totals.size(), 1U);
  EXPECT_EQ(totals.at("a{m=\"x\"}"), 5);
}

TEST(ExposedTotalsTest, ABoundIsTheSameHoweverItIsWritten) {
  ExposedTotals expected;
  ExposedTotals exposed;
  AddTotals("# TYPE h histogram\nh_bucket{le=\"0.0001\"} 2\nh_bucket{le=\"+Inf\"} 3\n", expected);
  AddTotals("# TYPE h histogram\nh_bucket{le=\"1e-04\"} 2\nh_bucket{le=\"+Inf\"} 3\n", exposed);
  EXPECT_TRUE(CompareTotals(expected, exposed).ok());
}

TEST(ExposedTotalsTest, AnotherValueIsAnErrorThatNamesTheSeries) {
  ExposedTotals expected;
  ExposedTotals exposed;
  AddTotals("# TYPE a counter\na 2\n", expected);
  EXPECT_THAT(std::string(CompareTotals(expected, exposed).message()), HasSubstr("not exposed: a"));
  AddTotals("# TYPE a counter\na 3\n", exposed);
  EXPECT_THAT(std::string(CompareTotals(expected, exposed).message()),
              HasSubstr("a is exposed as 3 and not 2"));
}

}  // namespace
}  // namespace weir
