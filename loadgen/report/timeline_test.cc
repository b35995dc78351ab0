#include "loadgen/report/timeline.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr absl::Duration kSecond = absl::Seconds(1);

Moment SecondWith(int64_t sent, uint64_t latency_ns) {
  Moment moment = {.length = kSecond, .sent = sent, .answered = sent - 1, .failed = 1};
  Histogram latency;
  latency.Record(latency_ns, sent - 1);
  moment.SetLatency(latency);
  return moment;
}

google::protobuf::RepeatedPtrField<v1::LoadMoment> Report(const Timeline& timeline) {
  google::protobuf::RepeatedPtrField<v1::LoadMoment> moments;
  timeline.Report(moments);
  return moments;
}

TEST(TimelineTest, EachSecondIsAMoment) {
  Timeline timeline;
  timeline.Add(SecondWith(5, 1000));
  timeline.Add(SecondWith(7, 2000));
  const auto moments = Report(timeline);
  ASSERT_EQ(moments.size(), 2);
  EXPECT_EQ(moments[0].at(), 0.5);
  EXPECT_EQ(moments[1].at(), 1.5);
  EXPECT_EQ(moments[1].seconds(), 1);
  EXPECT_EQ(moments[1].sent(), 7);
  EXPECT_EQ(moments[1].answered(), 6);
  EXPECT_EQ(moments[1].failed(), 1);
  EXPECT_NEAR(moments[1].p50(), 2e-6, 2e-6 / 64);
}

TEST(TimelineTest, AMomentWithoutAnswersHasNoPercentiles) {
  Timeline timeline;
  timeline.Add({.length = kSecond, .sent = 3, .failed = 3});
  EXPECT_EQ(Report(timeline)[0].p99(), 0);
}

TEST(TimelineTest, PercentilesOfJoinedMomentsAreThoseOfAllTheirAnswers) {
  Moment moment = SecondWith(100, 1000);
  moment.Append(SecondWith(3, 500));
  moment.Append(SecondWith(100, 9000));
  EXPECT_EQ(moment.length, 3 * kSecond);
  EXPECT_EQ(moment.sent, 203);
  EXPECT_NEAR(moment.Quantile(0.01), 500e-9, 10e-9);
  EXPECT_NEAR(moment.Quantile(0.4), 1000e-9, 20e-9);
  EXPECT_NEAR(moment.Quantile(0.9), 9000e-9, 150e-9);
}

TEST(TimelineTest, LongRunsAreJoinedWithoutLosingAnything) {
  Timeline timeline;
  constexpr int kSeconds = 3 * Timeline::kMaxMoments + 17;
  for (int i = 0; i < kSeconds; ++i) timeline.Add(SecondWith(2, 1000));
  const auto moments = Report(timeline);
  EXPECT_LE(moments.size(), Timeline::kMaxMoments);
  EXPECT_GE(moments.size(), Timeline::kMaxMoments / 2);
  double sent = 0, seconds = 0;
  for (const v1::LoadMoment& moment : moments) {
    EXPECT_NEAR(moment.at(), seconds + moment.seconds() / 2, 1e-9);
    sent += moment.sent();
    seconds += moment.seconds();
  }
  EXPECT_EQ(seconds, kSeconds);
  EXPECT_EQ(sent, 2 * kSeconds);
  // All but the last are equally long.
  for (int i = 0; i + 1 < moments.size() - 1; ++i) EXPECT_EQ(moments[i].seconds(), 4);
}

TEST(TimelineTest, AShortRestIsJoinedToTheMomentBefore) {
  Timeline timeline;
  timeline.Add(SecondWith(5, 1000));
  Moment rest = SecondWith(2, 1000);
  rest.length = absl::Milliseconds(3);
  timeline.Add(rest);
  const auto moments = Report(timeline);
  ASSERT_EQ(moments.size(), 1);
  EXPECT_NEAR(moments[0].seconds(), 1.003, 1e-9);
  EXPECT_EQ(moments[0].sent(), 7);
}

TEST(TimelineTest, ARunShorterThanASecondHasOneMoment) {
  Timeline timeline;
  timeline.Add({.length = absl::Milliseconds(80), .sent = 4});
  ASSERT_EQ(Report(timeline).size(), 1);
  EXPECT_NEAR(Report(timeline)[0].seconds(), 0.08, 1e-9);
}

}  // namespace
}  // namespace weir
