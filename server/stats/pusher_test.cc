#include "server/stats/pusher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "server/stats/decoded_push.h"
#include "server/stats/fake_gateway.h"
#include "server/stats/stats_directory.h"

namespace weir {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);

bool IsLast(const v1::PushRequest& push) { return push.last() && !push.recovered(); }
bool IsRecovered(const v1::PushRequest& push) { return push.recovered(); }

double Answered(const v1::PushRequest& push) {
  const std::vector<std::string> labels = {"m", "1", "OK"};
  const DecodedPush decoded(push);
  return decoded.Has("weir_requests_total", labels) ? decoded.Value("weir_requests_total", labels)
                                                    : 0;
}

double Failures(const v1::PushRequest& push) {
  return DecodedPush(push).Value("weir_push_failures_total", {"r"});
}

class PusherTest : public testing::Test {
 protected:
  PusherTest() { Boot(); }

  // As a start of the process does. What was before has been killed.
  void Boot() {
    pusher_ = nullptr;
    recorder_ = nullptr;
    recorder_ = *Recorder::Create({.state_dir = directory_.path(), .replica = "r", .shards = 2});
  }

  void Count(int requests) {
    VersionStats& stats = recorder_->ForVersion({.model = "m", .version = 1});
    for (int i = 0; i < requests; ++i) {
      stats.RecordStart();
      stats.RecordAnswer({.rows = 1});
    }
  }

  void Push(const std::vector<std::string>& gateways, Pusher::Options options = {}) {
    options.gateways = gateways;
    options.interval = absl::Milliseconds(5);
    options.max_backoff = absl::Milliseconds(20);
    options.state_dir = directory_.path();
    ASSERT_TRUE(Pusher::Check(options).ok()) << Pusher::Check(options);
    pusher_ = std::make_unique<Pusher>(std::move(options), *recorder_);
  }

  bool Finish(absl::Duration timeout = kPatience) { return pusher_->Finish(timeout); }
  size_t Files() const { return directory_.Files("").size(); }

  const StatsDirectory directory_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<Pusher> pusher_;
};

TEST_F(PusherTest, PushesAllThatWasCountedAgainAndAgain) {
  FakeGateway gateway;
  Count(3);
  Push({gateway.address()},
       {.add_gauges = [](v1::PushRequest& push) { push.set_boot_unix_ns(7); }});
  gateway.AwaitMore(3);
  Count(2);
  gateway.Await([](const v1::PushRequest& push) { return Answered(push) == 5; });
  uint64_t seq = 0;
  for (const v1::PushRequest& push : gateway.pushes()) {
    EXPECT_EQ(push.replica(), "r");
    EXPECT_EQ(push.boot_id(), recorder_->boot_id());
    EXPECT_EQ(push.interval_ms(), 5u);
    EXPECT_EQ(push.boot_unix_ns(), 7) << "the gauges are asked for";
    EXPECT_FALSE(push.last());
    EXPECT_GT(push.seq(), seq);
    seq = push.seq();
  }
  EXPECT_GT(DecodedPush(gateway.pushes()[0]).Value("weir_process_cpu_seconds_total", {"r"}), 0);
}

TEST_F(PusherTest, SaysWhatTheGatewayHasAcknowledged) {
  FakeGateway gateway;
  Push({gateway.address()});
  gateway.AwaitMore(3);
  const std::vector<v1::PushRequest> pushes = gateway.pushes();
  EXPECT_EQ(pushes[0].acknowledged_seq(), 0u);
  EXPECT_EQ(pushes[1].acknowledged_seq(), pushes[0].seq());
  EXPECT_EQ(pushes[2].acknowledged_seq(), pushes[1].seq());
}

