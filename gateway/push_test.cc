#include "gateway/push.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/histogram.h"
#include "gateway/push_builder.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::map<uint32_t, uint64_t> kLogLinear = {{0, 1}, {70, 2}, {kHistogramBuckets - 1, 3}};

PushBuilder GoodPush() {
  PushBuilder push("host:8001", 'a', 3);
  push.Counter("weir_requests_total", {{"model", "m"}, {"version", "1"}, {"code", "OK"}}, 6);
  push.Gauge("weir_queue_rows", v1::GAUGE_MERGE_SUM, {{"model", "m"}, {"version", "1"}}, 2);
  push.Histogram("weir_request_duration_seconds", {{"model", "m"}, {"version", "1"}}, {0.1, 1},
                 {1, 2, 3}, 4.5, &kLogLinear);
  return push;
}

absl::Status DecodeStatus(const v1::PushRequest& request, const PushLimits& limits = {}) {
  return DecodePush(request.SerializeAsString(), limits).status();
}

TEST(PushTest, WhatCameIsReadAndIsTheSameWhenItIsWrittenAgain) {
  PushBuilder builder = GoodPush();
  builder.Acknowledged(2).Began(absl::FromUnixSeconds(17)).Last();
  const auto push = DecodePush(builder.Bytes(), PushLimits());
  ASSERT_TRUE(push.ok()) << push.status();
  EXPECT_EQ(push->replica, "host:8001");
  EXPECT_EQ(push->boot_id.AsBytes(), std::string(16, 'a'));
  EXPECT_EQ(push->seq, 3u);
  EXPECT_EQ(push->acknowledged_seq, 2u);
  EXPECT_EQ(push->began, absl::FromUnixSeconds(17));
  EXPECT_EQ(push->interval, absl::Seconds(1));
  EXPECT_TRUE(push->last);
  EXPECT_FALSE(push->recovered);
  EXPECT_THAT(push->values, ElementsAre(6, 2, 4.5));
  EXPECT_THAT(push->bucket_counts, ElementsAre(1, 2, 3));
  EXPECT_THAT(push->log_linear_begin, ElementsAre(0, 3));
  EXPECT_THAT(push->log_linear, ElementsAre(Push::LogLinearEntry{0, 1}, Push::LogLinearEntry{70, 2},
                                            Push::LogLinearEntry{kHistogramBuckets - 1, 3}));
  const SeriesDictionary& dictionary = *push->dictionary;
  ASSERT_EQ(dictionary.series().size(), 3u);
  EXPECT_EQ(dictionary.NameOf(dictionary.series()[0]),
            R"(weir_requests_total{model="m",version="1",code="OK"})");
  EXPECT_THAT(dictionary.series()[2].bounds, ElementsAre(0.1, 1));
  EXPECT_EQ(dictionary.num_lines(), 2 + 5);
  EXPECT_EQ(EncodePush(*push), builder.Bytes());
}

TEST(PushTest, ADictionaryThatIsKnownIsNotReadAgain) {
  const std::string bytes = GoodPush().Bytes();
  const auto first = DecodePush(bytes, PushLimits());
  ASSERT_TRUE(first.ok());
  const auto known = [&](const BootId&) { return first->dictionary; };
  const auto second = DecodePush(bytes, PushLimits(), known);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->dictionary, first->dictionary);
  PushBuilder other = GoodPush();
  other.Counter("weir_requests_total", {{"model", "m"}, {"version", "1"}, {"code", "INTERNAL"}}, 0);
  const auto third = DecodePush(other.Bytes(), PushLimits(), known);
  ASSERT_TRUE(third.ok());
  EXPECT_NE(third->dictionary, first->dictionary);
}

