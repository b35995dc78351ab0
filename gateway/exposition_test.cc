#include "gateway/exposition.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <deque>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/process.h"
#include "gateway/exposition_parser.h"
#include "gateway/label_text.h"
#include "gateway/ledger.h"
#include "gateway/merged.h"
#include "gateway/page_text.h"
#include "gateway/push_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Labels = std::vector<std::pair<std::string, std::string>>;

// Families as the ledger would have them.
class Families {
 public:
  MergedFamily& Add(const std::string& name, MetricType type, const std::string& help) {
    MergedFamily& family = families_.emplace_back();
    family.name = name;
    family.help = help;
    family.type = type;
    order_.push_back(&family);
    return family;
  }

  static MergedSeries& AddSeries(const Labels& labels, double value, MergedFamily& family) {
    auto series = std::make_unique<MergedSeries>();
    MergedSeries& added = *series;
    added.family = &family;
    for (const auto& [name, text] : labels) AppendLabel(name, text, 0, added.labels);
    added.value = FixedSum::Of(value);
    added.shown = 1;
    family.series.push_back(&added);
    family.by_labels.insert(std::move(series));
    return added;
  }

  MergedSeries& AddHistogram(const Labels& labels, const std::vector<double>& bounds,
                             const std::vector<uint64_t>& counts, double sum,
                             MergedFamily& family) {
    MergedBounds& merged = bounds_.emplace_back();
    merged.bounds = bounds;
    for (const double bound : bounds) {
      char text[32];
      merged.le.emplace_back(text, std::to_chars(text, text + sizeof(text), bound).ptr);
    }
    merged.le.emplace_back("+Inf");
    MergedSeries& series = AddSeries(labels, sum, family);
    series.histogram = std::make_unique<MergedSeries::Histogram>();
    series.histogram->bounds = &merged;
    series.histogram->counts = counts;
    return series;
  }

  std::string Rendered() const {
    PageText page;
    RenderFamilies(order_, page);
    return page.ToString();
  }

  const std::deque<MergedFamily>& families() const { return families_; }

 private:
  std::deque<MergedBounds> bounds_;
  std::deque<MergedFamily> families_;
  std::vector<const MergedFamily*> order_;
};

TEST(ExpositionTest, WritesFamiliesAsPrometheusReadsThem) {
  Families families;
  MergedFamily& requests = families.Add("requests_total", MetricType::kCounter, "Requests.");
  Families::AddSeries({{"model", "a"}, {"code", "OK"}}, 3, requests);
  Families::AddSeries({{"model", "ab"}, {"code", "OK"}}, 0.25, requests);
  MergedFamily& rows = families.Add("rows", MetricType::kHistogram, "Rows.");
  families.AddHistogram({{"model", "a"}}, {1, 2.5}, {4, 0, 2}, 12.5, rows);
  families.AddHistogram({{"model", "b"}}, {0.001}, {0, 0}, 0, rows);
  MergedFamily& bare = families.Add("bare", MetricType::kGauge, "No labels.");
  Families::AddSeries({}, -1.5, bare);
  MergedFamily& values = families.Add("values", MetricType::kHistogram, "Of any sign.");
  values.without_sum = true;
  families.AddHistogram({}, {-10, 0}, {1, 1, 1}, 0, values);
  EXPECT_EQ(families.Rendered(), R"(# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{model="a",code="OK"} 3
requests_total{model="ab",code="OK"} 0.25
# HELP rows Rows.
# TYPE rows histogram
rows_bucket{model="a",le="1"} 4
rows_bucket{model="a",le="2.5"} 4
rows_bucket{model="a",le="+Inf"} 6
rows_sum{model="a"} 12.5
rows_count{model="a"} 6
rows_bucket{model="b",le="0.001"} 0
rows_bucket{model="b",le="+Inf"} 0
rows_sum{model="b"} 0
rows_count{model="b"} 0
# HELP bare No labels.
# TYPE bare gauge
bare -1.5
# HELP values Of any sign.
# TYPE values histogram
values_bucket{le="-10"} 1
values_bucket{le="0"} 2
values_bucket{le="+Inf"} 3
values_count 3
)");
}

