#include "server/batching/batched_servable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/batching/executor.h"
#include "server/batching/test_request.h"
#include "server/model/puppet_model.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What Load below makes: a function without a state of its own, as a format's is.
Puppeteer* loaded = nullptr;

absl::StatusOr<std::unique_ptr<Model>> Load(const ModelSettings& settings,
                                            const std::string& path) {
  if (path == "broken") return absl::InvalidArgumentError("broken");
  EXPECT_EQ(settings.name, "m");
  return loaded->MakeModel();
}

class BatchedServableTest : public testing::Test {
 protected:
  BatchedServableTest() {
    loaded = &puppet_;
    puppet_.Release();
  }

  // What Make shall serve: by default a model that runs on the workers.
  static ModelSettings Settings(Execution execution = Execution::kPooled) {
    return {.name = "m",
            .max_batch_rows = 4,
            .inputs = {{"in", v1::TYPE_UINT8, {1}}},
            .execution = execution};
  }

  absl::StatusOr<std::shared_ptr<Servable>> Make(ModelSettings settings = Settings(),
                                                 const std::string& path = "1/model.pt") {
    return MakeBatchedServable(executor_, options_, std::move(settings), 3, path, Load);
  }

  std::string DescriptionOf(ModelSettings settings) {
    const auto servable = Make(std::move(settings));
    return servable.ok() ? (*servable)->Description() : servable.status().ToString();
  }

  Puppeteer puppet_;
  BatchingOptions options_{.usable_cpus = 4, .pollers = 3};
  Executor executor_{2};
};

TEST_F(BatchedServableTest, AnswersWithTheModelsOutputs) {
  const auto servable = Make();
  ASSERT_TRUE(servable.ok()) << servable.status();
  EXPECT_EQ((*servable)->version(), 3);
  EXPECT_EQ((*servable)->settings().name, "m");
  TestRequest request("ab");
  (*servable)->Submit(request.GiveTask());
  EXPECT_EQ(request.WaitForText(), "ab");
  EXPECT_EQ(request.Wait().batch_rows, 2);
}

TEST_F(BatchedServableTest, CountsWhatBecameOfTasks) {
  const auto servable = Make();
  ASSERT_TRUE(servable.ok()) << servable.status();
  EXPECT_EQ((*servable)->counts().executed_rows, 0) << "warm-up does not count";
  TestRequest late("ab", {.deadline = MonotonicNow()});
  (*servable)->Submit(late.GiveTask());
  EXPECT_EQ(late.WaitForText(), "DEADLINE_EXCEEDED");
  EXPECT_EQ((*servable)->counts().expired_rows, 2);
}

TEST_F(BatchedServableTest, TheModelHasRunEveryBatchSizeBeforeItServes) {
  absl::Mutex mu;  // Warm-up runs on several threads.
  std::set<int64_t> sizes;
  puppet_.Release([&](const std::vector<Tensor>& inputs) {
    absl::MutexLock lock(&mu);
    sizes.insert(inputs[0].shape[0]);
    return inputs;
  });
  ASSERT_TRUE(Make().ok());
  EXPECT_THAT(sizes, ElementsAre(1, 2, 3, 4));
}

TEST_F(BatchedServableTest, PassesOnWhyAModelDoesNotLoad) {
  EXPECT_EQ(Make(Settings(), "broken").status(), absl::InvalidArgumentError("broken"));
}

TEST_F(BatchedServableTest, AModelThatFailsInWarmUpIsNotServed) {
  puppet_.Release([](const std::vector<Tensor>&) { return absl::InternalError("no such op"); });
  const auto servable = Make();
  EXPECT_EQ(servable.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(servable.status().message()), HasSubstr("no such op"));
  puppet_.AwaitNoModel();
}

TEST_F(BatchedServableTest, AFastModelRunsInlineOnEveryPoller) {
  options_.inline_threshold = absl::Hours(1);
  const std::string description = DescriptionOf(Settings(Execution::kAuto));
  EXPECT_THAT(description, HasSubstr("inline, because one row takes"));
  EXPECT_THAT(description, HasSubstr("instances: 3"));
}

