// What Ledger::Check refuses, and that a refusal changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "gateway/ledger.h"
#include "gateway/push_builder.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::UnixEpoch() + absl::Hours(400'000);

void Apply(const PushBuilder& builder, Ledger& ledger) {
  const auto push = builder.Decoded();
  const auto verdict = ledger.Check(*push);
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  ledger.Apply(LedgerRecord::Of(LedgerRecord::Kind::kPush, kNow, push));
}

PushBuilder First() {
  PushBuilder push("host:8001", 'a', 1);
  push.Counter("counter", {{"model", "m"}}, 10);
  push.Histogram("histogram", {{"model", "m"}}, {1, 2}, {1, 2, 3}, 4);
  push.Gauge("gauge", v1::GAUGE_MERGE_SUM, {}, 1);
  return push;
}

struct Refused {
  std::string says;
  std::function<PushBuilder()> push;
};

TEST(LedgerCheckTest, AContradictionNamesTheSeriesAndChangesNothing) {
  Ledger ledger((Ledger::Options()));
  Apply(First(), ledger);
  const std::string before = ledger.DebugString();
  const auto histogram = [](PushBuilder& push) -> PushBuilder& {
    return push.Histogram("histogram", {{"model", "m"}}, {1, 2}, {1, 2, 3}, 4);
  };
  const Refused cases[] = {
      {R"(counter{model="m"} fell from 10 to 9)",
       [&] {
         PushBuilder push("host:8001", 'a', 2);
         push.Counter("counter", {{"model", "m"}}, 9);
         return histogram(push);
       }},
      {R"(counter{model="m"} is gone)",
       [&] {
         PushBuilder push("host:8001", 'a', 2);
         return histogram(push);
       }},
      {R"(histogram{model="m"} fell in a bucket from 2 to 1)",
       [] {
         PushBuilder push("host:8001", 'a', 2);
         push.Counter("counter", {{"model", "m"}}, 10);
         push.Histogram("histogram", {{"model", "m"}}, {1, 2}, {1, 1, 4}, 4);
         return push;
       }},
      {R"(histogram{model="m"} fell from 4 to 3)",
       [] {
         PushBuilder push("host:8001", 'a', 2);
         push.Counter("counter", {{"model", "m"}}, 10);
         push.Histogram("histogram", {{"model", "m"}}, {1, 2}, {1, 2, 3}, 3);
         return push;
       }},
      {R"(histogram{model="m"} is gone, or has other bounds)",
       [] {
         PushBuilder push("host:8001", 'a', 2);
         push.Counter("counter", {{"model", "m"}}, 10);
         push.Histogram("histogram", {{"model", "m"}}, {1, 3}, {1, 2, 3}, 4);
         return push;
       }},
      {R"(histogram{model="m"} has other bounds)",
       [] {
         PushBuilder push("host:8001", 'a', 2);
         push.Counter("counter", {{"model", "m"}}, 10);
         push.Histogram("histogram", {{"model", "m"}}, {1}, {5, 6}, 4);
         return push;
       }},
      {"counter has another type",
       [] {
         PushBuilder push("other", 'b', 1);
         push.Gauge("counter", v1::GAUGE_MERGE_SUM, {{"model", "m"}}, 1);
         return push;
       }},
      {"counter has another type, merge rule or other labels",
       [] {
         PushBuilder push("other", 'b', 1);
         push.Counter("counter", {{"name", "m"}}, 1);
         return push;
       }},
      {"histogram_sum would have lines called histogram_sum",
       [] {
         PushBuilder push("other", 'b', 1);
         push.Counter("histogram_sum", {}, 1);
         return push;
       }},
      {"the boot_id 61616161... is that of host:8001",
       [] {
         PushBuilder push("other", 'a', 2);
         push.Counter("counter", {{"model", "m"}}, 11);
         return push;
       }},
      {"is that of host:8001",
       [] {
         PushBuilder push("other", 'a', 1);
         push.Counter("counter", {{"model", "m"}}, 11);
         return push;
       }},
  };
  for (const Refused& refused : cases) {
    const auto verdict = ledger.Check(*refused.push().Decoded());
    EXPECT_EQ(verdict.status().code(), absl::StatusCode::kFailedPrecondition) << refused.says;
    EXPECT_THAT(std::string(verdict.status().message()), HasSubstr(refused.says));
  }
  EXPECT_EQ(ledger.DebugString(), before);
}