TEST(ExpositionTest, EscapesLabelsAndHelp) {
  Families families;
  MergedFamily& family =
      families.Add("odd", MetricType::kCounter, "A \\ backslash, a \"quote\",\na line.");
  Families::AddSeries({{"text", "a \\ backslash, a \"quote\",\na line."}}, 1, family);
  EXPECT_EQ(families.Rendered(), R"(# HELP odd A \\ backslash, a "quote",\na line.
# TYPE odd counter
odd{text="a \\ backslash, a \"quote\",\na line."} 1
)");
}

TEST(ExpositionTest, LeavesOutWhatNobodyShows) {
  Families families;
  families.Add("empty", MetricType::kCounter, "No series.");
  MergedFamily& gone = families.Add("gone", MetricType::kGauge, "Expired.");
  Families::AddSeries({{"model", "a"}}, 1, gone).shown = 0;
  MergedFamily& half = families.Add("half", MetricType::kGauge, "One is left.");
  Families::AddSeries({{"model", "a"}}, 1, half).shown = 0;
  Families::AddSeries({{"model", "b"}}, 2, half);
  Families::AddSeries({{"model", "c"}}, 3, half).shown = 0;
  EXPECT_EQ(families.Rendered(),
            "# HELP half One is left.\n# TYPE half gauge\nhalf{model=\"b\"} 2\n");
}