TEST_F(PusherTest, AfterALostAnswerANewerSnapshotFollowsAndTheFailureIsCounted) {
  FakeGateway gateway;
  gateway.SetPolicy([](const v1::PushRequest& push) -> FakeGateway::Answer {
    if (push.seq() > 2) return {};
    return {.status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost")};
  });
  Push({gateway.address()});
  const v1::PushRequest push =
      gateway.Await([](const v1::PushRequest& push) { return push.acknowledged_seq() > 0; });
  EXPECT_EQ(push.acknowledged_seq(), 3u);
  EXPECT_EQ(Failures(push), 2);
}

TEST_F(PusherTest, AGatewayThatHangsHoldsUpNeitherTheOtherNorTheEnd) {
  FakeGateway hanging;
  FakeGateway well;
  hanging.SetPolicy([](const v1::PushRequest&) { return FakeGateway::Answer{.hang = true}; });
  Push({hanging.address(), well.address()}, {.deadline = absl::Milliseconds(50)});
  hanging.AwaitMore(3);
  well.AwaitMore(10);
  EXPECT_EQ(hanging.most_at_once(), 1);
  Count(1);
  const absl::Time begin = MonotonicNow();
  EXPECT_FALSE(Finish(absl::Seconds(2)));  // Enough for the other, on a busy machine too.
  EXPECT_LT(MonotonicNow() - begin, absl::Seconds(30));
  EXPECT_EQ(Answered(well.Await(IsLast)), 1);
  EXPECT_EQ(Files(), 1u) << "one of them does not have it";
}

TEST_F(PusherTest, TheEndNeedNotWaitForThePushThatIsUnderWay) {
  FakeGateway gateway;
  gateway.SetPolicy(
      [](const v1::PushRequest& push) { return FakeGateway::Answer{.hang = !push.last()}; });
  Push({gateway.address()}, {.deadline = absl::Hours(1)});
  gateway.AwaitMore(1);
  EXPECT_TRUE(Finish());
  EXPECT_EQ(Failures(gateway.Await(IsLast)), 0) << "nobody wanted it any more";
}

TEST_F(PusherTest, AGatewayThatRefusesIsTriedAgainAndTheOtherGetsEverything) {
  FakeGateway refusing;
  FakeGateway well;
  refusing.SetPolicy([](const v1::PushRequest&) -> FakeGateway::Answer {
    return {.status = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no")};
  });
  Push({refusing.address(), well.address()});
  refusing.AwaitMore(3);
  well.Await([](const v1::PushRequest& push) { return Failures(push) >= 3; });
  refusing.SetPolicy({});
  Count(4);
  EXPECT_TRUE(Finish());
  EXPECT_EQ(Answered(refusing.Await(IsLast)), 4);
  EXPECT_EQ(Answered(well.Await(IsLast)), 4);
}

TEST_F(PusherTest, NonsenseIsNoAcknowledgement) {
  const std::vector<std::string> answers = {"\xff\xff\xff", FakeGateway::Acknowledge(1'000'000),
                                            std::string(1 << 20, 'x')};
  FakeGateway gateway;
  gateway.SetPolicy([&](const v1::PushRequest& push) -> FakeGateway::Answer {
    if (push.seq() > answers.size() + 1) return {};
    if (push.seq() > answers.size()) return {.bytes = FakeGateway::Acknowledge(1)};
    return {.bytes = answers[push.seq() - 1]};
  });
  Push({gateway.address()});
  const v1::PushRequest push =
      gateway.Await([](const v1::PushRequest& push) { return push.acknowledged_seq() > 0; });
  EXPECT_EQ(push.acknowledged_seq(), 5u);
  EXPECT_EQ(Failures(push), 4);
}

TEST_F(PusherTest, AGatewayThatComesLaterGetsEverything) {
  FakeGateway gateway;
  FakeGateway other;
  gateway.Stop();
  Push({gateway.address(), other.address()});
  Count(2);
  other.Await([](const v1::PushRequest& push) { return Failures(push) > 0; });
  EXPECT_TRUE(gateway.pushes().empty());
  gateway.Start();
  gateway.Await([](const v1::PushRequest& push) { return Answered(push) == 2; });
}

TEST_F(PusherTest, AGatewayThatRestartsIsFoundAgain) {
  FakeGateway gateway;
  Push({gateway.address()});
  for (int i = 0; i < 3; ++i) {
    gateway.AwaitMore(2);
    gateway.Stop();
    Count(1);
    gateway.Start();
  }
  gateway.Await([](const v1::PushRequest& push) { return Answered(push) == 3; });
}

TEST_F(PusherTest, TheLastPushHasEverythingAndThenTheFileIsGone) {
  FakeGateway gateway;
  Push({gateway.address()},
       {.add_gauges = [](v1::PushRequest& push) { push.set_boot_unix_ns(7); }});
  gateway.AwaitMore(1);
  Count(10);
  EXPECT_EQ(Files(), 1u);
  EXPECT_TRUE(Finish());
  EXPECT_EQ(Files(), 0u);
  const v1::PushRequest last = gateway.pushes().back();
  EXPECT_TRUE(IsLast(last));
  EXPECT_EQ(Answered(last), 10);
  EXPECT_NE(last.boot_unix_ns(), 7) << "what ends has no gauges";
}

TEST_F(PusherTest, TheLastPushIsTriedUntilTheGatewayTakesIt) {
  FakeGateway gateway;
  int refusals = 0;
  gateway.SetPolicy([&refusals](const v1::PushRequest& push) -> FakeGateway::Answer {
    if (!push.last() || ++refusals > 3) return {};
    return {.status = grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "no room")};
  });
  Push({gateway.address()});
  EXPECT_TRUE(Finish());
  EXPECT_EQ(Files(), 0u);
}

TEST_F(PusherTest, TheEndDoesNotWaitForAGatewayThatRefusesTheLastPush) {
  FakeGateway refusing;
  FakeGateway well;
  refusing.SetPolicy([](const v1::PushRequest& push) -> FakeGateway::Answer {
    if (!push.last()) return {};
    return {.status = grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "a counter fell")};
  });
  Push({refusing.address(), well.address()});
  Count(2);
  const absl::Time begin = MonotonicNow();
  EXPECT_FALSE(Finish(absl::Hours(1)));
  EXPECT_LT(MonotonicNow() - begin, kPatience);
  EXPECT_EQ(Answered(well.Await(IsLast)), 2);
  EXPECT_EQ(Files(), 1u);
}

