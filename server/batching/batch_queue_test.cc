#include "server/batching/batch_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <vector>

#include "server/batching/queue_script.h"
#include "server/batching/shaped_task.h"

namespace weir {
namespace {

using absl::InfiniteDuration;
using absl::Milliseconds;
using absl::ZeroDuration;
using testing::ElementsAre;

using Shape = std::vector<int64_t>;

TEST(BatchQueueTest, AnEmptyQueueHasNothingToDo) {
  QueueScript script;
  EXPECT_EQ(script.Next(), "");
  EXPECT_EQ(script.ReadyIn(), InfiniteDuration());
  EXPECT_EQ(script.queue.queued_rows(), 0);
}

TEST(BatchQueueTest, ALoneRequestRunsAtOnce) {
  QueueScript script;
  EXPECT_EQ(script.Push({.name = "a"}), "");
  EXPECT_EQ(script.ReadyIn(), ZeroDuration());
  EXPECT_EQ(script.Next(), "a");
  EXPECT_EQ(script.ReadyIn(), InfiniteDuration());
}

TEST(BatchQueueTest, WhatWaitsRunsTogetherInTheOrderOfItsArrival) {
  QueueScript script;
  for (const char* name : {"c", "a", "b"}) script.Push({.name = name});
  EXPECT_EQ(script.Next(), "c a b");
}

TEST(BatchQueueTest, ABatchHasAtMostTheLargestNumberOfRows) {
  QueueScript script({}, 8);
  script.PushMany("a", 20);
  EXPECT_EQ(script.NextRows(), 8);
  EXPECT_EQ(script.NextRows(), 8);
  EXPECT_EQ(script.NextRows(), 4);
  EXPECT_EQ(script.NextRows(), 0);
}

TEST(BatchQueueTest, ABatchHasAtMostTheRowsThatItsCallerAsksFor) {
  QueueScript script({}, 8);
  script.PushMany("a", 5);
  EXPECT_EQ(script.Next(3), "a1 a2 a3");
  EXPECT_EQ(script.Next(0), "a4") << "at least one";
  EXPECT_EQ(script.Next(3), "a5");
}

TEST(BatchQueueTest, ARequestIsNeverSplitNorOvertakenByASmallerOne) {
  QueueScript script({}, 8);
  script.Push({.name = "a", .rows = 5});
  script.Push({.name = "b", .rows = 4});
  script.Push({.name = "c", .rows = 3});
  EXPECT_EQ(script.Next(), "a");
  EXPECT_EQ(script.Next(), "b c");
}

TEST(BatchQueueTest, ARequestOfMoreRowsThanABatchRunsAlone) {
  QueueScript script({}, 8);
  script.Push({.name = "a"});
  script.Push({.name = "huge", .rows = 30});
  script.Push({.name = "b"});
  EXPECT_EQ(script.Next(), "a");
  EXPECT_EQ(script.Next(), "huge");
  EXPECT_EQ(script.Next(), "b");
}

TEST(BatchQueueTest, WithoutRowsEachRequestRunsAlone) {
  QueueScript script({}, 0);
  script.PushMany("a", 3);
  EXPECT_EQ(script.queue.queued_rows(), 3);
  EXPECT_EQ(script.Next(), "a1");
  EXPECT_EQ(script.Next(), "a2");
  EXPECT_EQ(script.Next(), "a3");
  EXPECT_EQ(script.Next(), "");
}

TEST(BatchQueueTest, WithoutRowsShapesDoNotChangeTheOrder) {
  QueueScript script({}, 0);
  script.Push({.name = "a", .shape = {1}});
  script.Push({.name = "b", .shape = {2}});
  script.Push({.name = "c", .shape = {1}});
  EXPECT_EQ(script.Next(), "a");
  EXPECT_EQ(script.Next(), "b");
  EXPECT_EQ(script.Next(), "c");
}

TEST(BatchQueueTest, DifferentShapesRunApartTheOldestFirst) {
  QueueScript script;
  script.Push({.name = "a1", .shape = {1}});
  script.Push({.name = "b1", .shape = {2}});
  script.Push({.name = "a2", .shape = {1}});
  script.Push({.name = "b2", .shape = {2}});
  EXPECT_EQ(script.Next(), "a1 a2");
  EXPECT_EQ(script.Next(), "b1 b2");
}

TEST(BatchQueueTest, ABusyShapeDoesNotStarveAnother) {
  QueueScript script({}, 2);
  script.PushMany("a", 3, {.shape = {1}});
  script.Push({.name = "b", .shape = {2}});
  script.Push({.name = "a4", .shape = {1}});
  EXPECT_EQ(script.Next(), "a1 a2");
  EXPECT_EQ(script.Next(), "a3 a4");
  script.PushMany("c", 2, {.shape = {1}});
  EXPECT_EQ(script.Next(), "b");
  EXPECT_EQ(script.Next(), "c1 c2");
}

TEST(BatchQueueTest, ShapesOfDifferentRankAreNotTakenForEachOther) {
  QueueScript script;
  script.Push({.name = "a", .shape = {2, 3}});
  script.Push({.name = "b", .shape = {6}});
  script.Push({.name = "c", .shape = {2, 3, 1}});
  script.Push({.name = "d", .shape = {}});
  EXPECT_EQ(script.Next(), "a");
  EXPECT_EQ(script.Next(), "b");
  EXPECT_EQ(script.Next(), "c");
  EXPECT_EQ(script.Next(), "d");
}

TEST(BatchQueueTest, TheShapesOfAllInputsCount) {
  BatchQueue queue({}, 8);
  const BatchCost cost({});
  const Shape narrow = {1, 2};
  const Shape wide = {1, 3};
  using Shapes = std::vector<Shape>;
  ShapedTask a(Shapes{narrow, wide}), b(Shapes{wide, narrow}), c(Shapes{narrow, wide});
  for (ShapedTask* const task : {&a, &b, &c}) {
    EXPECT_FALSE(queue.Push(*task, absl::UnixEpoch(), cost, {}).has_value());
  }
  EXPECT_EQ(queue.Next(absl::UnixEpoch(), cost, 8).rows, 2);
  EXPECT_EQ(queue.Next(absl::UnixEpoch(), cost, 8).rows, 1);
}

TEST(BatchQueueTest, AShapeThatWasForgottenMayComeAgain) {
  BatchQueue queue({}, 8);
  const BatchCost cost({});
  const absl::Time now = absl::UnixEpoch();
  const auto run = [&](int64_t size) {
    ShapedTask task(Shape{1, size});
    EXPECT_FALSE(queue.Push(task, now, cost, {}).has_value());
    EXPECT_THAT(queue.Next(now, cost, 8).batch, ElementsAre(&task));
  };
  for (int round = 0; round < 3; ++round) {
    run(0);
    run(0);
    for (int64_t size = 1; size <= 300; ++size) run(size);
    EXPECT_LT(queue.known_shapes(), 300U) << "some are forgotten";
  }
}

TEST(BatchQueueTest, AMillionShapesLeaveNothingBehindAndTakeNoLongerThanOne) {
  BatchQueue queue({}, 8);
  const BatchCost cost({});
  const absl::Time now = absl::UnixEpoch();
  int64_t rows = 0;
  std::deque<ShapedTask> tasks;
  for (int64_t i = 0; i < 1'000'000; ++i) {
    EXPECT_FALSE(queue.Push(tasks.emplace_back(Shape{1, i}), now, cost, {}).has_value());
    if (i < 500) continue;
    const BatchQueue::Cut cut = queue.Next(now, cost, 8);
    rows += cut.rows;
    ASSERT_THAT(cut.batch, ElementsAre(&tasks.front()));
    tasks.pop_front();
  }
  EXPECT_EQ(queue.queued_rows(), 500);
  EXPECT_EQ(rows, 999'500);
  EXPECT_LE(queue.known_shapes(), 1100);
}

BatchingSettings Levels(int count, uint32_t default_level = 1) {
  BatchingSettings settings;
  settings.levels.resize(count);
  settings.default_level = default_level;
  return settings;
}

TEST(BatchQueueTest, AHigherPriorityGoesFirst) {
  QueueScript script(Levels(3));
  script.Push({.name = "low", .priority = 3});
  script.Push({.name = "middle", .priority = 2});
  script.Push({.name = "high", .priority = 1});
  EXPECT_EQ(script.Next(), "high middle low");
}

TEST(BatchQueueTest, PrioritiesHoldAcrossShapes) {
  QueueScript script(Levels(2));
  script.Push({.name = "a-low", .shape = {1}, .priority = 2});
  script.Push({.name = "b-low", .shape = {2}, .priority = 2});
  script.Push({.name = "b-high", .shape = {2}, .priority = 1});
  EXPECT_EQ(script.Next(), "b-high b-low");
  EXPECT_EQ(script.Next(), "a-low");
}

TEST(BatchQueueTest, AHighPriorityFillsItsBatchBeforeALowOneGetsIn) {
  QueueScript script(Levels(2), 4);
  script.PushMany("low", 3, {.priority = 2});
  script.PushMany("high", 3, {.priority = 1});
  EXPECT_EQ(script.Next(), "high1 high2 high3 low1");
  EXPECT_EQ(script.Next(), "low2 low3");
}

TEST(BatchQueueTest, NoPriorityMeansTheDefaultOne) {
  QueueScript script(Levels(3, 2));
  script.Push({.name = "low", .priority = 3});
  script.Push({.name = "default"});
  script.Push({.name = "high", .priority = 1});
  EXPECT_EQ(script.Next(), "high default low");
}

TEST(BatchQueueTest, APriorityBeyondTheLastIsTheLast) {
  QueueScript script(Levels(2));
  script.Push({.name = "beyond", .priority = 99});
  script.Push({.name = "last", .priority = 2});
  script.Push({.name = "first", .priority = 1});
  EXPECT_EQ(script.Next(), "first beyond last");
}

BatchingSettings Preferred(std::vector<int64_t> sizes, absl::Duration max_delay = ZeroDuration()) {
  BatchingSettings settings;
  settings.preferred_rows = std::move(sizes);
  settings.max_delay = max_delay;
  return settings;
}

TEST(BatchQueueTest, ABatchHasTheLargestPreferredSizeThatCanBeFilled) {
  QueueScript script(Preferred({2, 4}));
  script.PushMany("a", 7);
  EXPECT_EQ(script.NextRows(), 4);
  EXPECT_EQ(script.NextRows(), 2);
  EXPECT_EQ(script.NextRows(), 1);
}

TEST(BatchQueueTest, NoBatchIsLargerThanTheLargestPreferredSize) {
  QueueScript script(Preferred({4}), 8);
  script.PushMany("a", 9);
  EXPECT_EQ(script.NextRows(), 4);
  EXPECT_EQ(script.NextRows(), 4);
  EXPECT_EQ(script.NextRows(), 1);
}

TEST(BatchQueueTest, WhereRequestsDoNotAddUpToAPreferredSizeAllThatFitsRuns) {
  QueueScript script(Preferred({4, 8}), 8);
  script.PushMany("a", 3, {.rows = 3});
  EXPECT_EQ(script.Next(), "a1 a2");
  EXPECT_EQ(script.Next(), "a3");
}

TEST(BatchQueueTest, APreferredSizeBeyondWhatTheCallerAsksForIsNotWaitedFor) {
  QueueScript script(Preferred({4, 8}), 8);
  script.PushMany("a", 8);
  EXPECT_EQ(script.Next(6), "a1 a2 a3 a4");
  EXPECT_EQ(script.Next(3), "a5 a6 a7");
}

TEST(BatchQueueTest, ADelayHoldsABatchBackUntilItsOldestRequestHasWaited) {
  QueueScript script(Preferred({}, Milliseconds(10)));
  script.Push({.name = "a"});
  script.Wait(Milliseconds(4));
  script.Push({.name = "b"});
  EXPECT_EQ(script.Next(), "");
  EXPECT_EQ(script.ReadyIn(), Milliseconds(6));
  script.Wait(Milliseconds(6));
  EXPECT_EQ(script.ReadyIn(), ZeroDuration());
  EXPECT_EQ(script.Next(), "a b");
}

TEST(BatchQueueTest, ADelayEndsOnceTheLargestBatchIsFull) {
  QueueScript script(Preferred({}, Milliseconds(10)), 4);
  script.PushMany("a", 3);
  EXPECT_EQ(script.Next(), "");
  script.PushMany("b", 2);
  EXPECT_EQ(script.ReadyIn(), ZeroDuration());
  EXPECT_EQ(script.Next(), "a1 a2 a3 b1");
  EXPECT_EQ(script.Next(), "") << "the rest waits anew";
  EXPECT_EQ(script.ReadyIn(), Milliseconds(10));
}

TEST(BatchQueueTest, ADelayEndsOnceAPreferredSizeIsFull) {
  QueueScript script(Preferred({2, 8}, Milliseconds(10)));
  script.Push({.name = "a"});
  EXPECT_EQ(script.Next(), "");
  script.Push({.name = "b"});
  EXPECT_EQ(script.Next(), "a b");
}

TEST(BatchQueueTest, ADelayGoesOnWhileTheRowsAreNotOfAPreferredSize) {
  QueueScript script(Preferred({4, 8}, Milliseconds(10)));
  script.Push({.name = "a", .rows = 3});
  script.Push({.name = "b", .rows = 2});
  EXPECT_EQ(script.Next(), "");
  script.Push({.name = "c", .rows = 3});
  EXPECT_EQ(script.Next(), "a b c");
}

TEST(BatchQueueTest, AHigherPriorityCanCompleteAPreferredSizeInFront) {
  BatchingSettings settings = Preferred({4, 8}, Milliseconds(10));
  settings.levels.resize(2);
  QueueScript script(settings);
  script.Push({.name = "low", .rows = 3, .priority = 2});
  EXPECT_EQ(script.Next(), "");
  script.Push({.name = "high", .rows = 4, .priority = 1});
  EXPECT_EQ(script.Next(), "high");
  EXPECT_EQ(script.ReadyIn(), Milliseconds(10));
}

TEST(BatchQueueTest, ARequestInBetweenCanUndoAPreferredSize) {
  BatchingSettings settings = Preferred({4, 8}, Milliseconds(10));
  settings.levels.resize(3);
  QueueScript script(settings);
  script.Push({.name = "high", .rows = 2, .priority = 1});
  script.Push({.name = "low", .rows = 2, .priority = 3});
  EXPECT_EQ(script.ReadyIn(), ZeroDuration());
  script.Push({.name = "middle", .rows = 1, .priority = 2});
  EXPECT_EQ(script.ReadyIn(), Milliseconds(10));
  EXPECT_EQ(script.Next(), "");
}

TEST(BatchQueueTest, AFullBatchOfOneShapeDoesNotWaitForAnotherShape) {
  QueueScript script(Preferred({}, Milliseconds(10)), 2);
  script.Push({.name = "a", .shape = {1}});
  script.PushMany("b", 2, {.shape = {2}});
  EXPECT_EQ(script.Next(), "b1 b2");
  EXPECT_EQ(script.Next(), "");
  script.Wait(Milliseconds(10));
  EXPECT_EQ(script.Next(), "a");
}

TEST(BatchQueueTest, ShapesWhoseDelayIsOverRunInTheOrderOfTheirArrival) {
  QueueScript script(Preferred({}, Milliseconds(10)));
  script.Push({.name = "a", .shape = {1}});
  script.Push({.name = "b", .shape = {2}});
  script.Wait(Milliseconds(20));
  EXPECT_EQ(script.Next(), "a");
  EXPECT_EQ(script.ReadyIn(), ZeroDuration());
  EXPECT_EQ(script.Next(), "b");
}

TEST(BatchQueueTest, WhatIsTooLargeForABatchDoesNotWait) {
  QueueScript script(Preferred({}, Milliseconds(10)));
  script.Push({.name = "huge", .rows = 30});
  EXPECT_EQ(script.Next(), "huge");
}

TEST(BatchQueueTest, WithoutRowsThereIsNothingToWaitFor) {
  QueueScript script(Preferred({}, Milliseconds(10)), 0);
  script.Push({.name = "a"});
  EXPECT_EQ(script.ReadyIn(), ZeroDuration());
  EXPECT_EQ(script.Next(), "a");
}

BatchingSettings Bounded(const std::vector<int64_t>& max_rows) {
  BatchingSettings settings;
  settings.levels.clear();
  for (const int64_t rows : max_rows) settings.levels.push_back({.max_rows = rows});
  return settings;
}

TEST(BatchQueueTest, AFullQueueRefuses) {
  QueueScript script(Bounded({2}));
  EXPECT_EQ(script.Push({.name = "a"}), "");
  EXPECT_EQ(script.Push({.name = "b"}), "");
  EXPECT_EQ(script.Push({.name = "c"}), "full");
  EXPECT_EQ(script.Next(), "a b");
  EXPECT_EQ(script.Push({.name = "d"}), "");
}

TEST(BatchQueueTest, TheBoundIsOfRowsNotOfRequests) {
  QueueScript script(Bounded({6}));
  EXPECT_EQ(script.Push({.name = "a", .rows = 4}), "");
  EXPECT_EQ(script.Push({.name = "b", .rows = 3}), "full");
  EXPECT_EQ(script.Push({.name = "c", .rows = 2}), "");
  EXPECT_EQ(script.queue.queued_rows(), 6);
}

TEST(BatchQueueTest, EachPriorityHasABoundOfItsOwn) {
  QueueScript script(Bounded({1, 2}));
  EXPECT_EQ(script.PushMany("low", 3, {.priority = 2}), 2);
  EXPECT_EQ(script.PushMany("high", 3, {.priority = 1}), 1);
  EXPECT_EQ(script.Next(), "high1 low1 low2");
}

TEST(BatchQueueTest, ABoundThatIsNotGivenIsTheDefaultOne) {
  QueueScript script(Bounded({0}));
  EXPECT_EQ(script.PushMany("a", kDefaultQueueRows + 5), kDefaultQueueRows);
}

TEST(BatchQueueTest, ARequestLargerThanTheWholeQueueRunsIfNothingElseWaits) {
  QueueScript script(Bounded({4}));
  EXPECT_EQ(script.Push({.name = "huge", .rows = 8}), "");
  EXPECT_EQ(script.Push({.name = "a"}), "full");
  EXPECT_EQ(script.Next(), "huge");
}

TEST(BatchQueueTest, ARefusedTaskStaysWithItsCaller) {
  BatchQueue queue(Bounded({1}), 8);
  const BatchCost cost({});
  ShapedTask taken(Shape{1, 4}), refused(Shape{1, 4});
  EXPECT_FALSE(queue.Push(taken, absl::UnixEpoch(), cost, {}).has_value());
  EXPECT_TRUE(queue.Push(refused, absl::UnixEpoch(), cost, {}).has_value());
  EXPECT_THAT(queue.Next(absl::UnixEpoch(), cost, 8).batch, ElementsAre(&taken));
  EXPECT_EQ(taken.times_done + refused.times_done, 0);
}

TEST(BatchQueueTest, WhenItWasQueuedIsKept) {
  QueueScript script;
  const absl::Time then = script.now;
  script.Push({.name = "a"});
  script.Wait(Milliseconds(3));
  const BatchQueue::Cut cut = script.queue.Next(script.now, script.cost, 8);
  ASSERT_EQ(cut.batch.size(), 1);
  EXPECT_EQ(cut.batch[0]->enqueued, then);
}

TEST(BatchQueueTest, CallersLearnWhyByTheStatus) {
  EXPECT_TRUE(absl::IsResourceExhausted(ToStatus(Refusal::kQueueFull)));
  EXPECT_TRUE(absl::IsResourceExhausted(ToStatus(Refusal::kUnreachableDeadline)));
  EXPECT_TRUE(absl::IsDeadlineExceeded(ToStatus(Refusal::kExpired)));
  EXPECT_TRUE(absl::IsCancelled(ToStatus(Refusal::kCancelled)));
}

}  // namespace
}  // namespace weir