// A page that two threads render, with the cut between them in a family of each type, and at the
// end of one.
TEST(ExpositionTest, LargePagesReadAsSmallOnesDo) {
  for (const size_t gauges : {0U, 10U, 30'000U, 45'000U, 60'000U}) {
    Families families;
    std::string expected = "# HELP counts Counts.\n# TYPE counts counter\n";
    MergedFamily& counts = families.Add("counts", MetricType::kCounter, "Counts.");
    for (size_t i = 0; i < 25'000; ++i) {
      Families::AddSeries({{"model", absl::StrCat(i)}}, static_cast<double>(i), counts);
      absl::StrAppend(&expected, "counts{model=\"", i, "\"} ", i, "\n");
    }
    absl::StrAppend(&expected, "# HELP rows Rows.\n# TYPE rows histogram\n");
    MergedFamily& rows = families.Add("rows", MetricType::kHistogram, "Rows.");
    for (uint64_t i = 0; i < 5'000; ++i) {
      families.AddHistogram({{"model", absl::StrCat(i)}}, {2}, {i, 1}, 0.5, rows);
      absl::StrAppend(&expected, "rows_bucket{model=\"", i, "\",le=\"2\"} ", i, "\n");
      absl::StrAppend(&expected, "rows_bucket{model=\"", i, "\",le=\"+Inf\"} ", i + 1, "\n");
      absl::StrAppend(&expected, "rows_sum{model=\"", i, "\"} 0.5\n");
      absl::StrAppend(&expected, "rows_count{model=\"", i, "\"} ", i + 1, "\n");
    }
    // Nobody shows most of them, and with 60,000 none before the cut.
    MergedFamily& shown = families.Add("shown", MetricType::kGauge, "Shown.");
    for (size_t i = 0; i < gauges; ++i) {
      MergedSeries& series = Families::AddSeries({{"model", absl::StrCat(i)}}, 1, shown);
      if (i != gauges - 1) series.shown = 0;
    }
    if (gauges > 0) {
      absl::StrAppend(&expected, "# HELP shown Shown.\n# TYPE shown gauge\nshown{model=\"",
                      gauges - 1, "\"} 1\n");
    }
    EXPECT_TRUE(families.Rendered() == expected) << "with " << gauges << " gauges";
  }
}

std::string Number(double value) {
  char text[kMaxNumberBytes];
  return {text, WriteNumber(value, text)};
}

TEST(ExpositionTest, NumbersAreAsShortAsTheyCanBe) {
  EXPECT_EQ(Number(0), "0");
  EXPECT_EQ(Number(-3), "-3");
  EXPECT_EQ(Number(100000), "100000");
  EXPECT_EQ(Number(0.1), "0.1");
  EXPECT_EQ(Number(1e300), "1e+300");
  EXPECT_EQ(Number(1763719200.125), "1763719200.125");
  EXPECT_EQ(Number(9007199254740992.0), "9007199254740992");
  EXPECT_EQ(Number(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(Number(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(Number(std::numeric_limits<double>::quiet_NaN()), "NaN");
}

TEST(ExpositionTest, NumbersReadAsTheSame) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    if (!std::isfinite(value)) continue;
    const std::string text = Number(value);
    double read = 0;
    std::from_chars(text.data(), text.data() + text.size(), read);
    ASSERT_EQ(read, value) << text;
  }
}

TEST(ExpositionTest, CountersShowTheirBillionths) {
  for (const auto& [value, text] :
       std::map<double, std::string>{{0.000000001, "0.000000001"},
                                     {12.5, "12.5"},
                                     {1e9, "1000000000"},
                                     {3.14159, "3.14159"},
                                     {0.1, "0.1"},
                                     {1e18, "1e+18"},
                                     {123456789.987654321, "123456789.987654328"}}) {
    Families families;
    Families::AddSeries({}, value, families.Add("c", MetricType::kCounter, "C."));
    EXPECT_THAT(families.Rendered(), HasSubstr(absl::StrCat("\nc ", text, "\n")));
  }
}

TEST(ExpositionTest, LinesOfAnyLengthComeWhole) {
  const std::string huge(200'000, '"');
  Families families;
  MergedFamily& counter = families.Add("c", MetricType::kCounter, huge);
  Families::AddSeries({{"a", "1"}}, 1, counter);
  Families::AddSeries({{"a", huge}}, 2, counter);
  Families::AddSeries({{"a", huge + "x"}}, 3, counter);
  Families::AddSeries({{"a", "4"}}, 4, counter);
  MergedFamily& histogram = families.Add("h", MetricType::kHistogram, "H.");
  families.AddHistogram({{"a", "1"}}, {1}, {1, 2}, 0, histogram);
  families.AddHistogram({{"a", huge}}, {1}, {3, 4}, 0, histogram);
  families.AddHistogram({{"a", "2"}}, {1}, {5, 6}, 0, histogram);
  const auto parsed = ParseExposition(families.Rendered());
  ASSERT_TRUE(parsed.ok());
  ASSERT_EQ(parsed->size(), 2);
  EXPECT_EQ(parsed->at(0).help, huge);
  ASSERT_EQ(parsed->at(0).samples.size(), 4);
  EXPECT_EQ(parsed->at(0).samples[2].labels[0].second, huge + "x");
  ASSERT_EQ(parsed->at(1).samples.size(), 12);
  EXPECT_EQ(parsed->at(1).samples[5].labels, (Labels{{"a", huge}, {"le", "+Inf"}}));
  EXPECT_EQ(parsed->at(1).samples[5].value, "7");
}

// Text of all bytes that trouble, and of any others.
std::string RandomText(std::mt19937_64& random) {
  static constexpr char kTrouble[] = {'\\', '"',  '\n', '{', '}',    ',',    '=',    ' ',   '#',
                                      '\0', '\r', 'n',  'e', '\x7f', '\xff', '\xc3', '\xa9'};
  std::string text(random() % (random() % 8 == 0 ? 400 : 8), ' ');
  for (char& c : text) {
    c = random() % 2 == 0 ? kTrouble[random() % sizeof(kTrouble)] : static_cast<char>(random());
  }
  return text;
}

// What a strict reader finds is what was put in.
TEST(ExpositionTest, AnyBytesAreReadBackAsTheyWere) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    Families families;
    std::vector<ParsedFamily> expected;
    for (uint64_t f = 0; f < 1 + random() % 5; ++f) {
      const auto type = static_cast<MetricType>(random() % 3);
      MergedFamily& family = families.Add(absl::StrCat("family:", f), type, RandomText(random));
      family.without_sum = random() % 4 == 0;
      ParsedFamily& read = expected.emplace_back();
      read.name = family.name;
      read.help = family.help;
      read.type = type == MetricType::kCounter ? "counter"
                  : type == MetricType::kGauge ? "gauge"
                                               : "histogram";
      const uint64_t labels_count = random() % 4;
      for (uint64_t s = 0; s < (labels_count == 0 ? 1 : 1 + random() % 30); ++s) {
        Labels labels;
        for (uint64_t l = 0; l < labels_count; ++l) {
          labels.emplace_back(absl::StrCat("l", l),
                              l == 0 ? absl::StrCat(s, RandomText(random)) : RandomText(random));
        }
        const auto value = static_cast<double>(random() % 1'000'000) / 64;
        if (type != MetricType::kHistogram) {
          Families::AddSeries(labels, value, family);
          read.samples.push_back({family.name, labels, absl::StrCat(value)});
          continue;
        }
        std::vector<double> bounds;
        for (uint64_t b = 0; b < random() % 20; ++b) bounds.push_back(std::ldexp(1.0, 2 * b) / 8);
        std::vector<uint64_t> counts;
        for (size_t b = 0; b <= bounds.size(); ++b) counts.push_back(random() % 3 * 1000);
        families.AddHistogram(labels, bounds, counts, value, family);
        uint64_t count = 0;
        for (size_t b = 0; b < counts.size(); ++b) {
          count += counts[b];
          Labels with_le = labels;
          with_le.emplace_back("le", b < bounds.size() ? Number(bounds[b]) : "+Inf");
          read.samples.push_back({family.name + "_bucket", with_le, absl::StrCat(count)});
        }
        if (!family.without_sum) {
          read.samples.push_back({family.name + "_sum", labels, absl::StrCat(value)});
        }
        read.samples.push_back({family.name + "_count", labels, absl::StrCat(count)});
      }
    }
    const auto parsed = ParseExposition(families.Rendered());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    ASSERT_EQ(parsed->size(), expected.size());
    for (size_t f = 0; f < expected.size(); ++f) {
      EXPECT_EQ(parsed->at(f).name, expected[f].name);
      EXPECT_EQ(parsed->at(f).help, expected[f].help);
      EXPECT_EQ(parsed->at(f).type, expected[f].type);
      ASSERT_EQ(parsed->at(f).samples.size(), expected[f].samples.size());
      for (size_t s = 0; s < expected[f].samples.size(); ++s) {
        const ParsedSample& sample = parsed->at(f).samples[s];
        const ParsedSample& wanted = expected[f].samples[s];
        ASSERT_EQ(sample.name, wanted.name);
        ASSERT_EQ(sample.labels, wanted.labels);
        // absl::StrCat has six digits.
        ASSERT_NEAR(std::stod(sample.value), std::stod(wanted.value),
                    std::abs(std::stod(wanted.value)) * 1e-5);
      }
    }
  }
}

// All that may be pushed: any UTF-8, also what nobody can see.
TEST(ExpositionTest, PromtoolReadsWhateverTextThereIs) {
  std::string text;
  for (char c = 1; c < 127; ++c) text.push_back(c);
  Families families;
  MergedFamily& family = families.Add("odd_total", MetricType::kCounter, text + "\xc3\xa9");
  Families::AddSeries({{"text", text}, {"more", ""}}, 0.5, family);
  Families::AddSeries({{"text", "\xf0\x9f\x90\x9f\xe2\x80\xae"}, {"more", "\\\\\"\n\\n"}}, 1e18,
                      family);
  MergedFamily& histogram = families.Add("odd_rows", MetricType::kHistogram, "{}\\");
  families.AddHistogram({{"text", text}}, {-1e300, 1e-300}, {1, 2, 3}, 1, histogram);
  const std::string path = ::testing::TempDir() + "/metrics.txt";
  std::ofstream(path) << families.Rendered();
  Process promtool({"/bin/sh", "-c", absl::StrCat("/usr/bin/promtool check metrics <", path)});
  EXPECT_EQ(promtool.Wait(), 0);
  EXPECT_EQ(promtool.output(), "");
}

class LedgerExpositionTest : public ::testing::Test {
 protected:
  void Push(const PushBuilder& builder, absl::Time now) {
    const auto push = builder.Decoded();
    const auto verdict = ledger_.Check(*push);
    ASSERT_TRUE(verdict.ok()) << verdict.status();
    ledger_.Apply({.kind = LedgerRecord::Kind::kPush,
                   .id = push->boot_id,
                   .order = push->seq,
                   .arrival = now,
                   .push = push});
  }

  std::string Rendered() const {
    PageText page;
    RenderLedger(ledger_, page);
    return page.ToString();
  }

  const absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  Ledger ledger_{Ledger::Options()};
};

TEST_F(LedgerExpositionTest, AnEmptyLedgerSaysThatNobodyPushes) {
  EXPECT_EQ(Rendered(),
            "# HELP weir_gateway_sources Servers that push.\n"
            "# TYPE weir_gateway_sources gauge\n"
            "weir_gateway_sources 0\n"
            "# HELP weir_gateway_series Series that are exposed, the gateway's own left out.\n"
            "# TYPE weir_gateway_series gauge\n"
            "weir_gateway_series 0\n");
}

TEST_F(LedgerExpositionTest, ShowsQuantilesOfTheLastMinutes) {
  const PushBuilder::Labels labels = {{"model", "a\"b"}, {"version", "1"}};
  const std::map<uint32_t, uint64_t> none;
  Push(PushBuilder("one:8001", 'a', 1)
           .Histogram(metric::kRequestDuration.name, labels, {0.1}, {0, 0}, 0, &none),
       now_);
  EXPECT_THAT(Rendered(), HasSubstr("weir_request_duration_quantile_seconds"
                                    "{model=\"a\\\"b\",quantile=\"0.5\",window=\"1m\"} NaN\n"));
  // 63 ns have a bucket of their own.
  const std::map<uint32_t, uint64_t> some = {{63, 10}};
  Push(PushBuilder("one:8001", 'a', 2)
           .Histogram(metric::kRequestDuration.name, labels, {0.1}, {10, 0}, 0.1, &some),
       now_ + absl::Seconds(1));
  const std::string text = Rendered();
  for (const char* const window : {"1m", "5m"}) {
    for (const char* const quantile : {"0.5", "0.9", "0.95", "0.99", "0.999"}) {
      EXPECT_THAT(text, HasSubstr(absl::StrCat("weir_request_duration_quantile_seconds"
                                               "{model=\"a\\\"b\",quantile=\"",
                                               quantile, "\",window=\"", window, "\"} 6.3e-08\n")));
    }
  }
  const auto parsed = ParseExposition(text);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
}

TEST_F(LedgerExpositionTest, ShowsWhichSourcesPush) {
  Push(PushBuilder("one:8001", 'a', 1).Counter("c_total", {}, 1), now_);
  Push(PushBuilder("two\n", 'b', 1).Counter("c_total", {}, 1), now_ + absl::Seconds(8));
  Push(PushBuilder("three", 'c', 1).Last().Counter("c_total", {}, 1), now_ + absl::Seconds(8));
  ledger_.Advance(now_ + absl::Milliseconds(8500));
  const std::string text = Rendered();
  EXPECT_THAT(
      text, AllOf(HasSubstr("weir_gateway_source_up{replica=\"one:8001\"} 0\n"),
                  HasSubstr("weir_gateway_source_up{replica=\"two\\n\"} 1\n"),
                  HasSubstr("weir_gateway_source_last_push_timestamp_seconds{replica=\"one:8001\"} "
                            "1800000000\n"),
                  HasSubstr("weir_gateway_sources 1\n"), HasSubstr("weir_gateway_series 1\n"),
                  HasSubstr("c_total 3\n"), Not(HasSubstr("three"))));
  EXPECT_TRUE(ParseExposition(text).ok());
}

}  // namespace
}  // namespace weir