TEST_F(PusherTest, WhatNobodyAcknowledgedStaysForTheNextBoot) {
  FakeGateway gateway;
  gateway.Stop();
  Push({gateway.address()});
  Count(3);
  EXPECT_FALSE(Finish(absl::Milliseconds(100)));
  EXPECT_EQ(Files(), 1u);
  gateway.Start();
  Boot();
  Push({gateway.address()});
  EXPECT_EQ(Answered(gateway.Await(IsRecovered)), 3);
}

TEST_F(PusherTest, WhatAKilledBootHadCountedGoesFirst) {
  const std::string killed = recorder_->boot_id();
  FakeGateway gateway;
  Count(7);
  Boot();
  Count(1);
  Push({gateway.address()});
  const v1::PushRequest live =
      gateway.Await([](const v1::PushRequest& push) { return !push.recovered(); });
  const v1::PushRequest first = gateway.pushes()[0];
  EXPECT_EQ(first.boot_id(), killed);
  EXPECT_TRUE(first.recovered());
  EXPECT_TRUE(first.last());
  EXPECT_EQ(first.interval_ms(), 5u);
  EXPECT_EQ(Answered(first), 7);
  EXPECT_EQ(live.boot_id(), recorder_->boot_id());
  EXPECT_EQ(Answered(live), 1);
  EXPECT_TRUE(Finish());
  EXPECT_EQ(Files(), 0u);
}

