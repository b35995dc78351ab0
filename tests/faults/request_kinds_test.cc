#include "tests/faults/request_kinds.h"

#include <gtest/gtest.h>

#include <map>

namespace weir {
namespace {

// What an account says of the model's requests: lows and highs by code, "" for all.
std::map<std::string, Bounds> BoundsByCode(const Account& account, absl::string_view model) {
  std::map<std::string, Bounds> bounds;
  const auto note = [&](double impossible) {
    for (const Discrepancy& found :
         account.Check([&](const Selector&) { return std::optional<double>(impossible); })) {
      const Selector all{"weir_requests_total", {{"model", std::string(model)}}};
      if (found.what == all.Text()) bounds[""] = found.expected;
      for (const char* const code : {"OK", "UNAVAILABLE", "INVALID_ARGUMENT"}) {
        Selector one = all;
        one.labels.emplace_back("code", code);
        if (found.what == one.Text()) bounds[code] = found.expected;
      }
    }
  };
  note(-1);
  return bounds;
}

LoadResult Result(int64_t ok, int64_t unavailable, int64_t unanswered = 0) {
  LoadResult result;
  result.calls_by_code[0] = ok;
  result.calls_by_code[14] = unavailable;
  result.unanswered_by_code[14] = unanswered;
  return result;
}

const RequestKind& Images() { return RequestKinds()[0]; }

TEST(RequestKindsTest, WhereNothingBrokeEveryCallIsCountedAsTheClientSawIt) {
  Account account;
  ExpectCounted(Images(), Result(10, 2, 2), /*may_have_broken=*/false, account);
  const auto bounds = BoundsByCode(account, Images().model);
  EXPECT_EQ(bounds.at("OK").low, 10);
  EXPECT_EQ(bounds.at("OK").high, 10);
  EXPECT_EQ(bounds.at("UNAVAILABLE").low, 2);
  EXPECT_EQ(bounds.at("UNAVAILABLE").high, 2);
  EXPECT_EQ(bounds.at("").low, 12);
  EXPECT_EQ(bounds.at("").high, 12);
}

TEST(RequestKindsTest, ACallThatBrokeMayHaveBeenCountedOnceUnderAnyCode) {
  Account account;
  ExpectCounted(Images(), Result(10, 7, 2), /*may_have_broken=*/true, account);
  const auto bounds = BoundsByCode(account, Images().model);
  EXPECT_EQ(bounds.at("OK").low, 10);
  EXPECT_EQ(bounds.at("OK").high, 12);
  EXPECT_EQ(bounds.at("UNAVAILABLE").low, 5) << "these were answered";
  EXPECT_EQ(bounds.at("UNAVAILABLE").high, 7);
  EXPECT_EQ(bounds.at("").low, 15) << "answered <= counted";
  EXPECT_EQ(bounds.at("").high, 17) << "counted <= sent";
}

TEST(RequestKindsTest, RowsAreCountedOfAnsweredRequests) {
  Account account;
  ExpectCounted(Images(), Result(10, 7, 2), /*may_have_broken=*/true, account);
  const std::vector<Discrepancy> found =
      account.Check([&](const Selector& selector) -> std::optional<double> {
        return selector.name == "weir_rows_total" ? 37 : -1;
      });
  bool rows_found = false;
  for (const Discrepancy& discrepancy : found) {
    if (discrepancy.counted != 37) continue;
    rows_found = true;
    EXPECT_EQ(discrepancy.expected.low, 30);
    EXPECT_EQ(discrepancy.expected.high, 36);
  }
  EXPECT_TRUE(rows_found);
}

TEST(RequestKindsTest, WhatIsSaidOfALostCallIsNoAnswer) {
  EXPECT_TRUE(
      IsCountedAnswer({absl::StatusCode::kUnavailable, "model \"fashion-fast\" is loading"}));
  EXPECT_TRUE(IsCountedAnswer({absl::StatusCode::kUnavailable, "the server is draining"}));
  EXPECT_TRUE(IsCountedAnswer({absl::StatusCode::kResourceExhausted, "the queue is full"}));
  EXPECT_FALSE(IsCountedAnswer({absl::StatusCode::kUnavailable, "Socket closed"}));
  EXPECT_FALSE(IsCountedAnswer({absl::StatusCode::kCancelled, "CANCELLED"}));
  EXPECT_FALSE(IsCountedAnswer({absl::StatusCode::kDeadlineExceeded, "Deadline Exceeded"}));
}

}  // namespace
}  // namespace weir