TEST(PushTest, NumbersMayComeUnpackedAndInPieces) {
  PushBuilder builder("r", 'a', 1);
  builder.Histogram("h", {}, {1}, {1, 300}, 2);
  builder.Counter("c", {}, 5);
  v1::PushRequest request = builder.Request();
  request.clear_values();
  request.clear_bucket_counts();
  std::string bytes = request.SerializeAsString();
  const auto unpacked_double = [](double value) {
    return absl::StrCat("\x51", absl::string_view(reinterpret_cast<const char*>(&value), 8));
  };
  absl::StrAppend(&bytes, "\x58\x01", unpacked_double(2), "\x5a\x02\xac\x02", unpacked_double(5));
  const auto push = DecodePush(bytes, PushLimits());
  ASSERT_TRUE(push.ok()) << push.status();
  EXPECT_THAT(push->values, ElementsAre(2, 5));
  EXPECT_THAT(push->bucket_counts, ElementsAre(1, 300));
}

// What is done to a good push, and what the refusal has to name.
struct Refused {
  std::string says;
  std::function<void(PushBuilder&)> spoil;
  std::function<void(v1::PushRequest&)> spoil_request = [](v1::PushRequest&) {};
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
};

constexpr absl::string_view kRequestsName = "weir_requests_total";
constexpr absl::string_view kDurationName = "weir_request_duration_seconds";
constexpr absl::StatusCode kExhausted = absl::StatusCode::kResourceExhausted;
const auto kNothing = [](PushBuilder&) {};

