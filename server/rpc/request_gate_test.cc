#include "server/rpc/request_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "base/clock.h"

namespace weir {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

TEST(RequestGateTest, RequestsComeInUntilTheirMessagesAreTooLargeTogether) {
  RequestGate gate(100);
  EXPECT_TRUE(gate.Enter(60).ok());
  EXPECT_TRUE(gate.Enter(40).ok());
  EXPECT_TRUE(gate.Enter(0).ok());
  const absl::Status refused = gate.Enter(1);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.message(),
            "the requests in flight hold 100 bytes and this one 1; at most 100 are allowed");
}

TEST(RequestGateTest, WhoLeavesMakesRoom) {
  RequestGate gate(100);
  EXPECT_TRUE(gate.Enter(100).ok());
  EXPECT_FALSE(gate.Enter(30).ok());
  gate.Leave(100);
  EXPECT_TRUE(gate.Enter(30).ok());
  EXPECT_TRUE(gate.Enter(70).ok());
}

TEST(RequestGateTest, AnAnswerCountsWhereItIsLargerThanItsRequest) {
  RequestGate gate(100);
  EXPECT_TRUE(gate.Enter(10).ok());
  gate.Grow(85);
  EXPECT_FALSE(gate.Enter(6).ok());
  gate.Grow(1000);
  EXPECT_FALSE(gate.Enter(1).ok());
  EXPECT_TRUE(gate.Enter(0).ok()) << "what holds nothing does no harm";
  gate.Leave(1095);
  EXPECT_TRUE(gate.Enter(100).ok());
}

TEST(RequestGateTest, AClosedGateRefusesWhatIsNewAndKeepsWhatIsInside) {
  RequestGate gate(100);
  EXPECT_TRUE(gate.Enter(10).ok());
  gate.Close();
  const absl::Status refused = gate.Enter(10);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(refused.message(), "the server is draining");
  EXPECT_FALSE(gate.AwaitEmpty(absl::ZeroDuration())) << "one is inside";
  gate.Leave(10);
  EXPECT_TRUE(gate.AwaitEmpty(absl::ZeroDuration()));
}

TEST(RequestGateTest, EmptyIsWhenTheLastOneHasLeft) {
  RequestGate gate(100);
  EXPECT_TRUE(gate.Enter(10).ok());
  EXPECT_TRUE(gate.Enter(20).ok());
  auto empty = std::async(std::launch::async, [&] { return gate.AwaitEmpty(kPatience); });
  gate.Leave(10);
  EXPECT_FALSE(gate.AwaitEmpty(absl::ZeroDuration()));
  gate.Leave(20);
  EXPECT_TRUE(empty.get());
}

TEST(RequestGateTest, ManyThreadsComeAndGo) {
  RequestGate gate(3);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&gate] {
      for (int round = 0; round < 1000; ++round) {
        if (gate.Enter(1).ok()) gate.Leave(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(gate.AwaitEmpty(absl::ZeroDuration()));
  EXPECT_TRUE(gate.Enter(3).ok()) << "all have taken their bytes with them";
}

TEST(RequestGateTest, SilenceIsWhenNobodyIsRefusedAnyMore) {
  RequestGate gate(100);
  gate.Close();
  std::atomic<bool> silent = false;
  std::thread caller([&] {
    while (!silent) EXPECT_FALSE(gate.Enter(1).ok());
  });
  // As long as somebody calls there is none, so this ends by its limit.
  const absl::Time start = MonotonicNow();
  gate.AwaitSilence(kPatience, absl::Milliseconds(50));
  EXPECT_GE(MonotonicNow() - start, absl::Milliseconds(50));
  EXPECT_LT(MonotonicNow() - start, kPatience);
  silent = true;
  caller.join();
  gate.AwaitSilence(absl::Milliseconds(1), absl::InfiniteDuration());
}

TEST(RequestGateTest, SilenceIsAwaitedNoLongerThanItsLimitThoughNobodyCalls) {
  RequestGate gate(100);
  gate.Close();
  const absl::Time start = MonotonicNow();
  gate.AwaitSilence(kPatience, absl::Milliseconds(10));
  EXPECT_LT(MonotonicNow() - start, kPatience / 2);
}

}  // namespace
}  // namespace weir
