#include "gateway/models_api.h"

#include <limits>
#include <map>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/metrics.h"
#include "gateway/json_reader.h"
#include "gateway/json_writer.h"
#include "gateway/ledger.h"
#include "gateway/page_text.h"
#include "gateway/push_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

using ::testing::IsSupersetOf;
using ::testing::StartsWith;

using Labels = PushBuilder::Labels;
using Json = std::map<std::string, std::string>;

class ModelsApiTest : public ::testing::Test {
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

  Json Rendered(absl::Time now) {
    ledger_.Advance(now);
    PageText page;
    RenderModels(ledger_, page);
    const auto json = ReadJson(page.ToString());
    EXPECT_TRUE(json.ok()) << json.status();
    return json.value_or(Json());
  }

  // What a server of one model has after so many requests that were answered with OK.
  static PushBuilder Server(char boot, uint64_t seq, uint64_t requests) {
    const std::map<uint32_t, uint64_t> durations = {{63, requests}};
    PushBuilder push(absl::StrCat("server-", std::string(1, boot)), boot, seq);
    const Labels v9 = {{"model", "fashion-fast"}, {"version", "9"}};
    const auto with = [](Labels labels, const std::string& name, const std::string& value) {
      labels.emplace_back(name, value);
      return labels;
    };
    const auto count = static_cast<double>(requests);
    push.Counter(metric::kRequests.name, with(v9, "code", "OK"), count)
        .Counter(metric::kRequests.name, with(v9, "code", "INTERNAL"), count / 10)
        .Counter(metric::kRequests.name, with(v9, "code", "ABORTED"), 0)
        .Counter(metric::kRequests.name,
                 {{"model", "fashion-fast"}, {"version", ""}, {"code", "NOT_FOUND"}}, 2)
        .Counter(metric::kRequests.name,
                 {{"model", "(unknown)"}, {"version", ""}, {"code", "NOT_FOUND"}}, 5)
        .Counter(metric::kRows.name, v9, 3 * count)
        .Counter(metric::kRows.name, {{"model", "fashion-fast"}, {"version", "10"}}, 1)
        .Counter(metric::kBatches.name, v9, count)
        .Histogram(metric::kRequestDuration.name, v9, {0.1}, {requests, 0}, 0.5, &durations)
        .Gauge(metric::kInstances.name, v1::GAUGE_MERGE_SUM, v9, 2)
        .Gauge(metric::kQueueRows.name, v1::GAUGE_MERGE_SUM, v9, 7)
        .Gauge(metric::kRequestsInFlight.name, v1::GAUGE_MERGE_SUM, v9, 4)
        .Gauge(metric::kModelLoaded.name, v1::GAUGE_MERGE_SUM, {{"model", "fashion-fast"}}, 1)
        .Gauge(metric::kModelSloLatency.name, v1::GAUGE_MERGE_LAST, {{"model", "fashion-fast"}},
               0.05)
        .Gauge(metric::kModelSloObjective.name, v1::GAUGE_MERGE_LAST,
               {{"model", "fashion-fast"}, {"slo", "latency"}}, 0.99)
        .Gauge(metric::kModelQuality.name, v1::GAUGE_MERGE_LAST,
               {{"model", "fashion-fast"}, {"metric", "accuracy"}}, 0.9125)
        .Gauge(metric::kModelLoadDuration.name, v1::GAUGE_MERGE_MAX, v9, 0.25)
        .Gauge(metric::kModelInfo.name, v1::GAUGE_MERGE_UNION,
               {{"model", "fashion-fast"},
                {"version", "9"},
                {"family", "fashion"},
                {"variant", "fast"},
                {"device", "cpu"},
                {"digest", "sha256:00"}},
               1);
    return push;
  }

  const absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);  // A slot begins.
  Ledger ledger_{Ledger::Options()};
};

TEST_F(ModelsApiTest, WithoutModelsTheListIsEmpty) {
  EXPECT_EQ(Rendered(now_), (Json{{"time_unix_seconds", "1800000000"},
                                  {"models", "[]"},
                                  {"unknown_models.requests", "{}"}}));
}