TEST_F(PusherTest, ABootThatStillHoldsItsFileAtTheStartIsFoundLater) {
  FakeGateway gateway;
  Count(7);
  std::unique_ptr<Recorder> ending = std::move(recorder_);
  Boot();
  Push({gateway.address()}, {.search_interval = absl::Milliseconds(10)});
  gateway.AwaitMore(5);
  for (const v1::PushRequest& push : gateway.pushes()) EXPECT_FALSE(IsRecovered(push));
  ending = nullptr;
  EXPECT_EQ(Answered(gateway.Await(IsRecovered)), 7);
}

TEST_F(PusherTest, WhatAKilledBootHadCountedIsKeptUntilAllGatewaysHaveIt) {
  FakeGateway here;
  FakeGateway away;
  away.Stop();
  Count(7);
  Boot();
  Push({here.address(), away.address()});
  here.Await(IsRecovered);
  here.Await([](const v1::PushRequest& push) { return Failures(push) > 2; });
  EXPECT_EQ(Files(), 2u);
  away.Start();
  EXPECT_EQ(Answered(away.Await(IsRecovered)), 7);
  away.AwaitMore(1);  // The answer before has come.
  EXPECT_TRUE(Finish());
  EXPECT_EQ(Files(), 0u);
  int recovered = 0;
  for (const v1::PushRequest& push : here.pushes()) recovered += push.recovered() ? 1 : 0;
  EXPECT_EQ(recovered, 1);
}

TEST_F(PusherTest, ManyKilledBootsAreAllPushed) {
  constexpr int kBoots = 20;  // More than are looked for at once.
  for (int i = 0; i < kBoots; ++i) {
    Count(1);
    Boot();
  }
  FakeGateway gateway;
  Push({gateway.address()});
  gateway.AwaitMore(kBoots + 1);
  EXPECT_TRUE(Finish());
  EXPECT_EQ(Files(), 0u);
  double answered = 0;
  for (const v1::PushRequest& push : gateway.pushes()) {
    if (push.recovered()) answered += Answered(push);
  }
  EXPECT_EQ(answered, kBoots);
}

TEST_F(PusherTest, TheDeadDoNotHoldUpTheLiving) {
  for (const grpc::StatusCode code :
       {grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::RESOURCE_EXHAUSTED}) {
    Boot();
    Count(1);
    Boot();
    FakeGateway gateway;
    gateway.SetPolicy([code](const v1::PushRequest& push) -> FakeGateway::Answer {
      if (!push.recovered()) return {};
      return {.status = grpc::Status(code, "no")};
    });
    Push({gateway.address()});
    gateway.Await(IsRecovered);
    gateway.Await([](const v1::PushRequest& push) { return push.acknowledged_seq() > 3; });
    EXPECT_TRUE(Finish());
  }
}

TEST_F(PusherTest, BadOptionsAreRefusedByName) {
  const auto why = [](const Pusher::Options& options) {
    return std::string(Pusher::Check(options).message());
  };
  EXPECT_EQ(why({}), "");
  EXPECT_EQ(why({.gateways = {"localhost:9401", "[::1]:9401"}}), "");
  for (const char* address : {"", "localhost", ":9401", "a:", "a:0", "a:70000", "a:b"}) {
    EXPECT_THAT(why({.gateways = {address}}), HasSubstr("HOST:PORT")) << address;
  }
  EXPECT_THAT(why({.gateways = {"a:1", "b:1", "a:1"}}), HasSubstr("\"a:1\" is named twice"));
  EXPECT_THAT(why({.gateways = std::vector<std::string>(9, "a:1")}), HasSubstr("at most 8"));
  EXPECT_THAT(why({.interval = absl::Microseconds(500)}), HasSubstr("1ms to 1h"));
  EXPECT_THAT(why({.interval = absl::Hours(2)}), HasSubstr("1ms to 1h"));
  EXPECT_THAT(why({.deadline = absl::ZeroDuration()}), HasSubstr("positive"));
  EXPECT_THAT(why({.deadline = absl::Hours(2)}), HasSubstr("1h at most"));
}

}  // namespace
}  // namespace weir