TEST(PushTest, ARefusalNamesWhatIsWrong) {
  const Refused cases[] = {
      {"replica", [](PushBuilder& push) { push.request().clear_replica(); }},
      {"replica", [](PushBuilder& push) { push.request().set_replica(std::string(129, 'r')); }},
      {"boot_id has 15 bytes",
       [](PushBuilder& push) { push.request().set_boot_id("123456789012345"); }},
      {"seq is 0", [](PushBuilder& push) { push.request().set_seq(0); }},
      {"acknowledged_seq 4", [](PushBuilder& push) { push.Acknowledged(4); }},
      {"interval_ms is 0", [](PushBuilder& push) { push.request().set_interval_ms(0); }},
      {"interval_ms", [](PushBuilder& push) { push.request().set_interval_ms(3'600'001); }},
      {"recovered without last", [](PushBuilder& push) { push.request().set_recovered(true); }},

      {"called \"a-b\"", [](PushBuilder& push) { push.Counter("a-b", {}, 1); }},
      {"called \"\"", [](PushBuilder& push) { push.Counter("", {}, 1); }},
      {"gateway's own", [](PushBuilder& push) { push.Counter("weir_gateway_sources", {}, 1); }},
      {"no label of c can be called \"a:b\"",
       [](PushBuilder& push) {
         push.Counter("c", {{"a:b", ""}}, 1);
       }},
      {"no label of c can be called \"__name__\"",
       [](PushBuilder& push) {
         push.Counter("c", {{"__name__", ""}}, 1);
       }},
      {"the label le of c",
       [](PushBuilder& push) {
         push.Counter("c", {{"le", "1"}}, 1);
       }},
      {"the label a twice",
       [](PushBuilder& push) {
         push.Counter("c", {{"a", "1"}, {"a", "1"}}, 1);
       }},
      {"lines called c",
       [](PushBuilder& push) {
         push.Counter("c", {}, 1).Counter("d", {}, 1);
         push.Message("d").set_name("c");
       }},
      {"lines called weir_request_duration_seconds_count",
       [](PushBuilder& push) { push.Counter("weir_request_duration_seconds_count", {}, 1); }},
      {"c has the unknown type 9",
       [](PushBuilder& push) {
         push.Counter("c", {}, 1);
         push.Message("c").set_type(static_cast<v1::MetricType>(9));
       }},
      {"c: gauges have a merge rule",
       [](PushBuilder& push) {
         push.Counter("c", {}, 1);
         push.Message("c").set_merge(v1::GAUGE_MERGE_SUM);
       }},
      {"g: gauges have a merge rule",
       [](PushBuilder& push) { push.Gauge("g", v1::GAUGE_MERGE_UNSPECIFIED, {}, 1); }},
      {"weir_requests_total has another type",
       [](PushBuilder& push) {
         push.Message(kRequestsName).set_type(v1::METRIC_TYPE_GAUGE);
         push.Message(kRequestsName).set_merge(v1::GAUGE_MERGE_SUM);
       }},
      {"c is no histogram",
       [](PushBuilder& push) {
         push.Counter("c", {}, 1);
         push.Message("c").set_without_sum(true);
       }},
      {"c is no histogram, but has bounds",
       [](PushBuilder& push) {
         push.Counter("c", {}, 1);
         push.Message("c").mutable_series(0)->add_bounds(1);
       }},
      {"does not have 3 labels",
       [](PushBuilder& push) {
         push.Message(kRequestsName).mutable_series(0)->add_label_values("");
       }},
      {R"(weir_request_duration_seconds{model="m",version="1"} has bounds)",
       [](PushBuilder& push) {
         push.Message(kDurationName).mutable_series(0)->set_bounds(1, 0.1);
       }},
      {"has bounds",
       [](PushBuilder& push) {
         push.Message(kDurationName).mutable_series(0)->set_bounds(1, INFINITY);
       }},
      {"the label model=aaa",
       [](PushBuilder& push) {
         push.Message(kRequestsName).mutable_series(0)->set_label_values(0, std::string(1025, 'a'));
       },
       [](v1::PushRequest&) {}, kExhausted},
      {"more than 32 labels",
       [](PushBuilder& push) {
         PushBuilder::Labels labels;
         for (int i = 0; i < 33; ++i) labels.emplace_back(absl::StrCat("l", i), "");
         push.Counter("c", labels, 1);
       },
       [](v1::PushRequest&) {}, kExhausted},
      {"bounds that are none, or more than 1000",
       [](PushBuilder& push) {
         push.Message(kDurationName).mutable_series(0)->mutable_bounds()->Resize(1001, 0);
       }},

      {R"(weir_requests_total{model="m",version="1",code="OK"} has the value -1)", kNothing,
       [](v1::PushRequest& request) { request.set_values(0, -1); }},
      {R"(weir_queue_rows{model="m",version="1"} has the value nan)", kNothing,
       [](v1::PushRequest& request) { request.set_values(1, NAN); }},
      {"has the value inf", kNothing,
       [](v1::PushRequest& request) { request.set_values(1, INFINITY); }},
      {"has the value 2e+21", kNothing,
       [](v1::PushRequest& request) { request.set_values(1, 2e21); }},
      {R"(weir_request_duration_seconds{model="m",version="1"} has the value -0.5)", kNothing,
       [](v1::PushRequest& request) { request.set_values(2, -0.5); }},
      {"wants 3 values", kNothing, [](v1::PushRequest& request) { request.add_values(1); }},
      {"wants 3 values", kNothing,
       [](v1::PushRequest& request) { request.mutable_values()->RemoveLast(); }},
      {"wants 3 bucket_counts", kNothing,
       [](v1::PushRequest& request) { request.add_bucket_counts(1); }},
      {"wants 3 bucket_counts", kNothing,
       [](v1::PushRequest& request) { request.clear_bucket_counts(); }},
      {R"(weir_request_duration_seconds{model="m",version="1"} has 18446744073709551615 values)",
       kNothing,
       [](v1::PushRequest& request) {
         request.set_bucket_counts(1, std::numeric_limits<uint64_t>::max());
       }},
      {"wants 1 log_linear", kNothing,
       [](v1::PushRequest& request) { request.clear_log_linear(); }},
      {"wants 1 log_linear", kNothing, [](v1::PushRequest& request) { request.add_log_linear(); }},
      {R"(log_linear of weir_request_duration_seconds{model="m",version="1"} does not have)",
       kNothing, [](v1::PushRequest& request) { request.mutable_log_linear(0)->add_buckets(1); }},
      {"do not ascend", kNothing,
       [](v1::PushRequest& request) { request.mutable_log_linear(0)->set_buckets(1, 0); }},
      {"do not ascend", kNothing,
       [](v1::PushRequest& request) { request.mutable_log_linear(0)->set_buckets(2, 1920); }},
      {"dictionary is broken", kNothing,
       [](v1::PushRequest& request) { request.set_dictionary("\x0a\xff"); }},
  };
  for (const Refused& refused : cases) {
    PushBuilder push = GoodPush();
    refused.spoil(push);
    v1::PushRequest request = push.Request();
    refused.spoil_request(request);
    const absl::Status status = DecodeStatus(request);
    EXPECT_EQ(status.code(), refused.code) << refused.says << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(refused.says));
  }
}

