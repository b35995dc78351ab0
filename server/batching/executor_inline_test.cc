// Inline lanes, and the shares of lanes of either kind.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "server/batching/executor.h"
#include "server/batching/test_lane.h"
#include "server/batching/test_request.h"

namespace weir {
namespace {

// A lane whose batches run on the thread that calls RunInline.
TestLane::Options Inline(int instances = 1, double weight = 1) {
  return {
      .max_batch_rows = 1, .weight = weight, .lane = {.run_inline = true, .instances = instances}};
}

// The least batch of it is more than its share.
constexpr double kNoWeight = 1e-12;

TEST(ExecutorInlineTest, NothingRunsBeforeRunInline) {
  Executor executor(1);
  TestLane lane(executor, Inline());
  TestLane pooled(executor, {});
  TestRequest request("a"), other("b");
  lane.puppet.Release();
  lane.Submit(request);
  pooled.Submit(other);
  pooled.puppet.Next().End();
  other.Wait();
  EXPECT_FALSE(request.IsAnswered()) << "though a worker has looked for work since";
  executor.RunInline();
  EXPECT_TRUE(request.IsAnswered());
  EXPECT_EQ(request.WaitForText(), "a");
}

TEST(ExecutorInlineTest, RunInlineRunsABatchOfEachInlineLaneInTurn) {
  Executor executor(1);
  TestLane::Options options = Inline();
  options.max_batch_rows = 8;
  TestLane one(executor, options);
  TestLane other(executor, options);
  std::deque<TestRequest> requests;
  for (TestLane* lane : {&one, &other}) {
    lane->puppet.Release();
    for (int i = 0; i < 5; ++i) lane->Submit(requests.emplace_back("a"));
  }
  const auto answered = [&requests] {
    return std::count_if(requests.begin(), requests.end(),
                         [](const TestRequest& request) { return request.IsAnswered(); });
  };
  EXPECT_TRUE(executor.RunInline());
  EXPECT_EQ(answered(), 5);
  EXPECT_TRUE(executor.RunInline());
  EXPECT_EQ(answered(), 10);
  EXPECT_FALSE(executor.RunInline());
}

TEST(ExecutorInlineTest, ABatchIsCutSoThatItKeepsItsThreadForAShortTimeOnly) {
  Executor executor(1);
  TestLane::Options options = Inline();
  options.max_batch_rows = 8;
  options.measured = {{1, absl::Hours(1)}, {8, absl::Hours(8)}};
  options.lane.max_inline_time = absl::Hours(3);
  TestLane lane(executor, options);
  lane.puppet.Release();
  std::deque<TestRequest> requests;
  for (int i = 0; i < 3; ++i) lane.Submit(requests.emplace_back("a"));
  for (int i = 0; i < 2; ++i) lane.Submit(requests.emplace_back("a"));
  EXPECT_TRUE(executor.RunInline());
  EXPECT_EQ(requests.front().Wait().batch_rows, 3);
  EXPECT_TRUE(executor.RunInline());
}

TEST(ExecutorInlineTest, ItsThreadIsToldBeforeALongBatchOnly) {
  Executor executor(1);
  TestLane::Options options = Inline();
  options.measured = {{1, absl::Hours(1)}};
  TestLane slow(executor, options);
  options.measured = {{1, absl::Nanoseconds(1)}};
  TestLane fast(executor, options);
  slow.puppet.Release();
  fast.puppet.Release();
  TestRequest long_one("a"), short_one("b");
  int told = 0;
  fast.Submit(short_one);
  executor.RunInline([&] { ++told; });
  EXPECT_EQ(told, 0);
  slow.Submit(long_one);
  executor.RunInline([&] {
    ++told;
    EXPECT_FALSE(long_one.IsAnswered());
  });
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(long_one.IsAnswered());
}

TEST(ExecutorInlineTest, WhatFindsItsInstanceBusyIsRunByTheThreadThatFreesIt) {
  Executor executor(1);
  TestLane lane(executor, Inline());
  TestRequest first("a"), second("b");
  std::thread poller([&] { lane.SubmitAndRun(first); });
  Puppeteer::Batch batch = lane.puppet.Next();
  lane.SubmitAndRun(second);
  EXPECT_FALSE(second.IsAnswered());
  batch.End();
  lane.puppet.Next().End();
  EXPECT_EQ(second.WaitForText(), "b");
  poller.join();
}

TEST(ExecutorInlineTest, TwoInstancesRunOnTwoThreads) {
  Executor executor(1);
  TestLane lane(executor, Inline(2));
  TestRequest a("a"), b("b");
  std::thread one([&] { lane.SubmitAndRun(a); });
  Puppeteer::Batch first = lane.puppet.Next();
  std::thread other([&] { lane.SubmitAndRun(b); });
  Puppeteer::Batch second = lane.puppet.Next();
  first.End();
  second.End();
  one.join();
  other.join();
}

// A worker that has a batch at hand and more to come, so that others have to mind its share.
class BusyWorker {
 public:
  explicit BusyWorker(Executor& executor) : lane_(executor, {.max_batch_rows = 1}) {
    for (int i = 0; i < 3; ++i) lane_.Submit(requests_.emplace_back("w"));
    // Of the second one it is known that the third waits.
    lane_.puppet.Next().End();
    batch_.push_back(lane_.puppet.Next());
  }

