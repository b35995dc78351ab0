#include "bench/h2load.h"

#include <string>
#include <utility>

#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

// What h2load 1.52 prints.
constexpr char kOutput[] =
    "starting benchmark...\n"
    "Main benchmark duration is over for thread #0. Stopping all clients.\n"
    "\n"
    "finished in 1.21s, 21972.00 req/s, 2.18MB/s\n"
    "requests: 21972 total, 21972 started, 21972 done, 21972 succeeded, 0 failed, 0 errored, 0 "
    "timeout\n"
    "status codes: 21973 2xx, 0 3xx, 0 4xx, 0 5xx\n"
    "traffic: 2.18MB (2283393) total, 83.71KB (85719) headers (space savings 96.29%), 1.93MB "
    "(2026908) data\n"
    "                     min         max         mean         sd        +/- sd\n"
    "time for request:       61us      6.97ms       355us       552us    96.32%\n";

TEST(H2loadTest, WhatItPrintsIsRead) {
  const auto report = ParseH2load(kOutput);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_DOUBLE_EQ(report->per_second, 21972);
  EXPECT_EQ(report->answers, 21972);
  EXPECT_EQ(report->data_bytes, 2026908);
}

TEST(H2loadTest, CallsWithoutAnAnswerAreAnError) {
  for (const auto& [from, to] : {std::pair("21972 succeeded", "21971 succeeded"),
                                 std::pair("21973 2xx, 0 3xx", "21900 2xx, 73 3xx"),
                                 std::pair("21972 total, 21972 started, 21972 done, 21972 succ",
                                           "0 total, 0 started, 0 done, 0 succ")}) {
    EXPECT_EQ(ParseH2load(absl::StrReplaceAll(kOutput, {{from, to}})).status().code(),
              absl::StatusCode::kUnavailable)
        << to;
  }
}

TEST(H2loadTest, AnythingElseIsNoReport) {
  EXPECT_EQ(ParseH2load("Process Request Failure:0\n").status().code(),
            absl::StatusCode::kInternal);
  EXPECT_EQ(ParseH2load(absl::StrReplaceAll(kOutput, {{"traffic", "traffick"}})).status().code(),
            absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace weir
