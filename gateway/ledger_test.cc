#include "gateway/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/histogram.h"
#include "base/metrics.h"
#include "gateway/push_builder.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Verdict = Ledger::Verdict;

const absl::Time kStart = absl::UnixEpoch() + absl::Hours(400'000);
const PushBuilder::Labels kModel = {{"model", "m"}};

class LedgerTest : public ::testing::Test {
 protected:
  // What becomes of a push, as the gateway does it.
  absl::StatusOr<Verdict> Take(const PushBuilder& builder) {
    const auto push = ledger_->Completed(builder.Decoded());
    auto verdict = ledger_->Check(*push);
    if (!verdict.ok() || *verdict == Verdict::kDuplicate) return verdict;
    ledger_->Apply(LedgerRecord::Of(
        *verdict == Verdict::kBaseline ? LedgerRecord::Kind::kBaseline : LedgerRecord::Kind::kPush,
        now_, push));
    return verdict;
  }

  std::string ErrorOf(const PushBuilder& builder) {
    const auto verdict = Take(builder);
    return verdict.ok() ? "no error" : std::string(verdict.status().message());
  }

  void Wait(absl::Duration duration) {
    now_ += duration;
    ledger_->Advance(now_);
  }

  // NaN where it is not exposed.
  double ValueOf(absl::string_view name, absl::string_view labels = "") const {
    const MergedSeries* const series = SeriesOf(name, labels);
    return series == nullptr || !series->exposed() ? NAN : series->Value();
  }

  const MergedSeries* SeriesOf(absl::string_view name, absl::string_view labels = "") const {
    const MergedFamily* const family = ledger_->merged().Find(name);
    return family == nullptr ? nullptr : ledger_->merged().FindSeries(*family, labels);
  }

  // Through the journal, and back.
  void Restart() {
    std::vector<std::pair<LedgerRecord, std::string>> records;
    ledger_->ForEachRecord(
        [&](const LedgerRecord& record) { records.emplace_back(record, record.Payload()); });
    ledger_ = std::make_unique<Ledger>(Options());
    for (const auto& [record, payload] : records) {
      const auto decoded = LedgerRecord::Decode(record.kind, record.arrival, payload);
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      ASSERT_TRUE(ledger_->Restore(*decoded).ok());
    }
    ledger_->Advance(now_);
  }

  static Ledger::Options Options() {
    Ledger::Options options;
    options.retire_after = absl::Hours(1);
    options.forget_after = absl::Hours(24);
    return options;
  }

  absl::Time now_ = kStart;
  std::unique_ptr<Ledger> ledger_ = std::make_unique<Ledger>(Options());
};

PushBuilder Counting(char boot, uint64_t seq, double value) {
  PushBuilder push(absl::StrCat("replica-", std::string(1, boot)), boot, seq);
  push.Began(kStart).Counter("counter", kModel, value);
  return push;
}

TEST_F(LedgerTest, CountersOfBootsAddUpAndANewerSnapshotReplacesAnOlderOne) {
  EXPECT_EQ(*Take(Counting('a', 1, 10)), Verdict::kNew);
  EXPECT_EQ(*Take(Counting('b', 5, 100)), Verdict::kNew);
  EXPECT_EQ(*Take(Counting('a', 3, 12)), Verdict::kNew);
  EXPECT_EQ(*Take(Counting('a', 2, 11)), Verdict::kDuplicate);
  EXPECT_EQ(*Take(Counting('a', 3, 12)), Verdict::kDuplicate);
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 112);
  EXPECT_EQ(ledger_->SeqOf(Counting('a', 1, 0).Decoded()->boot_id), 3u);
  EXPECT_EQ(ledger_->SeqOf(Counting('z', 1, 0).Decoded()->boot_id), 0u);
}