TEST_F(ModelsApiTest, TellsAllOfAModelOverItsServersAndVersions) {
  Push(Server('a', 1, 0), now_);
  Push(Server('b', 1, 0), now_);
  Push(Server('a', 2, 90), now_ + absl::Seconds(2));
  Push(Server('b', 2, 30), now_ + absl::Seconds(2));
  const Json json = Rendered(now_ + absl::Seconds(4));
  EXPECT_THAT(json, IsSupersetOf(Json{
                        {"time_unix_seconds", "1800000004"},
                        {"models[0].model", "\"fashion-fast"},
                        {"models[0].family", "\"fashion"},
                        {"models[0].variant", "\"fast"},
                        {"models[0].loaded", "2"},
                        {"models[0].load_failures", "null"},
                        {"models[0].requests.OK", "120"},
                        {"models[0].requests.INTERNAL", "12"},
                        {"models[0].requests.NOT_FOUND", "4"},
                        {"models[0].rows", "362"},
                        {"models[0].batches", "120"},
                        {"models[0].instances", "4"},
                        {"models[0].queue_rows", "14"},
                        {"models[0].queue_capacity_rows", "null"},
                        {"models[0].requests_in_flight", "8"},
                        {"models[0].slo.latency_seconds", "0.05"},
                        {"models[0].slo.objectives.latency", "0.99"},
                        {"models[0].quality.accuracy", "0.9125"},
                        {"models[0].windows.1m.requests", "132"},
                        {"models[0].windows.1m.requests_per_second", "2.0625"},  // In 64 s.
                        {"models[0].windows.1m.latency_seconds.0.5", "6.3e-08"},
                        {"models[0].windows.5m.requests", "132"},
                        {"models[0].windows.5m.latency_seconds.0.999", "6.3e-08"},
                        {"models[0].versions[0].version", "\"9"},
                        {"models[0].versions[0].served", "true"},
                        {"models[0].versions[0].family", "\"fashion"},
                        {"models[0].versions[0].device", "\"cpu"},
                        {"models[0].versions[0].digest", "\"sha256:00"},
                        {"models[0].versions[0].load_duration_seconds", "0.25"},
                        {"models[0].versions[0].requests.OK", "120"},
                        {"models[0].versions[0].rows", "360"},
                        {"models[0].versions[1].version", "\"10"},
                        {"models[0].versions[1].served", "false"},
                        {"models[0].versions[1].device", "null"},
                        {"models[0].versions[1].requests", "{}"},
                        {"models[0].versions[1].rows", "2"},
                        {"unknown_models.requests.NOT_FOUND", "10"},
                    }));
  EXPECT_THAT(json.at("models[0].windows.1m.error_ratio"), StartsWith("0.0909"));
  EXPECT_FALSE(json.contains("models[0].requests.ABORTED"));  // There was none.
  EXPECT_FALSE(json.contains("models[0].versions[2].version"));
  EXPECT_FALSE(json.contains("models[1].model"));
}

TEST_F(ModelsApiTest, WindowsWithoutRequestsHaveNoLatency) {
  Push(Server('a', 1, 10), now_);
  EXPECT_THAT(Rendered(now_ + absl::Minutes(10)),
              IsSupersetOf(Json{{"models[0].windows.1m.requests", "0"},
                                {"models[0].windows.1m.requests_per_second", "0"},
                                {"models[0].windows.1m.error_ratio", "null"},
                                {"models[0].windows.1m.latency_seconds.0.5", "null"},
                                {"models[0].loaded", "null"},  // Its server is silent.
                                {"models[0].family", "null"},
                                {"models[0].requests.OK", "10"}}));
}

TEST_F(ModelsApiTest, NamesOfAnyTextAreJson) {
  const std::string name = "a\"\\\n\x01\x7f}{],\xc3\xa9";
  Push(
      PushBuilder("one", 'a', 1)
          .Counter(metric::kRequests.name, {{"model", name}, {"version", name}, {"code", name}}, 1),
      now_);
  EXPECT_THAT(Rendered(now_), IsSupersetOf(Json{
                                  {"models[0].model", "\"" + name},
                                  {"models[0].versions[0].version", "\"" + name},
                                  {absl::StrCat("models[0].requests.", name), "1"},
                              }));
}

TEST(JsonWriterTest, AnyBytesBecomeJson) {
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 12, '\0');
    for (char& c : text) c = static_cast<char>(random() % 2 == 0 ? random() : random() % 128);
    PageText page;
    JsonWriter json(page);
    json.BeginObject();
    json.Key(text);
    json.BeginArray();
    json.String(text);
    json.Number(1.5);
    json.Number(std::numeric_limits<double>::infinity());
    json.Bool(true);
    json.BeginObject();
    json.EndObject();
    json.EndArray();
    json.Key("another");
    json.Null();
    json.EndObject();
    const auto read = ReadJson(page.ToString());
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->size(), 6);
  }
}

TEST(JsonWriterTest, WhatIsNoUtf8IsReplaced) {
  PageText page;
  JsonWriter(page).String("a\xff\"\xc3");
  EXPECT_EQ(page.ToString(), "\"a\xef\xbf\xbd\\\"\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace weir