  // Lets the worker go.
  void End() {
    lane_.puppet.Release();
    batch_[0].End();
  }

 private:
  TestLane lane_;
  std::deque<TestRequest> requests_;
  std::vector<Puppeteer::Batch> batch_;
};

TEST(ExecutorInlineTest, WithinItsShareALaneRunsInlineThoughOthersWait) {
  Executor executor(1);
  TestLane lane(executor, Inline(1, /*weight=*/1e12));
  lane.puppet.Release();
  BusyWorker busy(executor);
  for (int i = 0; i < 10; ++i) {
    TestRequest request("a");
    lane.SubmitAndRun(request);
    EXPECT_TRUE(request.IsAnswered());
  }
  busy.End();
}

TEST(ExecutorInlineTest, ALaneOverItsShareIsLeftToTheWorkersAndStillRuns) {
  Executor executor(1);
  TestLane lane(executor, Inline(1, kNoWeight));
  lane.puppet.Release();
  BusyWorker busy(executor);
  TestRequest first("a"), second("b"), third("c");
  lane.SubmitAndRun(first);
  EXPECT_TRUE(first.IsAnswered());
  lane.SubmitAndRun(second);
  lane.SubmitAndRun(third);
  EXPECT_FALSE(second.IsAnswered());
  busy.End();
  EXPECT_EQ(second.WaitForText(), "b");
  EXPECT_EQ(third.WaitForText(), "c");
}

TEST(ExecutorInlineTest, OnceItsQueueIsEmptyALaneRunsInlineAgain) {
  Executor executor(1);
  TestLane lane(executor, Inline(1, kNoWeight));
  lane.puppet.Release();
  BusyWorker busy(executor);
  TestRequest first("a"), second("b"), third("c");
  lane.SubmitAndRun(first);
  lane.SubmitAndRun(second);
  busy.End();
  second.Wait();
  // Whoever runs now, nobody waits.
  TestLane pooled(executor, {});
  pooled.puppet.Release();
  TestRequest other("d");
  pooled.Submit(other);
  other.Wait();
  lane.Submit(third);
  executor.RunInline();
  EXPECT_TRUE(third.IsAnswered());
}

TEST(ExecutorInlineTest, WhatFindsALaneBusyOnAWorkerIsNotForgotten) {
  Executor executor(1);
  TestLane lane(executor, Inline(1, kNoWeight));
  BusyWorker busy(executor);
  TestRequest first("a"), second("b"), third("c");
  std::thread poller([&] { lane.SubmitAndRun(first); });
  lane.puppet.Next().End();
  poller.join();
  lane.SubmitAndRun(second);  // Left to the worker, which empties the queue.
  busy.End();
  Puppeteer::Batch batch = lane.puppet.Next();
  lane.SubmitAndRun(third);  // No instance is free, so this thread goes away.
  EXPECT_FALSE(third.IsAnswered());
  batch.End();
  lane.puppet.Next().End();
  EXPECT_EQ(third.WaitForText(), "c");
}

TEST(ExecutorInlineTest, WhatExpiresWhileALaneIsBusyOnAWorkerIsAnsweredToo) {
  Executor executor(1);
  TestLane::Options options = Inline(1, kNoWeight);
  options.batching.levels = {{}, {.default_timeout = absl::Nanoseconds(1)}};
  options.measured = {{1, absl::Hours(1)}};
  TestLane lane(executor, options);
  BusyWorker busy(executor);
  TestRequest first("a"), second("b"), expires("c", {.priority = 2}),
      refused("d", {.deadline = MonotonicNow() + absl::Minutes(1)});
  std::thread poller([&] { lane.SubmitAndRun(first); });
  lane.puppet.Next().End();
  poller.join();
  lane.SubmitAndRun(second);
  busy.End();
  Puppeteer::Batch batch = lane.puppet.Next();
  lane.SubmitAndRun(expires);
  lane.SubmitAndRun(refused);  // The queue notices that the other one has expired.
  EXPECT_EQ(refused.WaitForText(), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(lane.counts().queued_rows, 0);
  batch.End();
  EXPECT_EQ(expires.WaitForText(), "DEADLINE_EXCEEDED");
}

TEST(ExecutorInlineTest, AnInstanceThatAPollerFreesIsThereForTheWorkers) {
  Executor executor(2);
  TestLane lane(executor, Inline(2, kNoWeight));
  TestLane pooled(executor, {.max_batch_rows = 1, .lane = {.instances = 2}});
  // The poller has one instance, and the lane is over its share while others wait.
  TestRequest warm("-"), a("a"), b("b"), c("c");
  std::thread once([&] { lane.SubmitAndRun(warm); });
  lane.puppet.Next().End();
  once.join();
  std::thread poller([&] { lane.SubmitAndRun(a); });
  Puppeteer::Batch of_poller = lane.puppet.Next();
  std::deque<TestRequest> others;
  for (int i = 0; i < 5; ++i) pooled.Submit(others.emplace_back("w"));
  pooled.puppet.Next().End();
  std::vector<Puppeteer::Batch> held;
  for (int i = 0; i < 2; ++i) held.push_back(pooled.puppet.Next());
  lane.SubmitAndRun(b);
  lane.Submit(c);
  pooled.puppet.Release();
  for (Puppeteer::Batch& batch : held) batch.End();
  // A worker has the other instance; its colleague finds none free, and sleeps.
  Puppeteer::Batch of_worker = lane.puppet.Next();
  for (const TestRequest& other : others) other.Wait();
  of_poller.End();
  poller.join();
  lane.puppet.Next().End();
  EXPECT_EQ(c.WaitForText(), "c") << "while the first worker is busy";
  of_worker.End();
}

TEST(ExecutorShareTest, TheTimeOfTheWorkersIsSharedByWeight) {
  Executor executor(1);
  TestLane gate(executor, {});
  TestLane heavy(executor, {.max_batch_rows = 1, .weight = 3});
  TestLane light(executor, {.max_batch_rows = 1, .weight = 1});
  TestRequest opener("-");
  gate.Submit(opener);
  Puppeteer::Batch closed = gate.puppet.Next();

  constexpr int kRequests = 200;
  std::string order;  // Of the batches; the only worker writes it.
  std::deque<TestRequest> requests;
  for (TestLane* lane : {&heavy, &light}) {
    lane->puppet.Release([&order](const std::vector<Tensor>& inputs) {
      order += inputs[0].data;
      return inputs;
    });
    for (int i = 0; i < kRequests; ++i) {
      lane->Submit(requests.emplace_back(lane == &heavy ? "h" : "l"));
    }
  }
  closed.End();
  for (const TestRequest& request : requests) request.Wait();

  // While both have something to do, neither gets ahead by more than a batch, whatever that takes.
  absl::Duration longest;
  std::map<char, std::deque<absl::Duration>> took;
  for (const TestRequest& request : requests) {
    const absl::Duration time = request.Wait().times.inference;
    took[request.tensors()[0].data[0]].push_back(time);
    longest = std::max(longest, time);
  }
  std::map<char, absl::Duration> busy;
  for (const char lane : order) {
    busy[lane] += took[lane].front();
    took[lane].pop_front();
    if (took['h'].empty() || took['l'].empty()) break;
    EXPECT_LE(absl::AbsDuration(busy['h'] / 3 - busy['l']), longest + absl::Microseconds(1));
  }
}

TEST(ExecutorShareTest, OneWhoComesIntoAnEndlessQueueOfAnotherWaitsForOneBatch) {
  Executor executor(2);
  TestLane endless(executor, {.max_batch_rows = 1, .lane = {.instances = 2}});
  TestLane other(executor, {.max_batch_rows = 1});
  std::deque<TestRequest> requests;
  for (int i = 0; i < 100; ++i) endless.Submit(requests.emplace_back("e"));
  Puppeteer::Batch first = endless.puppet.Next();
  Puppeteer::Batch second = endless.puppet.Next();
  TestRequest request("o");
  other.Submit(request);
  first.End();
  Puppeteer::Batch batch = other.puppet.Next();
  EXPECT_FALSE(endless.puppet.HasNext());
  endless.puppet.Release();
  batch.End();
  second.End();
}

}  // namespace
}  // namespace weir