TEST_F(LedgerTest, SeriesWithTheSameLabelsInOnePushAddUp) {
  PushBuilder push = Counting('a', 1, 1);
  push.Counter("counter", kModel, 2);
  push.Histogram("h", {}, {1}, {1, 0}, 0.5).Histogram("h", {}, {2}, {4, 1}, 8);
  EXPECT_TRUE(Take(push).ok());
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 3);
  EXPECT_THAT(SeriesOf("h")->histogram->counts, ElementsAre(1, 4, 1));
  EXPECT_EQ(ValueOf("h"), 8.5);
}

TEST_F(LedgerTest, HistogramsWithOtherBoundsAreMergedOverAllBounds) {
  PushBuilder a("a", 'a', 1);
  a.Histogram("h", {}, {1, 3}, {1, 2, 4}, 7);
  PushBuilder b("b", 'b', 1);
  b.Histogram("h", {}, {2, 3, 1e-4}, {10, 20, 40, 80}, 1);
  b.Message("h").mutable_series(0)->mutable_bounds()->Clear();
  for (const double bound : {0.0001, 2.0, 3.0}) b.Message("h").mutable_series(0)->add_bounds(bound);
  EXPECT_TRUE(Take(a).ok());
  EXPECT_EQ(ledger_->merged().num_lines(), 5);
  EXPECT_TRUE(Take(b).ok());
  EXPECT_EQ(ledger_->merged().num_lines(), 7);
  const MergedSeries::Histogram& merged = *SeriesOf("h")->histogram;
  EXPECT_THAT(merged.bounds->le, ElementsAre("0.0001", "1", "2", "3", "+Inf"));
  EXPECT_THAT(merged.counts, ElementsAre(10, 1, 20, 42, 84));
}

TEST_F(LedgerTest, GaugesAreMergedByTheirRules) {
  const auto push = [&](char boot, uint64_t seq, int began, double value) {
    PushBuilder builder(absl::StrCat("r", std::string(1, boot)), boot, seq);
    builder.Began(kStart + absl::Seconds(began));
    builder.Gauge("sum", v1::GAUGE_MERGE_SUM, {}, value);
    builder.Gauge("max", v1::GAUGE_MERGE_MAX, {}, value);
    builder.Gauge("last", v1::GAUGE_MERGE_LAST, {}, value);
    builder.Gauge("union", v1::GAUGE_MERGE_UNION, {}, value);
    EXPECT_TRUE(Take(builder).ok());
  };
  const auto values = [&] {
    return std::vector<double>{ValueOf("sum"), ValueOf("max"), ValueOf("last"), ValueOf("union")};
  };
  push('a', 1, 5, 3);
  push('b', 1, 9, -4);
  EXPECT_THAT(values(), ElementsAre(-1, 3, -4, 1));
  push('c', 1, 7, 8);
  EXPECT_THAT(values(), ElementsAre(7, 8, -4, 1));
  push('c', 2, 7, 1);
  EXPECT_THAT(values(), ElementsAre(0, 3, -4, 1));
  EXPECT_EQ(ledger_->merged().num_lines(), 4);
}

TEST_F(LedgerTest, GaugesExpireAfterThreeIntervalsAndCountersStay) {
  PushBuilder a = Counting('a', 1, 1);
  a.Gauge("gauge", v1::GAUGE_MERGE_MAX, {}, 7);
  PushBuilder b = Counting('b', 1, 1);
  b.Gauge("gauge", v1::GAUGE_MERGE_MAX, {}, 5);
  EXPECT_TRUE(Take(a).ok());
  Wait(absl::Milliseconds(1500));
  EXPECT_TRUE(Take(b).ok());
  Wait(absl::Milliseconds(1499));
  EXPECT_EQ(ValueOf("gauge"), 7);
  Wait(absl::Milliseconds(1));
  EXPECT_EQ(ValueOf("gauge"), 5);
  EXPECT_EQ(ledger_->Sources()[0].state, LedgerSource::State::kSilent);
  EXPECT_EQ(ledger_->Sources()[1].state, LedgerSource::State::kUp);
  Wait(absl::Seconds(2));
  EXPECT_TRUE(std::isnan(ValueOf("gauge")));
  EXPECT_EQ(ledger_->merged().num_lines(), 1);
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 2);

  PushBuilder again = Counting('a', 2, 4);
  again.Gauge("gauge", v1::GAUGE_MERGE_MAX, {}, 6);
  EXPECT_TRUE(Take(again).ok());
  EXPECT_EQ(ValueOf("gauge"), 6);
  EXPECT_TRUE(Take(Counting('b', 2, 1).Last()).ok());
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 5);
}