TEST(PushTest, TextThatIsNotUtf8IsRefusedByTheLabelThatHasIt) {
  std::string bytes = GoodPush().Bytes();
  bytes.replace(bytes.find("\x02OK") + 1, 2, "\xff\xfe");
  const absl::Status status = DecodePush(bytes, PushLimits()).status();
  EXPECT_EQ(status.message(), "the label code of weir_requests_total is not UTF-8: \\xff\\xfe");

  bytes = GoodPush().Bytes();
  bytes.replace(bytes.find("host"), 1, "\xff");
  EXPECT_THAT(std::string(DecodePush(bytes, PushLimits()).status().message()),
              HasSubstr("replica"));
}

TEST(PushTest, BytesThatAreNoMessageAreRefused) {
  for (const absl::string_view bytes : {"\xff", "\x0a\x05host", "\x0b", "\x02\x01"}) {
    EXPECT_EQ(DecodePush(bytes, PushLimits()).status().message(), "not a PushRequest");
  }
  // Cut off anywhere, but where the dictionary begins: without it there are no series.
  const std::string good = GoodPush().Bytes();
  const size_t without_series = good.find('\x4a');
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(DecodePush(absl::string_view(good).substr(0, size), PushLimits()).ok(),
              size == without_series)
        << size;
  }
}

TEST(PushTest, LimitsAreNamedAndRefusedSeriesCounted) {
  PushLimits limits;
  limits.dictionary.max_series = 6;
  const absl::Status status = DecodeStatus(GoodPush().Request(), limits);
  EXPECT_EQ(status.code(), kExhausted);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("7"), HasSubstr("6")));
  EXPECT_EQ(RefusedSeries(status), 7);
  limits.dictionary.max_series = 7;
  EXPECT_TRUE(DecodeStatus(GoodPush().Request(), limits).ok());

  limits.max_push_bytes = 100;
  const absl::Status too_large = DecodeStatus(GoodPush().Request(), limits);
  EXPECT_EQ(too_large.code(), kExhausted);
  EXPECT_EQ(RefusedSeries(too_large), 0);
}

TEST(PushTest, WhatWasTakenOnceCanBeReadAfterItsNameHasBecomeWeirsOwn) {
  PushBuilder builder("host:8001", 'a', 1);
  builder.Gauge("weir_requests_total", v1::GAUGE_MERGE_SUM, {{"other", "label"}}, 1);
  PushBuilder reserved("host:8001", 'a', 1);
  reserved.Counter("weir_gateway_new", {}, 1)
      .Message("weir_gateway_new")
      .set_help(std::string(5000, 'h'));
  PushBuilder broken("host:8001", 'a', 1);
  broken.Counter("not a name", {}, 1);
  PushLimits none;
  none.dictionary = DictionaryLimits::None();
  for (const PushBuilder& push : {builder, reserved}) {
    EXPECT_EQ(DecodePush(push.Bytes(), PushLimits()).status().code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(DecodePush(push.Bytes(), none).ok());
  }
  EXPECT_FALSE(DecodePush(broken.Bytes(), none).ok());
}

TEST(PushTest, MessagesCutLongNames) {
  const std::string name =
      SeriesName("family", absl::StrCat("a=\"", std::string(999, 'x'), "\n\""));
  EXPECT_LT(name.size(), 250u);
  EXPECT_EQ(SeriesName("f", "a=\"\r\""), "f{a=\"?\"}");
}

}  // namespace
}  // namespace weir