TEST(LedgerCheckTest, AContradictionIsFoundWhereTheDictionaryIsTheSameToo) {
  Ledger ledger((Ledger::Options()));
  const auto first = First().Decoded();
  ledger.Apply(LedgerRecord::Of(LedgerRecord::Kind::kPush, kNow, first));
  const auto check = [&](const std::function<void(Push&)>& change) {
    Push push = *first;
    push.seq = 2;
    change(push);
    return std::string(ledger.Check(push).status().message());
  };
  EXPECT_EQ(check([](Push&) {}), "");
  EXPECT_THAT(check([](Push& push) { push.values[0] = 9.5; }),
              HasSubstr(R"(counter{model="m"} fell from 10 to 9.5)"));
  EXPECT_THAT(check([](Push& push) { push.values[1] = 1; }),
              HasSubstr(R"(histogram{model="m"} fell from 4 to 1)"));
  EXPECT_THAT(check([](Push& push) { push.bucket_counts[2] = 0; }),
              HasSubstr(R"(histogram{model="m"} fell in a bucket from 3 to 0)"));
  EXPECT_EQ(check([](Push& push) { push.values[2] = -5; }), "");
}

TEST(LedgerCheckTest, GaugesMayGoAndSeriesMayComeInAnyPlace) {
  Ledger ledger((Ledger::Options()));
  Apply(First(), ledger);
  PushBuilder push("host:8001", 'a', 2);
  push.Histogram("histogram", {{"model", "l"}}, {7}, {0, 1}, 1);
  push.Histogram("histogram", {{"model", "m"}}, {1, 2}, {1, 2, 4}, 4);
  push.Histogram("histogram", {{"model", "m"}}, {5}, {1, 0}, 0);
  push.Counter("counter", {{"model", "n"}}, 1).Counter("counter", {{"model", "m"}}, 11);
  Apply(push, ledger);
  EXPECT_EQ(ledger.merged().Find("gauge"), nullptr);
}

TEST(LedgerCheckTest, LimitsAreNamedAndTheSeriesOfWhatIsRefusedCounted) {
  Ledger::Options options;
  options.max_series_per_source = 7;
  options.max_series = 10;
  options.max_sources = 2;
  Ledger ledger(options);
  Apply(First(), ledger);  // A counter, a gauge and 5 of a histogram.

  PushBuilder large = First();
  large.Counter("more", {}, 1).request().set_seq(2);
  absl::Status status = ledger.Check(*large.Decoded()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the server has 8 series"));
  EXPECT_EQ(RefusedSeries(status), 8);

  PushBuilder other("other", 'b', 1);
  other.Histogram("another", {}, {1}, {0, 0}, 0);
  status = ledger.Check(*other.Decoded()).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("4 new series"));
  EXPECT_EQ(RefusedSeries(status), 4);

  PushBuilder wider("other", 'b', 1);
  wider.Histogram("histogram", {{"model", "m"}}, {0.1, 0.2, 0.3, 0.4}, {0, 0, 0, 0, 0}, 0);
  EXPECT_EQ(RefusedSeries(ledger.Check(*wider.Decoded()).status()), 7);

  PushBuilder known("other", 'b', 1);
  known.Counter("counter", {{"model", "m"}}, 1);
  Apply(known, ledger);
  PushBuilder third("third", 'c', 1);
  third.Counter("counter", {{"model", "m"}}, 1);
  status = ledger.Check(*third.Decoded()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("2 servers"));
}

TEST(LedgerCheckTest, ANameIsFreeAgainOnceNobodyHasIt) {
  Ledger ledger((Ledger::Options()));
  PushBuilder gauge("host:8001", 'a', 1);
  gauge.Gauge("name", v1::GAUGE_MERGE_SUM, {}, 1);
  Apply(gauge, ledger);
  PushBuilder counter("other", 'b', 1);
  counter.Counter("name", {}, 1);
  EXPECT_FALSE(ledger.Check(*counter.Decoded()).ok());
  PushBuilder without("host:8001", 'a', 2);
  Apply(without, ledger);
  EXPECT_TRUE(ledger.Check(*counter.Decoded()).ok());
}