TEST_F(LedgerTest, TheLastPushEndsABootWithItsGauges) {
  PushBuilder push = Counting('a', 1, 1);
  push.Gauge("gauge", v1::GAUGE_MERGE_SUM, {}, 7);
  EXPECT_TRUE(Take(push).ok());
  EXPECT_EQ(ValueOf("gauge"), 7);
  PushBuilder last = Counting('a', 2, 2);
  last.Gauge("gauge", v1::GAUGE_MERGE_SUM, {}, 7).Last();
  EXPECT_TRUE(Take(last).ok());
  EXPECT_TRUE(std::isnan(ValueOf("gauge")));
  EXPECT_EQ(ledger_->Sources()[0].state, LedgerSource::State::kEnded);
  Wait(absl::Seconds(3));
  EXPECT_TRUE(ledger_->Sources().empty());
  EXPECT_EQ(ledger_->num_retired(), 1);
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 2);
}

TEST_F(LedgerTest, ARetiredBootThatPushesAgainAddsOnlyTheDifference) {
  EXPECT_TRUE(Take(Counting('a', 1, 10)).ok());
  Wait(absl::Minutes(59));
  EXPECT_EQ(ledger_->num_boots(), 1);
  Wait(absl::Minutes(1));
  EXPECT_EQ(ledger_->num_boots(), 0);
  EXPECT_EQ(ledger_->num_retired(), 1);
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 10);
  Restart();
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 10);
  EXPECT_EQ(*Take(Counting('a', 1, 10)), Verdict::kDuplicate);
  EXPECT_THAT(ErrorOf(Counting('a', 2, 9)), HasSubstr("fell from 10 to 9"));
  EXPECT_EQ(*Take(Counting('a', 2, 13).Acknowledged(1)), Verdict::kNew);
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 13);
  EXPECT_EQ(ledger_->num_retired(), 0);
}

TEST_F(LedgerTest, AnOlderBootOfAReplicaIsRetiredOnceItIsSilent) {
  PushBuilder older("same", 'a', 1);
  older.Began(kStart).Counter("counter", kModel, 1);
  PushBuilder newer("same", 'b', 1);
  newer.Began(kStart + absl::Seconds(1)).Counter("counter", kModel, 1);
  EXPECT_TRUE(Take(older).ok());
  EXPECT_TRUE(Take(newer).ok());
  Wait(absl::Seconds(3));
  EXPECT_EQ(ledger_->num_boots(), 1);
  ASSERT_EQ(ledger_->Sources().size(), 1u);
  EXPECT_EQ(ledger_->Sources()[0].boot_id.AsBytes(), std::string(16, 'b'));
  EXPECT_EQ(ledger_->Sources()[0].last_push, kStart);
}

