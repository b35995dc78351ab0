#include "server/batching/fair_share.h"

#include <gtest/gtest.h>

#include <map>

namespace weir {
namespace {

using absl::Milliseconds;
using absl::ZeroDuration;

// Lets the member that goes first run for `batch`, so many times; how long each was busy.
std::map<FairShare::Member, absl::Duration> RunTurns(
    FairShare& shares, int turns, const std::map<FairShare::Member, absl::Duration>& batch) {
  std::map<FairShare::Member, absl::Duration> busy;
  for (int i = 0; i < turns; ++i) {
    const std::optional<FairShare::Member> next = shares.Next();
    if (!next) break;
    shares.Charge(*next, batch.at(*next));
    busy[*next] += batch.at(*next);
  }
  return busy;
}

TEST(FairShareTest, NobodyGoesFirstWhereNobodyWaits) {
  FairShare shares;
  EXPECT_EQ(shares.Next(), std::nullopt);
  const FairShare::Member a = shares.Add(1);
  EXPECT_EQ(shares.Next(), std::nullopt);
  shares.SetWaiting(a, true);
  EXPECT_EQ(shares.Next(), a);
  shares.SetWaiting(a, false);
  EXPECT_EQ(shares.Next(), std::nullopt);
}

TEST(FairShareTest, OfEqualsTheFirstGoesFirst) {
  FairShare shares;
  const FairShare::Member a = shares.Add(1);
  const FairShare::Member b = shares.Add(1);
  shares.SetWaiting(b, true);
  shares.SetWaiting(a, true);
  EXPECT_EQ(shares.Next(), a);
}

TEST(FairShareTest, BusyTimeIsSharedNotTurns) {
  FairShare shares;
  const FairShare::Member fast = shares.Add(1);
  const FairShare::Member slow = shares.Add(1);
  shares.SetWaiting(fast, true);
  shares.SetWaiting(slow, true);
  const auto busy = RunTurns(shares, 1100, {{fast, Milliseconds(1)}, {slow, Milliseconds(10)}});
  EXPECT_NEAR(absl::FDivDuration(busy.at(fast), busy.at(slow)), 1, 0.02);
}

TEST(FairShareTest, WeightsDivideTheTime) {
  FairShare shares;
  const FairShare::Member three = shares.Add(3);
  const FairShare::Member one = shares.Add(1);
  shares.SetWaiting(three, true);
  shares.SetWaiting(one, true);
  const auto busy = RunTurns(shares, 1000, {{three, Milliseconds(2)}, {one, Milliseconds(5)}});
  EXPECT_NEAR(absl::FDivDuration(busy.at(three), busy.at(one)), 3, 0.1);
}

TEST(FairShareTest, OneThatWasIdleSavesNothingUp) {
  FairShare shares;
  const FairShare::Member busy = shares.Add(1);
  const FairShare::Member idle = shares.Add(1);
  shares.SetWaiting(busy, true);
  RunTurns(shares, 1000, {{busy, Milliseconds(10)}});
  shares.SetWaiting(idle, true);
  const auto then = RunTurns(shares, 100, {{busy, Milliseconds(10)}, {idle, Milliseconds(10)}});
  EXPECT_NEAR(absl::FDivDuration(then.at(idle), then.at(busy)), 1, 0.05);
}

TEST(FairShareTest, OneThatWasIdleSavesNothingUpAlsoWhereTheOtherNeverWaits) {
  FairShare shares;
  const FairShare::Member busy = shares.Add(1);
  const FairShare::Member idle = shares.Add(1);
  for (int i = 0; i < 1000; ++i) shares.Charge(busy, Milliseconds(10));
  shares.SetWaiting(idle, true);
  EXPECT_TRUE(shares.MayGoAhead(busy, Milliseconds(10)));
  shares.Charge(idle, Milliseconds(50));
  shares.SetWaiting(busy, true);
  EXPECT_EQ(shares.Next(), busy);
}

TEST(FairShareTest, OneThatRunsWithoutWaitingSavesNothingUpEither) {
  FairShare shares;
  const FairShare::Member busy = shares.Add(1);
  const FairShare::Member inline_member = shares.Add(1);
  shares.SetWaiting(busy, true);
  RunTurns(shares, 1000, {{busy, Milliseconds(10)}});
  shares.Charge(inline_member, Milliseconds(30));
  EXPECT_FALSE(shares.MayGoAhead(inline_member, Milliseconds(10)));
}

TEST(FairShareTest, ANewMemberBeginsWithTheOthers) {
  FairShare shares;
  const FairShare::Member old = shares.Add(1);
  shares.SetWaiting(old, true);
  RunTurns(shares, 1000, {{old, Milliseconds(10)}});
  const FairShare::Member fresh = shares.Add(1);
  shares.SetWaiting(fresh, true);
  shares.Charge(fresh, Milliseconds(20));
  EXPECT_EQ(shares.Next(), old);
}

TEST(FairShareTest, TheRestIsChargedWhenABatchEnds) {
  FairShare shares;
  const FairShare::Member a = shares.Add(1);
  const FairShare::Member b = shares.Add(1);
  shares.SetWaiting(a, true);
  shares.SetWaiting(b, true);
  shares.Charge(a, Milliseconds(10));  // Expected.
  EXPECT_EQ(shares.Next(), b);
  shares.Charge(b, Milliseconds(8));
  EXPECT_EQ(shares.Next(), b);
  shares.Charge(a, -Milliseconds(5));  // It took half of that.
  EXPECT_EQ(shares.Next(), a);
}

TEST(FairShareTest, WhatWasChargedTooMuchAtFirstIsNoLoss) {
  FairShare shares;
  const FairShare::Member a = shares.Add(1);
  const FairShare::Member b = shares.Add(1);
  shares.SetWaiting(a, true);
  shares.SetWaiting(b, true);
  absl::Duration busy_a, busy_b;
  for (int i = 0; i < 1000; ++i) {
    const FairShare::Member next = *shares.Next();
    shares.Charge(next, Milliseconds(10));
    if (next == a) shares.Charge(a, -Milliseconds(5));
    (next == a ? busy_a : busy_b) += Milliseconds(next == a ? 5 : 10);
  }
  EXPECT_NEAR(absl::FDivDuration(busy_a, busy_b), 1, 0.05);
}

TEST(FairShareTest, OneMayGoAheadUntilItIsTooFarAheadOfOneThatWaits) {
  FairShare shares;
  const FairShare::Member a = shares.Add(1);
  const FairShare::Member b = shares.Add(1);
  EXPECT_TRUE(shares.MayGoAhead(a, ZeroDuration()));
  shares.SetWaiting(b, true);
  EXPECT_TRUE(shares.MayGoAhead(a, ZeroDuration()));
  shares.Charge(a, Milliseconds(4));
  EXPECT_TRUE(shares.MayGoAhead(a, Milliseconds(4)));
  EXPECT_FALSE(shares.MayGoAhead(a, Milliseconds(3)));
  shares.SetWaiting(b, false);
  EXPECT_TRUE(shares.MayGoAhead(a, ZeroDuration()));
}

TEST(FairShareTest, AHeavyMemberMayGoFurtherAhead) {
  FairShare shares;
  const FairShare::Member heavy = shares.Add(4);
  const FairShare::Member light = shares.Add(1);
  shares.SetWaiting(light, true);
  shares.Charge(heavy, Milliseconds(8));
  EXPECT_TRUE(shares.MayGoAhead(heavy, Milliseconds(2)));
  EXPECT_FALSE(shares.MayGoAhead(heavy, Milliseconds(1)));
}

TEST(FairShareTest, AShareIsThatAmongThoseThatWait) {
  FairShare shares;
  const FairShare::Member a = shares.Add(1);
  const FairShare::Member b = shares.Add(2);
  const FairShare::Member c = shares.Add(1);
  EXPECT_DOUBLE_EQ(shares.Share(a), 1);
  shares.SetWaiting(a, true);
  EXPECT_DOUBLE_EQ(shares.Share(a), 1);
  EXPECT_DOUBLE_EQ(shares.Share(b), 2.0 / 3);
  shares.SetWaiting(b, true);
  EXPECT_DOUBLE_EQ(shares.Share(a), 1.0 / 3);
  EXPECT_DOUBLE_EQ(shares.Share(c), 1.0 / 4);
}

TEST(FairShareTest, ARemovedMemberIsNobody) {
  FairShare shares;
  const FairShare::Member a = shares.Add(1);
  const FairShare::Member b = shares.Add(1);
  shares.SetWaiting(a, true);
  shares.SetWaiting(b, true);
  shares.Remove(a);
  EXPECT_EQ(shares.Next(), b);
  EXPECT_DOUBLE_EQ(shares.Share(b), 1);
  EXPECT_NE(shares.Add(1), a);
}

}  // namespace
}  // namespace weir
