#include "server/batching/executor.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/batching/test_lane.h"
#include "server/batching/test_request.h"

namespace weir {
namespace {

using absl::InfiniteDuration;
using absl::Milliseconds;

// So that an estimate is not near anything that a test waits for.
const std::vector<BatchTime> kSlowModel = {{.rows = 1, .time = absl::Hours(1)}};

TEST(ExecutorTest, ALoneRequestRunsAtOnce) {
  Executor executor(1);
  TestLane lane(executor, {});
  TestRequest request("ab");
  lane.Submit(request);
  lane.puppet.Next().End();
  EXPECT_EQ(request.WaitForText(), "ab");
  EXPECT_EQ(request.Wait().batch_rows, 2);
}

TEST(ExecutorTest, WhatComesWhileABatchRunsJoinsTheNextOne) {
  Executor executor(1);
  TestLane lane(executor, {});
  TestRequest first("a"), second("bc"), third("d");
  lane.Submit(first);
  Puppeteer::Batch batch = lane.puppet.Next();
  lane.Submit(second);
  lane.Submit(third);
  batch.End();
  batch = lane.puppet.Next();
  EXPECT_EQ(Text(batch), "bcd");
  EXPECT_EQ(first.WaitForText(), "a");
  EXPECT_FALSE(second.IsAnswered());
  batch.End();
  EXPECT_EQ(second.WaitForText(), "bc");
  EXPECT_EQ(third.WaitForText(), "d");
}

TEST(ExecutorTest, ABatchHasAtMostTheLargestNumberOfRows) {
  Executor executor(1);
  TestLane lane(executor, {.max_batch_rows = 4});
  TestRequest a("a"), b("bbb"), c("c");
  lane.Submit(a);
  Puppeteer::Batch batch = lane.puppet.Next();
  TestRequest d("d");
  for (TestRequest* request : {&b, &c, &d}) lane.Submit(*request);
  batch.End();
  batch = lane.puppet.Next();
  EXPECT_EQ(Text(batch), "bbbc");
  batch.End();
  batch = lane.puppet.Next();
  EXPECT_EQ(Text(batch), "d");
  batch.End();
}

TEST(ExecutorTest, TwoInstancesRunTwoBatchesAtOnce) {
  Executor executor(2);
  TestLane lane(executor, {.lane = {.instances = 2}});
  TestRequest a("a"), b("b"), c("c");
  lane.Submit(a);
  Puppeteer::Batch first = lane.puppet.Next();
  lane.Submit(b);
  Puppeteer::Batch second = lane.puppet.Next();
  lane.Submit(c);
  second.End();
  EXPECT_EQ(b.WaitForText(), "b") << "while the first one runs";
  Puppeteer::Batch third = lane.puppet.Next();
  EXPECT_EQ(Text(third), "c");
  third.End();
  first.End();
}

TEST(ExecutorTest, OneInstanceRunsOneBatchAtATimeHoweverManyWorkersThereAre) {
  Executor executor(3);
  TestLane one(executor, {});
  TestLane other(executor, {});
  TestRequest a("a"), b("b"), c("c");
  one.Submit(a);
  Puppeteer::Batch first = one.puppet.Next();
  one.Submit(b);
  other.Submit(c);
  other.puppet.Next().End();
  c.Wait();
  EXPECT_FALSE(one.puppet.HasNext()) << "though a worker has looked for work since";
  first.End();
  one.puppet.Next().End();
}

TEST(ExecutorTest, MoreInstancesThanWorkersGetMoreWorkers) {
  Executor executor(1);
  TestLane lane(executor, {.max_batch_rows = 1, .lane = {.instances = 3}});
  std::deque<TestRequest> requests;
  std::vector<Puppeteer::Batch> batches;
  for (const char* text : {"a", "b", "c"}) lane.Submit(requests.emplace_back(text));
  for (int i = 0; i < 3; ++i) batches.push_back(lane.puppet.Next());
  for (Puppeteer::Batch& batch : batches) batch.End();
}

TEST(ExecutorTest, ARequestIsAnsweredThoughOthersOfItsBatchFail) {
  Executor executor(1);
  TestLane lane(executor, {});
  TestRequest first("a"), good("b"), bad("x");
  lane.Submit(first);
  Puppeteer::Batch batch = lane.puppet.Next();
  lane.Submit(good);
  lane.Submit(bad);
  lane.puppet.Release([](const std::vector<Tensor>& inputs) -> Puppeteer::Outputs {
    if (inputs[0].data.find('x') != std::string::npos) return absl::InternalError("x");
    return inputs;
  });
  batch.End();
  EXPECT_EQ(good.WaitForText(), "b");
  EXPECT_EQ(bad.WaitForText(), "INTERNAL");
  TestRequest last("c");
  lane.Submit(last);
  EXPECT_EQ(last.WaitForText(), "c");
  EXPECT_EQ(lane.counts().failed_rows, 1);
}

TEST(ExecutorTest, WhatExpiredOrWasCancelledBeforeItsBatchIsNotRun) {
  Executor executor(1);
  // The wait in the queue is over as soon as a batch could be cut.
  BatchingSettings batching{.levels = {{.default_timeout = absl::Nanoseconds(1)},
                                       {.default_timeout = InfiniteDuration()}},
                            .default_level = 2};
  TestLane lane(executor, {.batching = batching});
  TestRequest first("a"), expired("bb", {.priority = 1}), cancelled("ccc"), last("dddd");
  lane.Submit(first);
  Puppeteer::Batch batch = lane.puppet.Next();
  for (TestRequest* request : {&expired, &cancelled, &last}) lane.Submit(*request);
  cancelled.Cancel();
  batch.End();
  batch = lane.puppet.Next();
  EXPECT_EQ(Text(batch), "dddd");
  EXPECT_EQ(expired.WaitForText(), "DEADLINE_EXCEEDED");
  EXPECT_EQ(cancelled.WaitForText(), "CANCELLED");
  batch.End();
  last.Wait();
  EXPECT_EQ(lane.counts().expired_rows, 2);
  EXPECT_EQ(lane.counts().cancelled_rows, 3);
  EXPECT_EQ(lane.counts().queued_rows, 0);
}

TEST(ExecutorTest, WhatComesTooLateOrCancelledIsRefusedAtOnce) {
  Executor executor(1);
  TestLane lane(executor, {});
  TestRequest expired("a", {.deadline = MonotonicNow()}), cancelled("bb");
  cancelled.Cancel();
  lane.Submit(expired);
  EXPECT_TRUE(expired.IsAnswered());
  EXPECT_EQ(expired.WaitForText(), "DEADLINE_EXCEEDED");
  lane.Submit(cancelled);
  EXPECT_TRUE(cancelled.IsAnswered());
  EXPECT_EQ(cancelled.WaitForText(), "CANCELLED");
  EXPECT_EQ(lane.counts().expired_rows, 1);
  EXPECT_EQ(lane.counts().cancelled_rows, 2);
  EXPECT_EQ(lane.counts().executed_rows, 0);
}

TEST(ExecutorTest, AFullQueueRefusesAtOnce) {
  Executor executor(1);
  TestLane lane(executor, {.batching = {.levels = {{.max_rows = 3}}}});
  TestRequest first("a"), second("bb"), third("cc"), fourth("d");
  lane.Submit(first);
  Puppeteer::Batch batch = lane.puppet.Next();
  lane.Submit(second);
  lane.Submit(third);
  EXPECT_TRUE(third.IsAnswered());
  EXPECT_EQ(third.WaitForText(), "RESOURCE_EXHAUSTED");
  lane.Submit(fourth);  // There is room for this one.
  batch.End();
  batch = lane.puppet.Next();
  EXPECT_EQ(Text(batch), "bbd");
  batch.End();
  EXPECT_EQ(lane.counts().queue_full_rows, 2);
}

TEST(ExecutorTest, ADeadlineOutOfReachIsRefusedAtOnce) {
  Executor executor(1);
  TestLane lane(executor, {.measured = kSlowModel});
  TestRequest first("a"), late("bb", {.deadline = MonotonicNow() + absl::Minutes(90)}),
      in_time("c", {.deadline = MonotonicNow() + absl::Hours(3)});
  lane.Submit(first);
  Puppeteer::Batch batch = lane.puppet.Next();
  lane.Submit(late);  // An hour until the instance is free, an hour for itself.
  EXPECT_TRUE(late.IsAnswered());
  EXPECT_EQ(late.WaitForText(), "RESOURCE_EXHAUSTED");
  lane.Submit(in_time);
  batch.End();
  lane.puppet.Next().End();
  EXPECT_EQ(in_time.WaitForText(), "c");
  EXPECT_EQ(lane.counts().unreachable_deadline_rows, 2);
}

TEST(ExecutorTest, HowFastAModelFailsTellsNothingOfItsTime) {
  Executor executor(1);
  TestLane lane(executor, {.measured = kSlowModel});
  for (int i = 0; i < 20; ++i) {
    TestRequest request("x");
    lane.Submit(request);
    lane.puppet.Next().End(absl::InternalError("x"));
    EXPECT_EQ(request.WaitForText(), "INTERNAL");
  }
  TestRequest first("a"), late("b", {.deadline = MonotonicNow() + absl::Minutes(90)});
  lane.Submit(first);
  Puppeteer::Batch batch = lane.puppet.Next();
  lane.Submit(late);
  EXPECT_EQ(late.WaitForText(), "RESOURCE_EXHAUSTED");
  batch.End();
}

TEST(ExecutorTest, ABatchWaitsForMoreRowsNoLongerThanItMay) {
  constexpr absl::Duration kMaxDelay = Milliseconds(40);
  Executor executor(1);
  TestLane lane(executor, {.batching = {.max_delay = kMaxDelay}});
  const absl::Time begin = MonotonicNow();
  TestRequest a("a"), b("b");
  lane.Submit(a);
  lane.Submit(b);
  Puppeteer::Batch batch = lane.puppet.Next();
  EXPECT_GE(MonotonicNow() - begin, kMaxDelay);
  EXPECT_EQ(Text(batch), "ab");
  batch.End();
}

TEST(ExecutorTest, AFullBatchDoesNotWait) {
  Executor executor(1);
  TestLane lane(executor, {.max_batch_rows = 4, .batching = {.max_delay = absl::Hours(1)}});
  TestRequest a("a"), b("bbb");
  lane.Submit(a);
  lane.Submit(b);
  Puppeteer::Batch batch = lane.puppet.Next();
  EXPECT_EQ(Text(batch), "abbb");
  batch.End();
}

TEST(ExecutorTest, SomeoneWatchesTheTimeThoughWorkersComeAndGo) {
  Executor executor(3);
  TestLane patient(executor, {.batching = {.max_delay = Milliseconds(40)}});
  TestLane busy(executor, {.max_batch_rows = 1, .lane = {.instances = 2}});
  for (int round = 0; round < 5; ++round) {
    TestRequest waits("w"), a("a"), b("b");
    patient.Submit(waits);
    busy.Submit(a);
    busy.Submit(b);
    Puppeteer::Batch first = busy.puppet.Next();
    Puppeteer::Batch second = busy.puppet.Next();
    patient.puppet.Next().End();
    EXPECT_EQ(waits.WaitForText(), "w") << "two of three workers are busy all the while";
    first.End();
    second.End();
  }
}

TEST(ExecutorTest, AHigherPriorityGoesFirst) {
  Executor executor(1);
  TestLane lane(executor,
                {.max_batch_rows = 1, .batching = {.levels = {{}, {}, {}}, .default_level = 2}});
  TestRequest first("-"), low("l", {.priority = 3}), normal("n"), high("h", {.priority = 1});
  lane.Submit(first);
  Puppeteer::Batch batch = lane.puppet.Next();
  for (TestRequest* request : {&low, &normal, &high}) lane.Submit(*request);
  for (const char* expected : {"h", "n", "l"}) {
    batch.End();
    batch = lane.puppet.Next();
    EXPECT_EQ(Text(batch), expected);
  }
  batch.End();
}

TEST(ExecutorTest, AModelMayGoWhileItsLastBatchEnds) {
  Executor executor(1);
  TestLane lane(executor, {});
  TestRequest request("a", {.on_done = [&lane] { lane.Remove(); }});
  lane.Submit(request);
  lane.puppet.Next().End();
  EXPECT_EQ(request.WaitForText(), "a");
  lane.puppet.AwaitNoModel();
  // The worker is alive.
  TestLane other(executor, {});
  TestRequest next("b");
  other.Submit(next);
  other.puppet.Next().End();
  EXPECT_EQ(next.WaitForText(), "b");
}

TEST(ExecutorTest, AModelMayGoWithTheLastRefusal) {
  Executor executor(1);
  TestLane lane(executor, {});
  TestRequest request("a", {.deadline = MonotonicNow(), .on_done = [&lane] { lane.Remove(); }});
  lane.Submit(request);
  EXPECT_EQ(request.WaitForText(), "DEADLINE_EXCEEDED");
  lane.puppet.AwaitNoModel();
}

TEST(ExecutorTest, AnAnswerMaySubmitTheNextRequest) {
  Executor executor(1);
  TestLane lane(executor, {});
  TestRequest second("b");
  TestRequest first("a", {.on_done = [&] { lane.Submit(second); }});
  lane.Submit(first);
  lane.puppet.Next().End();
  lane.puppet.Next().End();
  EXPECT_EQ(second.WaitForText(), "b");
}

TEST(ExecutorTest, AnExecutorEndsThoughItsWorkersSleep) {
  const Executor never_used(3);
  Executor used(2);
  TestLane lane(used, {.batching = {.max_delay = Milliseconds(1)}});
  TestRequest request("a");
  lane.Submit(request);
  lane.puppet.Next().End();
  request.Wait();
}

}  // namespace
}  // namespace weir