TEST_F(LedgerTest, WhatAForgottenBootCountedStaysButForItsReplica) {
  PushBuilder push = Counting('a', 4, 10);
  push.Counter("cpu", {{"replica", "replica-a"}}, 3);
  push.Histogram("h", {}, {1}, {1, 2}, 3);
  EXPECT_TRUE(Take(push).ok());
  for (int hour = 0; hour < 23; ++hour) Wait(absl::Hours(1));
  EXPECT_EQ(ledger_->num_retired(), 1);
  EXPECT_EQ(ValueOf("cpu", R"(replica="replica-a")"), 3);
  Wait(absl::Hours(1));
  EXPECT_EQ(ledger_->num_retired(), 0);
  EXPECT_TRUE(std::isnan(ValueOf("cpu", R"(replica="replica-a")")));
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(ValueOf("counter", R"(model="m")"), 10);
    EXPECT_THAT(SeriesOf("h")->histogram->counts, ElementsAre(1, 2));
    Restart();
  }
  // What it had is not known any more, but it has counted.
  EXPECT_EQ(*Take(push), Verdict::kDuplicate);
  PushBuilder again = Counting('a', 5, 12);
  EXPECT_EQ(*Take(again), Verdict::kBaseline);
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 10);
  EXPECT_EQ(*Take(Counting('a', 6, 13)), Verdict::kNew);
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 11);
}

TEST_F(LedgerTest, AReplicaThatLivesOnKeepsWhatItsForgottenBootsCounted) {
  PushBuilder first("same", 'a', 1);
  first.Began(kStart).Counter("cpu", {{"replica", "same"}}, 5);
  EXPECT_TRUE(Take(first).ok());
  for (int hour = 0; hour < 30; ++hour) {
    PushBuilder second("same", 'b', hour + 1);
    second.Began(kStart + absl::Seconds(1)).Counter("cpu", {{"replica", "same"}}, hour);
    EXPECT_TRUE(Take(second).ok());
    EXPECT_EQ(ValueOf("cpu", R"(replica="same")"), 5 + hour);
    Wait(absl::Hours(1));
  }
  EXPECT_EQ(ledger_->num_retired() + ledger_->num_boots(), 1);
}

TEST_F(LedgerTest, ServersAreNotForgottenBecauseTheGatewayWasAway) {
  EXPECT_TRUE(Take(Counting('a', 1, 10)).ok());
  now_ += absl::Hours(1000);
  Restart();
  Wait(absl::Minutes(30));
  EXPECT_EQ(*Take(Counting('a', 2, 15).Acknowledged(1)), Verdict::kNew);
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 15);
}

TEST_F(LedgerTest, OfTooManyRetiredBootsTheOldestAreForgotten) {
  Ledger::Options options = Options();
  options.max_retired = 2;
  ledger_ = std::make_unique<Ledger>(options);
  Wait(absl::ZeroDuration());
  for (int minute = 0; minute < 61; ++minute) Wait(absl::Minutes(1));
  for (const char boot : {'a', 'b', 'c', 'd'}) {
    EXPECT_TRUE(Take(Counting(boot, 1, 1).Last()).ok());
    Wait(absl::Seconds(3));
  }
  EXPECT_EQ(ledger_->num_retired(), 2);
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 4);
  EXPECT_EQ(*Take(Counting('a', 1, 1)), Verdict::kDuplicate);
}

TEST_F(LedgerTest, AfterALostJournalTheFirstSnapshotIsTheBaseline) {
  EXPECT_EQ(*Take(Counting('a', 7, 1000).Acknowledged(6)), Verdict::kBaseline);
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 0);
  PushBuilder more = Counting('a', 8, 1003);
  more.Acknowledged(7).Counter("counter", {{"model", "new"}}, 4);
  EXPECT_EQ(*Take(more), Verdict::kNew);
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(ValueOf("counter", R"(model="m")"), 3);
    EXPECT_EQ(ValueOf("counter", R"(model="new")"), 4);
    Restart();
  }
  Wait(absl::Hours(1));  // It is retired.
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 3);
  Restart();
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 3);
  for (int hour = 0; hour < 25; ++hour) Wait(absl::Hours(1));
  EXPECT_EQ(ledger_->num_retired(), 0);
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 3);
}