TEST_F(BatchedServableTest, ASlowModelRunsOnAsManyWorkersAsThereAreCores) {
  options_.inline_threshold = absl::ZeroDuration();
  const std::string description = DescriptionOf(Settings(Execution::kAuto));
  EXPECT_THAT(description, HasSubstr("pooled, because one row takes"));
  EXPECT_THAT(description, HasSubstr("instances: 4"));
}

TEST_F(BatchedServableTest, AModelThatWaitsForRowsIsPooledHoweverFastItIs) {
  options_.inline_threshold = absl::Hours(1);
  ModelSettings settings = Settings(Execution::kAuto);
  settings.batching.max_delay = absl::Milliseconds(1);
  EXPECT_THAT(DescriptionOf(settings), HasSubstr("pooled, because batches wait for more rows"));
}

TEST_F(BatchedServableTest, ThreadsWithinABatchLeaveRoomForFewerInstances) {
  options_.inline_threshold = absl::Hours(1);
  ModelSettings settings = Settings(Execution::kAuto);
  settings.intra_op_threads = 2;
  const std::string description = DescriptionOf(settings);
  EXPECT_THAT(description, HasSubstr("pooled, because a batch has several threads"));
  EXPECT_THAT(description, HasSubstr("instances: 2"));
  settings.intra_op_threads = 8;
  EXPECT_THAT(DescriptionOf(settings), HasSubstr("instances: 1"));
}

TEST_F(BatchedServableTest, WhatIsConfiguredGoesBeforeWhatWasMeasured) {
  options_.inline_threshold = absl::ZeroDuration();
  ModelSettings settings = Settings(Execution::kInline);
  settings.instances = 1;
  EXPECT_EQ(DescriptionOf(settings),
            "inline, as configured; rows in a batch: at most 4; instances: 1 as configured");
  options_.inline_threshold = absl::Hours(1);
  EXPECT_EQ(DescriptionOf(Settings(Execution::kPooled)),
            "pooled, as configured; rows in a batch: at most 4; instances: 4");
}

TEST_F(BatchedServableTest, InlineAndWaitingForRowsExcludeEachOther) {
  ModelSettings settings = Settings(Execution::kInline);
  settings.batching.max_delay = absl::Milliseconds(1);
  const auto servable = Make(settings);
  EXPECT_EQ(servable.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(servable.status().message()), HasSubstr("max_queue_delay_microseconds"));
}

TEST_F(BatchedServableTest, AnInlineModelRunsWhenItsPollerSaysSo) {
  const auto servable = Make(Settings(Execution::kInline));
  ASSERT_TRUE(servable.ok()) << servable.status();
  TestRequest request("ab");
  (*servable)->Submit(request.GiveTask());
  executor_.RunInline();
  EXPECT_TRUE(request.IsAnswered());
  EXPECT_EQ((*servable)->counts().executed_rows, 2);
}

TEST_F(BatchedServableTest, AServableMayEndInTheLastAnswer) {
  for (const Execution execution : {Execution::kPooled, Execution::kInline}) {
    auto servable = Make(Settings(execution));
    ASSERT_TRUE(servable.ok()) << servable.status();
    TestRequest request("ab", {.on_done = [&servable] { servable->reset(); }});
    (*servable)->Submit(request.GiveTask());
    executor_.RunInline();
    EXPECT_EQ(request.WaitForText(), "ab");
    puppet_.AwaitNoModel();
  }
}

TEST_F(BatchedServableTest, AServableMayEndInARefusal) {
  auto servable = Make();
  ASSERT_TRUE(servable.ok()) << servable.status();
  TestRequest late("ab",
                   {.deadline = MonotonicNow(), .on_done = [&servable] { servable->reset(); }});
  (*servable)->Submit(late.GiveTask());
  EXPECT_EQ(late.WaitForText(), "DEADLINE_EXCEEDED");
  puppet_.AwaitNoModel();
}

}  // namespace
}  // namespace weir
