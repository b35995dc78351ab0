// What becomes of requests that are cancelled, expire, or would come too late.
#include <gtest/gtest.h>

#include "server/batching/batch_queue.h"
#include "server/batching/queue_script.h"

namespace weir {
namespace {

using absl::InfiniteDuration;
using absl::Microseconds;
using absl::Milliseconds;
using absl::ZeroDuration;

TEST(BatchQueueDeadlineTest, ARequestThatIsExpiredAlreadyIsNotTaken) {
  QueueScript script;
  EXPECT_EQ(script.Push({.name = "a", .deadline = ZeroDuration()}), "expired");
  EXPECT_EQ(script.Push({.name = "b", .deadline = -InfiniteDuration()}), "expired");
  EXPECT_EQ(script.Next(), "");
}

TEST(BatchQueueDeadlineTest, ARequestThatIsCancelledAlreadyIsNotTaken) {
  QueueScript script;
  script.Cancel("a");
  EXPECT_EQ(script.Push({.name = "a"}), "cancelled");
  EXPECT_EQ(script.Next(), "");
}

TEST(BatchQueueDeadlineTest, OneThatIsBothIsExpired) {
  QueueScript script;
  script.Cancel("a");
  EXPECT_EQ(script.Push({.name = "a", .deadline = ZeroDuration()}), "expired");
  script.Push({.name = "b", .deadline = Milliseconds(1)});
  script.Cancel("b");
  script.Wait(Milliseconds(1));
  EXPECT_EQ(script.Next(), "; b expired");
}

TEST(BatchQueueDeadlineTest, ACancelledRequestDoesNotRunWhereverItStands) {
  for (const auto& [cancelled, expected] :
       {std::pair("a", "b c; a cancelled"), std::pair("b", "a c; b cancelled"),
        std::pair("c", "a b; c cancelled")}) {
    QueueScript script;
    for (const char* name : {"a", "b", "c"}) script.Push({.name = name});
    script.Cancel(cancelled);
    EXPECT_EQ(script.Next(), expected);
    EXPECT_EQ(script.queue.queued_rows(), 0);
  }
}

TEST(BatchQueueDeadlineTest, AnExpiredRequestDoesNotRunWhereverItStands) {
  for (const auto& [expired, expected] :
       {std::pair("a", "b c; a expired"), std::pair("b", "a c; b expired"),
        std::pair("c", "a b; c expired")}) {
    QueueScript script;
    for (const std::string name : {"a", "b", "c"}) {
      script.Push({.name = name, .deadline = name == expired ? Milliseconds(5) : Milliseconds(50)});
    }
    script.Wait(Milliseconds(5));
    EXPECT_EQ(script.Next(), expected);
    EXPECT_EQ(script.queue.queued_rows(), 0);
  }
}

TEST(BatchQueueDeadlineTest, WhenNothingIsLeftToRunTheRefusedStillCome) {
  QueueScript script;
  script.Push({.name = "a", .deadline = Milliseconds(5)});
  script.Push({.name = "b"});
  script.Cancel("b");
  script.Wait(Milliseconds(5));
  EXPECT_EQ(script.ReadyIn(), ZeroDuration());
  EXPECT_EQ(script.Next(), "; a expired, b cancelled");
  EXPECT_EQ(script.ReadyIn(), InfiniteDuration());
}

TEST(BatchQueueDeadlineTest, TheExpiredOfAllShapesAreRefusedAtOnce) {
  QueueScript script;
  script.Push({.name = "a", .shape = {1}});
  script.Push({.name = "b", .shape = {2}, .deadline = Milliseconds(5)});
  script.Push({.name = "c", .shape = {3}, .deadline = Milliseconds(6)});
  script.Wait(Milliseconds(5));
  EXPECT_EQ(script.Next(), "a; b expired");
  script.Wait(Milliseconds(5));
  EXPECT_EQ(script.Next(), "; c expired");
}

TEST(BatchQueueDeadlineTest, ACancelledRequestMakesRoomInItsBatchForAnother) {
  QueueScript script({}, 2);
  for (const char* name : {"a", "b", "c", "d"}) script.Push({.name = name});
  script.Cancel("a");
  EXPECT_EQ(script.Next(), "b c; a cancelled");
}

TEST(BatchQueueDeadlineTest, ACancelledShapeGivesWayToTheNext) {
  QueueScript script;
  script.Push({.name = "a", .shape = {1}});
  script.Push({.name = "b", .shape = {2}});
  script.Cancel("a");
  EXPECT_EQ(script.Next(), "b; a cancelled");
}

BatchingSettings OneLevel(const QueueLevel& level) {
  BatchingSettings settings;
  settings.levels = {level};
  return settings;
}

TEST(BatchQueueDeadlineTest, WhatIsExpiredTakesNoRoomInAFullQueue) {
  QueueScript script(OneLevel({.max_rows = 2}));
  script.Push({.name = "a"});
  script.Push({.name = "b", .deadline = Milliseconds(5)});
  EXPECT_EQ(script.Push({.name = "c"}), "full");
  script.Wait(Milliseconds(5));
  EXPECT_EQ(script.Push({.name = "d"}), "");
  EXPECT_EQ(script.Next(), "a d; b expired");
}

TEST(BatchQueueDeadlineTest, WhatIsCancelledTakesNoRoomInAFullQueue) {
  QueueScript script(OneLevel({.max_rows = 2}));
  script.Push({.name = "a"});
  script.Push({.name = "b"});
  script.Cancel("b");
  EXPECT_EQ(script.Push({.name = "c"}), "");
  EXPECT_EQ(script.Next(), "a c; b cancelled");
}

TEST(BatchQueueDeadlineTest, CancelledOnesAreLookedForOnceInAsManyRequestsAsWait) {
  QueueScript script(OneLevel({.max_rows = 3}));
  script.PushMany("a", 3);
  EXPECT_EQ(script.Push({.name = "b"}), "full");  // Looked, found none.
  script.Cancel("a1");
  EXPECT_EQ(script.Push({.name = "c"}), "full");
  EXPECT_EQ(script.Push({.name = "d"}), "full");
  EXPECT_EQ(script.Push({.name = "e"}), "");
  EXPECT_EQ(script.Next(), "a2 a3 e; a1 cancelled");
}

TEST(BatchQueueDeadlineTest, WhatAFullQueueThrewOutIsReportedByTheNextCallEvenIfNothingRuns) {
  BatchingSettings settings = OneLevel({.max_rows = 1});
  settings.max_delay = Milliseconds(10);
  QueueScript script(settings);
  script.Push({.name = "a"});
  script.Cancel("a");
  EXPECT_EQ(script.ReadyIn(), Milliseconds(10));
  EXPECT_EQ(script.Push({.name = "b"}), "");
  EXPECT_EQ(script.ReadyIn(), ZeroDuration());
  EXPECT_EQ(script.Next(), "; a cancelled");
  EXPECT_EQ(script.ReadyIn(), Milliseconds(10));
}

TEST(BatchQueueDeadlineTest, WhatAFullQueueThrewOutCanBeAnsweredAtOnce) {
  QueueScript script(OneLevel({.max_rows = 1}));
  script.Push({.name = "a", .deadline = Milliseconds(5)});
  EXPECT_TRUE(script.queue.TakeRefused().empty());
  script.Wait(Milliseconds(5));
  EXPECT_EQ(script.Push({.name = "b"}), "");
  const std::vector<BatchQueue::Refused> refused = script.queue.TakeRefused();
  ASSERT_EQ(refused.size(), 1);
  EXPECT_EQ(refused[0].why, Refusal::kExpired);
  EXPECT_EQ(script.Next(), "b") << "and no refusal a second time";
}

TEST(BatchQueueDeadlineTest, ATimeoutOfTheQueueRefuses) {
  QueueScript script(OneLevel({.default_timeout = Milliseconds(5)}));
  script.Push({.name = "a"});
  script.Wait(Milliseconds(2));
  script.Push({.name = "b"});
  script.Wait(Milliseconds(3));
  EXPECT_EQ(script.Next(), "b; a expired");
}

TEST(BatchQueueDeadlineTest, ATimeoutOfTheQueueDelaysBehindAllOthers) {
  BatchingSettings settings;
  settings.levels = {{.default_timeout = Milliseconds(5), .delay_on_timeout = true}, {}};
  QueueScript script(settings);
  script.Push({.name = "delayed", .priority = 1});
  script.Wait(Milliseconds(5));
  script.Push({.name = "low", .priority = 2});
  script.Push({.name = "high", .priority = 1});
  EXPECT_EQ(script.Next(), "high low delayed");
}

TEST(BatchQueueDeadlineTest, DelayedRequestsRunInTheOrderInWhichTheirTimeWasUp) {
  BatchingSettings settings;
  settings.levels = {{.default_timeout = Milliseconds(9), .delay_on_timeout = true},
                     {.default_timeout = Milliseconds(5), .delay_on_timeout = true}};
  QueueScript script(settings);
  script.Push({.name = "nine", .priority = 1});
  script.Push({.name = "five", .priority = 2});
  script.Wait(Milliseconds(1));
  script.Push({.name = "six", .priority = 2});
  script.Wait(Milliseconds(9));
  script.Push({.name = "fresh", .priority = 2});
  EXPECT_EQ(script.Next(), "fresh five six nine");
}

TEST(BatchQueueDeadlineTest, ADelayedShapeRunsAfterOtherShapes) {
  QueueScript script(OneLevel({.default_timeout = Milliseconds(5), .delay_on_timeout = true}));
  script.Push({.name = "old", .shape = {1}});
  script.Wait(Milliseconds(5));
  script.Push({.name = "new", .shape = {2}});
  EXPECT_EQ(script.Next(), "new");
  EXPECT_EQ(script.Next(), "old");
}

TEST(BatchQueueDeadlineTest, ADelayedRequestStillHasItsDeadline) {
  QueueScript script(OneLevel({.default_timeout = Milliseconds(5), .delay_on_timeout = true}));
  script.Push({.name = "a", .deadline = Milliseconds(8)});
  script.Push({.name = "b", .deadline = Milliseconds(20)});
  script.Wait(Milliseconds(6));
  script.Push({.name = "c"});
  script.Wait(Milliseconds(2));
  EXPECT_EQ(script.Next(), "c b; a expired");
}

TEST(BatchQueueDeadlineTest, ADelayedRequestStillCountsInItsLevel) {
  QueueScript script(
      OneLevel({.max_rows = 1, .default_timeout = Milliseconds(5), .delay_on_timeout = true}));
  script.Push({.name = "a"});
  script.Wait(Milliseconds(6));
  EXPECT_EQ(script.Push({.name = "b"}), "full");
  EXPECT_EQ(script.Next(), "a");
}

TEST(BatchQueueDeadlineTest, TheDeadlineHoldsAlsoWhereTheTimeoutIsLonger) {
  QueueScript script(OneLevel({.default_timeout = Milliseconds(50)}));
  script.Push({.name = "a", .deadline = Milliseconds(5)});
  script.Wait(Milliseconds(5));
  EXPECT_EQ(script.Next(), "; a expired");
}

// 1 ms for each row, on top of 2 ms for the batch.
std::vector<BatchTime> Times() {
  std::vector<BatchTime> times;
  for (int rows = 1; rows <= 8; ++rows) times.push_back({rows, Milliseconds(2 + rows)});
  return times;
}

TEST(BatchQueueDeadlineTest, WithoutEstimatesNothingIsUnreachable) {
  QueueScript script;
  script.outlook.next_free = script.now + absl::Hours(1);
  EXPECT_EQ(script.Push({.name = "a", .deadline = absl::Nanoseconds(1)}), "");
  EXPECT_EQ(script.Next(), "a");
}

TEST(BatchQueueDeadlineTest, ARequestIsTakenIfItsBatchIsInTimeWithATenthToSpare) {
  QueueScript script({}, 8, Times());
  script.outlook.next_free = script.now + Milliseconds(7);
  EXPECT_EQ(script.Push({.name = "a", .deadline = Microseconds(10'999)}), "unreachable");
  EXPECT_EQ(script.Push({.name = "b", .deadline = Microseconds(11'000)}), "");
}

TEST(BatchQueueDeadlineTest, WhatWaitsBeforeARequestCounts) {
  QueueScript script({}, 8, Times());
  script.outlook.next_free = script.now;
  script.PushMany("a", 18);
  // Two full batches of 10 ms, and its own, which others will have filled by then.
  EXPECT_EQ(script.Push({.name = "b", .deadline = Milliseconds(32)}), "unreachable");
  EXPECT_EQ(script.Push({.name = "c", .deadline = Milliseconds(33)}), "");
}

TEST(BatchQueueDeadlineTest, TwoInstancesWorkOffTheQueueInHalfTheTime) {
  QueueScript script({}, 8, Times());
  script.outlook = {.next_free = script.now, .parallel = 2};
  script.PushMany("a", 18);
  // 10 ms for two full batches at once, and 10 ms for its own.
  EXPECT_EQ(script.Push({.name = "b", .deadline = Milliseconds(21)}), "unreachable");
  EXPECT_EQ(script.Push({.name = "c", .deadline = Milliseconds(22)}), "");
}

TEST(BatchQueueDeadlineTest, OnlyRowsOfTheSameOrAHigherPriorityAreBeforeARequest) {
  BatchingSettings settings;
  settings.levels.resize(3);
  QueueScript script(settings, 8, Times());
  script.outlook.next_free = script.now;
  script.PushMany("high", 8, {.priority = 1});
  script.PushMany("low", 8, {.priority = 3});
  const absl::Duration two_batches = Milliseconds(22);
  EXPECT_EQ(script.Push({.name = "third", .priority = 3, .deadline = two_batches}), "unreachable");
  EXPECT_EQ(script.Push({.name = "second", .priority = 2, .deadline = two_batches}), "");
}

TEST(BatchQueueDeadlineTest, DelayedRowsAreBeforeNobody) {
  QueueScript script(OneLevel({.default_timeout = Milliseconds(5), .delay_on_timeout = true}), 8,
                     Times());
  script.outlook.next_free = script.now;
  script.PushMany("a", 16);
  EXPECT_EQ(script.Push({.name = "b", .deadline = Milliseconds(9)}), "unreachable");
  script.Wait(Milliseconds(5));
  EXPECT_EQ(script.Push({.name = "c", .deadline = Milliseconds(9)}), "");
}

TEST(BatchQueueDeadlineTest, ARequestThatDoesNotFitIntoTheRestOfABatchIsInTheNext) {
  QueueScript script({}, 8, Times());
  script.outlook.next_free = script.now;
  script.Push({.name = "a", .rows = 6});
  // 10 ms for each of two batches.
  EXPECT_EQ(script.Push({.name = "b", .rows = 3, .deadline = Milliseconds(21)}), "unreachable");
  EXPECT_EQ(script.Push({.name = "c", .rows = 3, .deadline = Milliseconds(22)}), "");
}

TEST(BatchQueueDeadlineTest, ARequestThatCannotBeDoneInTimeAnyMoreDoesNotRun) {
  QueueScript script({}, 8, Times());
  script.Push({.name = "a", .deadline = Milliseconds(10)});
  script.Push({.name = "b", .deadline = Milliseconds(20)});
  script.Wait(Milliseconds(8));
  EXPECT_EQ(script.Next(), "b; a unreachable");
}

TEST(BatchQueueDeadlineTest, ABatchIsOnlySoLargeThatItsTightestMemberIsInTime) {
  QueueScript script({}, 8, Times());
  script.Push({.name = "tight", .deadline = Milliseconds(10)});
  script.PushMany("a", 5, {.deadline = Milliseconds(50)});
  script.Wait(Milliseconds(5));
  EXPECT_EQ(script.Next(), "tight a1 a2");
  EXPECT_EQ(script.Next(), "a3 a4 a5");
}

TEST(BatchQueueDeadlineTest, ATightRequestBehindOthersIsLeftToABatchOfItsOwn) {
  QueueScript script({}, 8, Times());
  script.PushMany("a", 4, {.deadline = Milliseconds(50)});
  script.Push({.name = "tight", .deadline = Milliseconds(9)});
  script.Push({.name = "b"});
  script.Wait(Milliseconds(3));
  EXPECT_EQ(script.Next(), "a1 a2 a3 a4");
  EXPECT_EQ(script.Next(), "tight b");
}

TEST(BatchQueueDeadlineTest, WhereAFullBatchWaitsATightRequestDoesNotMakeItSmall) {
  QueueScript script({}, 8, Times());
  script.PushMany("tight", 4, {.deadline = Milliseconds(12)});
  script.PushMany("a", 11, {.deadline = Milliseconds(50)});
  script.Wait(Milliseconds(7));  // 5 ms are left, enough for 3 of 8 rows.
  EXPECT_EQ(script.Next(),
            "a1 a2 a3 a4 a5 a6 a7 a8; tight1 unreachable, tight2 unreachable, tight3 unreachable, "
            "tight4 unreachable");
}

TEST(BatchQueueDeadlineTest, ABatchThatIsNearlyAsEfficientAsAFullOneMayBeSmaller) {
  std::vector<BatchTime> in_proportion;
  for (int rows = 1; rows <= 8; ++rows) in_proportion.push_back({rows, Milliseconds(rows)});
  QueueScript script({}, 8, in_proportion);
  script.Push({.name = "tight", .deadline = Microseconds(10'200)});
  script.PushMany("a", 8);
  script.Wait(Milliseconds(8));
  EXPECT_EQ(script.Next(), "tight a1");
}

TEST(BatchQueueDeadlineTest, AQueueOfLateRequestsIsNotServedInEverSmallerBatches) {
  // The machine is half as fast as it seemed when the requests came.
  QueueScript script({}, 8, Times());
  script.outlook.next_free = script.now;
  const int taken = script.PushMany("a", 200, {.deadline = Milliseconds(100)});
  EXPECT_GT(taken, 64);
  int64_t in_time = 0;
  while (script.queue.queued_rows() > 0) {
    const int64_t rows = script.NextRows();
    in_time += rows;
    const absl::Duration time = 2 * script.cost.Estimate(rows);
    if (rows > 0) {
      EXPECT_GE(rows, 7);
    }
    script.Wait(time);
  }
  EXPECT_GE(in_time, 32) << "what 100 ms are enough for is 40";
}

TEST(BatchQueueDeadlineTest, AnOversizeRequestIsRefusedIfItCannotBeInTime) {
  QueueScript script({}, 8, Times());
  script.outlook.next_free = script.now;
  EXPECT_EQ(script.Push({.name = "a", .rows = 16, .deadline = Milliseconds(21)}), "unreachable");
  EXPECT_EQ(script.Push({.name = "b", .rows = 16, .deadline = Milliseconds(25)}), "");
  EXPECT_EQ(script.Next(), "b");
}

TEST(BatchQueueDeadlineTest, WithoutRowsDeadlinesCountToo) {
  QueueScript script({}, 0, {{1, Milliseconds(10)}});
  script.outlook.next_free = script.now;
  EXPECT_EQ(script.Push({.name = "a", .deadline = Milliseconds(12)}), "");
  EXPECT_EQ(script.Push({.name = "b", .deadline = Milliseconds(21)}), "unreachable");
  EXPECT_EQ(script.Push({.name = "c", .deadline = Milliseconds(22)}), "");
  EXPECT_EQ(script.Next(), "a");
  script.Wait(Milliseconds(13));
  EXPECT_EQ(script.Next(), "; c unreachable");
}

TEST(BatchQueueDeadlineTest, WaitingForCompanyTakesAtMostHalfOfTheTimeToSpare) {
  BatchingSettings settings;
  settings.max_delay = Milliseconds(100);
  QueueScript script(settings, 8, Times());
  script.Push({.name = "a"});
  EXPECT_EQ(script.ReadyIn(), Milliseconds(100));
  script.Push({.name = "b", .deadline = Milliseconds(50)});  // 10 of which are for the batch.
  EXPECT_EQ(script.ReadyIn(), Milliseconds(20));
  script.Wait(Milliseconds(20));
  EXPECT_EQ(script.Next(), "a b");
}

TEST(BatchQueueDeadlineTest, WaitingForCompanyTakesAtMostHalfOfTheTimeout) {
  BatchingSettings settings = OneLevel({.default_timeout = Milliseconds(30)});
  settings.max_delay = Milliseconds(100);
  QueueScript script(settings);
  script.Push({.name = "a"});
  EXPECT_EQ(script.ReadyIn(), Milliseconds(15));
}

TEST(BatchQueueDeadlineTest, WhenTheHurriedOneIsGoneTheOthersWaitOn) {
  BatchingSettings settings;
  settings.levels.resize(2);
  settings.max_delay = Milliseconds(100);
  QueueScript script(settings, 2);
  script.Push({.name = "low", .priority = 2});
  EXPECT_EQ(script.ReadyIn(), Milliseconds(100));
  script.Push({.name = "hurried", .rows = 2, .priority = 1, .deadline = Milliseconds(10)});
  EXPECT_EQ(script.Next(), "hurried");
  EXPECT_EQ(script.ReadyIn(), Milliseconds(100));
}

TEST(BatchQueueDeadlineTest, AnIdleMachineThatBecameTooSlowTriesOneRequestInAWhile) {
  QueueScript script({}, 8, {{1, Milliseconds(4)}});
  for (int i = 0; i < 200; ++i) script.cost.Observe(1, Milliseconds(10));
  script.outlook.next_free = script.now;
  const QueueScript::Request request = {.name = "a", .deadline = Milliseconds(5)};
  EXPECT_EQ(script.Push(request), "");
  EXPECT_EQ(script.Push({.name = "b", .deadline = Milliseconds(5)}), "unreachable");
  EXPECT_EQ(script.Next(), "a") << "although its estimate is beyond its deadline";
  EXPECT_EQ(script.Push(request), "unreachable");
  script.Wait(Milliseconds(100));
  script.outlook.next_free = script.now + absl::Nanoseconds(1);
  EXPECT_EQ(script.Push(request), "unreachable") << "because something runs";
  script.outlook.next_free = script.now;
  EXPECT_EQ(script.Push(request), "");
}

TEST(BatchQueueDeadlineTest, WhatWasNeverPossibleIsNotTried) {
  QueueScript script({}, 8, {{1, Milliseconds(10)}});
  script.outlook.next_free = script.now;
  EXPECT_EQ(script.Push({.name = "a", .deadline = Milliseconds(9)}), "unreachable");
}

TEST(BatchQueueDeadlineTest, AMachineThatWasTenTimesSlowerIsUsedAgainWithinASecond) {
  QueueScript script({}, 8, {{1, Milliseconds(1)}});
  for (int i = 0; i < 100; ++i) script.cost.Observe(1, Milliseconds(10));
  ASSERT_GT(script.cost.Estimate(1), Milliseconds(9));
  const absl::Time start = script.now;
  while (script.cost.Estimate(1) > Microseconds(1200)) {
    ASSERT_LT(script.now, start + absl::Seconds(1));
    if (script.Push({.name = "a", .deadline = Milliseconds(2)}).empty()) {
      script.NextRows();
      script.cost.Observe(1, Milliseconds(1));
    }
    script.Wait(Milliseconds(1));
  }
}

}  // namespace
}  // namespace weir