TEST_F(LedgerTest, ARecoveredPushKeepsWhatTheBootHadInMemoryAlone) {
  const std::map<uint32_t, uint64_t> log_linear = {{7, 1}, {600, 2}};
  const auto push = [&](uint64_t seq, double rows) {
    PushBuilder builder = Counting('a', seq, rows);
    builder.Histogram("h", kModel, {1, 2}, {1, 2, 0}, rows, &log_linear);
    return builder;
  };
  const auto labels = [](absl::string_view model) { return absl::StrCat("model=\"", model, "\""); };
  // With its last push, with its totals alone, and with what a journal held of either.
  for (const bool retired : {false, true}) {
    for (const bool restarted : {false, true}) {
      SCOPED_TRACE(absl::StrCat(retired, restarted));
      ledger_ = std::make_unique<Ledger>(Options());
      Wait(absl::ZeroDuration());
      PushBuilder before = push(3, 10);
      before.Counter("counter", {{"model", "memory"}}, 5);
      before.Histogram("h", {{"model", "memory"}}, {2}, {3, 4}, 123456789.987654321, &log_linear);
      before.Counter("only", {}, 3).Counter("only", {}, 4);
      before.Gauge("gauge", v1::GAUGE_MERGE_SUM, {}, 1);
      EXPECT_EQ(*Take(before), Verdict::kNew);
      if (retired) Wait(absl::Hours(2));
      EXPECT_EQ(ledger_->num_retired(), retired ? 1 : 0);
      if (restarted) Restart();
      const double sum = ValueOf("h", labels("memory"));

      EXPECT_THAT(ErrorOf(push(4, 12)), HasSubstr("is gone"));
      EXPECT_THAT(ErrorOf(push(4, 9).Recovered()), HasSubstr("fell from 10 to 9"));
      EXPECT_EQ(*Take(push(4, 12).Recovered()), Verdict::kNew);
      for (int turn = 0; turn < 2; ++turn) {
        EXPECT_EQ(ValueOf("counter", labels("m")), 12);
        EXPECT_EQ(ValueOf("counter", labels("memory")), 5);
        EXPECT_EQ(ValueOf("h", labels("m")), 12);
        EXPECT_EQ(ValueOf("h", labels("memory")), sum);
        EXPECT_THAT(SeriesOf("h", labels("memory"))->histogram->counts, ElementsAre(3, 4));
        EXPECT_EQ(ValueOf("only"), 7);
        EXPECT_TRUE(std::isnan(ValueOf("gauge")));
        const std::string state = ledger_->DebugString();
        EXPECT_EQ(*Take(push(4, 12).Recovered()), Verdict::kDuplicate);
        EXPECT_EQ(*Take(before), Verdict::kDuplicate);
        EXPECT_EQ(ledger_->DebugString(), state);
        Restart();
      }

      // Again, with more of it, and with less.
      PushBuilder more = push(6, 13);
      more.Counter("counter", {{"model", "memory"}}, 6);
      EXPECT_EQ(*Take(more.Recovered()), Verdict::kNew);
      EXPECT_EQ(*Take(push(7, 14).Recovered()), Verdict::kNew);
      EXPECT_EQ(ValueOf("counter", labels("m")), 14);
      EXPECT_EQ(ValueOf("counter", labels("memory")), 6);
      EXPECT_EQ(ValueOf("only"), 7);
      PushBuilder other = Counting('a', 8, 15);
      other.Histogram("h", kModel, {1, 3}, {1, 2, 0}, 15);
      EXPECT_THAT(ErrorOf(other.Recovered()), HasSubstr("other bounds"));
      Wait(absl::Hours(2));
      EXPECT_EQ(ledger_->num_retired(), 1);
      EXPECT_EQ(ValueOf("counter", labels("memory")), 6);
      EXPECT_EQ(ValueOf("h", labels("memory")), sum);
    }
  }
}