TEST(LedgerCheckTest, RecordsThatAreNoneAreRefused) {
  Ledger ledger((Ledger::Options()));
  for (const auto kind : {LedgerRecord::Kind::kTotals, LedgerRecord::Kind::kBase}) {
    const auto record = LedgerRecord::Decode(kind, kNow, "\xff");
    ASSERT_TRUE(record.ok());
    EXPECT_FALSE(ledger.Restore(*record).ok());
  }
  EXPECT_FALSE(LedgerRecord::Decode(LedgerRecord::Kind::kPush, kNow, "\xff").ok());
  EXPECT_FALSE(LedgerRecord::Decode(static_cast<LedgerRecord::Kind>(77), kNow, "").ok());
}

TEST(LedgerCheckTest, AHistogramHasSoManyBoundsOverAllServersAndNoMore) {
  Ledger ledger((Ledger::Options()));
  const auto push = [](char boot, int first, int last) {
    PushBuilder builder(std::string(1, boot), boot, 1);
    for (int bound = last; bound > first; --bound) {
      builder.Histogram("h", {{"model", "m"}}, {static_cast<double>(bound)}, {1, 0}, 0);
    }
    return builder;
  };
  const auto too_many = ledger.Check(*push('a', 0, 4097).Decoded());
  EXPECT_EQ(too_many.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(too_many.status().message(), HasSubstr(R"(h{model="m"} would have 4097 bounds)"));
  Apply(push('a', 0, 4000), ledger);
  Apply(push('b', 2000, 4096), ledger);
  const MergedFamily& family = *ledger.merged().Find("h");
  const MergedSeries::Histogram& merged = *family.series[0]->histogram;
  ASSERT_EQ(merged.counts.size(), 4097u);
  for (size_t i = 0; i < 4096; ++i) {
    ASSERT_EQ(merged.bounds->bounds[i], static_cast<double>(i + 1));
    ASSERT_EQ(merged.counts[i], (i < 4000 ? 1u : 0u) + (i >= 2000 ? 1u : 0u)) << i;
  }
  EXPECT_EQ(ledger.merged().num_lines(), 4096 + 3);
  EXPECT_THAT(ledger.Check(*push('c', 4096, 4097).Decoded()).status().message(),
              HasSubstr("4097 bounds over all servers"));
  EXPECT_TRUE(ledger.Check(*push('c', 0, 10).Decoded()).ok());
}

TEST(LedgerCheckTest, QuantilesOfTheModelsCountAsSeriesAndThoseWithoutDurationsHaveNone) {
  Ledger::Options options;
  options.max_series = 35;
  Ledger ledger(options);
  const auto requests = [](char boot, const std::string& model) {
    PushBuilder push(std::string(1, boot), boot, 1);
    push.Counter("weir_requests_total", {{"model", model}, {"version", "1"}, {"code", "OK"}}, 5);
    return push;
  };
  const auto durations = [&](char boot, const std::string& model) {
    const std::map<uint32_t, uint64_t> log_linear = {{600, 5}};
    PushBuilder push = requests(boot, model);
    push.Histogram("weir_request_duration_seconds", {{"model", model}, {"version", "1"}}, {1},
                   {5, 0}, 1, &log_linear);
    return push;
  };
  Apply(requests('a', "m"), ledger);
  EXPECT_TRUE(ledger.Models().empty());
  EXPECT_EQ(ledger.num_lines(), 1);
  Apply(durations('b', "m"), ledger);
  EXPECT_EQ(ledger.Models().size(), 1u);
  EXPECT_EQ(ledger.num_lines(), 1 + 4 + 10);
  Apply(durations('c', "n"), ledger);
  EXPECT_EQ(ledger.num_lines(), 2 * 15);
  EXPECT_THAT(ledger.Check(*durations('d', "o").Decoded()).status().message(),
              HasSubstr("would bring 15 new series to the 30 that there are, of 35"));
  EXPECT_TRUE(ledger.Check(*durations('d', "n").Decoded()).ok());
}

}  // namespace
}  // namespace weir