TEST_F(LedgerTest, ARecoveredPushIsCompletedOnlyByItsOwnBootAndWhereItLacksSomething) {
  EXPECT_TRUE(Take(Counting('a', 1, 10)).ok());
  for (PushBuilder& builder : std::vector<PushBuilder>{
           Counting('b', 2, 3).Recovered(), Counting('a', 2, 10).Recovered(), Counting('a', 2, 11),
           Counting('a', 1, 10).Recovered(), PushBuilder("replica-a", 'a', 2)}) {
    const auto push = builder.Decoded();
    EXPECT_EQ(ledger_->Completed(push), push);
  }
  // A family of another meaning is a contradiction still.
  PushBuilder gauge("replica-a", 'a', 2);
  gauge.Gauge("counter", v1::GAUGE_MERGE_SUM, kModel, 1);
  EXPECT_THAT(ErrorOf(gauge.Recovered()), HasSubstr("another type"));
  PushBuilder none("replica-a", 'a', 2);
  EXPECT_EQ(*Take(none.Recovered()), Verdict::kNew);
  EXPECT_EQ(ValueOf("counter", R"(model="m")"), 10);
}

TEST_F(LedgerTest, WhereOnlyABaselineIsLeftNothingCountsLessThanNothing) {
  PushBuilder baseline = Counting('a', 7, 1000);
  baseline.Acknowledged(6).Counter("memory", {}, 5).Histogram("h", {}, {1}, {2, 3}, 4);
  EXPECT_EQ(*Take(baseline), Verdict::kBaseline);
  std::vector<LedgerRecord> records;
  ledger_->ForEachRecord([&](const LedgerRecord& record) {
    if (record.kind == LedgerRecord::Kind::kTotals) records.push_back(record);
  });
  ASSERT_EQ(records.size(), 1u);
  ledger_ = std::make_unique<Ledger>(Options());
  ASSERT_TRUE(ledger_->Restore(records[0]).ok());
  EXPECT_EQ(*Take(Counting('a', 8, 1003).Recovered()), Verdict::kNew);
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(ValueOf("counter", R"(model="m")"), 3);
    EXPECT_EQ(ValueOf("memory"), 0);
    EXPECT_THAT(SeriesOf("h")->histogram->counts, ElementsAre(0, 0));
    Restart();
  }
}

TEST_F(LedgerTest, AFamilyThatHadAnotherMeaningBeforeComesBackFromTheJournal) {
  const auto record = [this](const PushBuilder& push) {
    return LedgerRecord::Of(LedgerRecord::Kind::kPush, now_, push.Decoded());
  };
  PushBuilder gauge("replica-a", 'a', 1);
  gauge.Began(kStart).Gauge("x", v1::GAUGE_MERGE_SUM, {}, 4);
  PushBuilder counter("replica-b", 'b', 1);
  counter.Began(kStart).Counter("x", {}, 7).Counter("other", {}, 1);
  const LedgerRecord old = record(gauge);
  EXPECT_TRUE(Take(gauge).ok());
  Wait(absl::Hours(1));
  EXPECT_TRUE(Take(counter).ok());
  EXPECT_EQ(ValueOf("x"), 7);
  const LedgerRecord fresh = record(counter);
  auto next = std::make_shared<Push>(*fresh.push);
  next->seq = 2;
  next->values[0] = 9;

  // Later on the newer boot is retired with the older one.
  for (const absl::Duration later : {absl::ZeroDuration(), absl::Hours(2)}) {
    ledger_ = std::make_unique<Ledger>(Options());
    ASSERT_TRUE(ledger_->Restore(old).ok());
    ASSERT_TRUE(ledger_->Restore(fresh).ok());
    EXPECT_EQ(ValueOf("x"), 4);
    EXPECT_THAT(ledger_->Check(*next).status().message(), HasSubstr("x has another type"));
    ledger_->Advance(now_ + later);
    EXPECT_EQ(ValueOf("x"), 7);
    EXPECT_EQ(ValueOf("other"), 1);
    EXPECT_EQ(ledger_->merged().num_lines(), 2);
    EXPECT_EQ(ledger_->num_retired(), later > absl::ZeroDuration() ? 2 : 1);
    EXPECT_EQ(*ledger_->Check(*next), Verdict::kNew);
    ledger_->Apply(LedgerRecord::Of(LedgerRecord::Kind::kPush, now_ + later, next));
    EXPECT_EQ(ValueOf("x"), 9);
    EXPECT_EQ(ValueOf("other"), 1);
  }
}

TEST_F(LedgerTest, FamiliesComeInTheOrderOfTheCatalogueThenByNameAndSeriesByTheirLabels) {
  PushBuilder push("r", 'a', 1);
  push.Counter("b", {{"l", "2"}}, 1).Counter("b", {{"l", "10"}}, 1).Counter("a", {}, 1);
  push.Counter("weir_process_cpu_seconds_total", {{"replica", "r"}}, 1);
  push.Counter("weir_rows_total", {{"model", "m"}, {"version", "1"}}, 1);
  EXPECT_TRUE(Take(push).ok());
  std::vector<std::string> names;
  for (const MergedFamily* const family : ledger_->merged().families()) {
    for (const MergedSeries* const series : family->series) {
      names.push_back(SeriesName(family->name, series->labels));
    }
  }
  EXPECT_THAT(names, ElementsAre(R"(weir_rows_total{model="m",version="1"})",
                                 R"(weir_process_cpu_seconds_total{replica="r"})", "a{}",
                                 R"(b{l="10"})", R"(b{l="2"})"));
  EXPECT_EQ(ledger_->merged().Find("weir_rows_total")->help, FindMetric("weir_rows_total")->help);
}

TEST_F(LedgerTest, WindowsHoldWhatHappenedNowAndNotWhatWasFoundLater) {
  const auto push = [](char boot, uint64_t seq, uint64_t requests) {
    const std::map<uint32_t, uint64_t> log_linear = {{600, requests}};
    PushBuilder builder("r", boot, seq);
    builder.Began(kStart);
    builder.Counter("weir_requests_total", {{"model", "m"}, {"version", "1"}, {"code", "OK"}},
                    static_cast<double>(requests));
    builder.Histogram("weir_request_duration_seconds", {{"model", "m"}, {"version", "1"}}, {1},
                      {requests, 0}, 1, &log_linear);
    return builder;
  };
  const auto requests = [&] {
    return ledger_->Models().empty() ? 0 : ledger_->Models()[0].windows->OkRequests(kWindow1m);
  };
  EXPECT_TRUE(Take(push('a', 1, 5)).ok());
  EXPECT_EQ(requests(), 5u);
  EXPECT_TRUE(Take(push('a', 2, 8)).ok());
  EXPECT_EQ(requests(), 8u);
  EXPECT_TRUE(Take(push('b', 9, 100).Recovered()).ok());
  EXPECT_EQ(requests(), 8u);
  EXPECT_TRUE(Take(push('c', 9, 100).Acknowledged(3)).ok());
  EXPECT_EQ(requests(), 8u);
  EXPECT_TRUE(Take(push('c', 10, 102).Acknowledged(3)).ok());
  EXPECT_EQ(requests(), 10u);
  // With another dictionary.
  EXPECT_TRUE(Take(push('a', 3, 9).Counter("new", {}, 1)).ok());
  EXPECT_EQ(requests(), 11u);
  const double seconds = static_cast<double>(HistogramBucketBegin(600)) / 1e9;
  EXPECT_NEAR(ledger_->Models()[0].windows->Quantile(kWindow1m, 0.99), seconds, seconds * 0.032);
  Restart();
  EXPECT_EQ(requests(), 0u);
  Wait(absl::Hours(2));
  EXPECT_TRUE(ledger_->Models().empty());
}

}  // namespace
}  // namespace weir
