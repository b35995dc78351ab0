#include "gateway/committer_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SubmittedPush PushOf(char boot, uint64_t seq, size_t bytes = 10) {
  Push push;
  push.boot_id = BootId::FromBytes(std::string(BootId::kBytes, boot));
  push.seq = seq;
  return {.push = std::make_shared<const Push>(std::move(push)),
          .bytes = std::string(bytes, 'x'),
          .done = [](const absl::StatusOr<uint64_t>&) {}};
}

bool Add(CommitterQueue& queue, char boot, uint64_t seq, size_t bytes = 10) {
  SubmittedPush push = PushOf(boot, seq, bytes);
  return queue.Add(push);
}

// Such as "a1", the first push of the boot a.
std::vector<std::string> NamesOf(const std::vector<SubmittedPush>& round) {
  std::vector<std::string> names;
  for (const SubmittedPush& push : round) {
    names.push_back(static_cast<char>(push.push->boot_id.bytes[0]) +
                    std::to_string(push.push->seq));
  }
  return names;
}

TEST(CommitterQueueTest, ARoundHasOnePushOfEachBootInTheOrderInWhichTheyCame) {
  CommitterQueue queue({});
  for (const auto& [boot, seq] : std::vector<std::pair<char, int>>{
           {'a', 1}, {'b', 1}, {'a', 2}, {'c', 1}, {'a', 3}, {'c', 2}}) {
    ASSERT_TRUE(Add(queue, boot, seq));
  }
  EXPECT_THAT(NamesOf(queue.TakeRound()), ElementsAre("a1", "b1", "c1"));
  ASSERT_TRUE(Add(queue, 'd', 1));
  EXPECT_THAT(NamesOf(queue.TakeRound()), ElementsAre("a2", "c2", "d1"));
  EXPECT_THAT(NamesOf(queue.TakeRound()), ElementsAre("a3"));
  EXPECT_TRUE(queue.empty());
  EXPECT_THAT(queue.TakeRound(), IsEmpty());
}

TEST(CommitterQueueTest, WhatIsTooMuchIsRefused) {
  CommitterQueue queue({.max_pushes = 3, .max_bytes = 100});
  EXPECT_TRUE(Add(queue, 'a', 1, 90));
  EXPECT_FALSE(Add(queue, 'b', 1, 11));
  EXPECT_TRUE(Add(queue, 'b', 1, 5));
  EXPECT_TRUE(Add(queue, 'b', 2, 5));
  EXPECT_FALSE(Add(queue, 'b', 3, 0));
  queue.TakeRound();
  EXPECT_TRUE(Add(queue, 'b', 3, 95));
}

TEST(CommitterQueueTest, APushOfAnySizeIsTakenWhenNothingElseWaits) {
  CommitterQueue queue({.max_bytes = 100, .max_round_bytes = 50});
  EXPECT_TRUE(Add(queue, 'a', 1, 1000));
  EXPECT_THAT(NamesOf(queue.TakeRound()), ElementsAre("a1"));
}

TEST(CommitterQueueTest, ARoundIsNotTooLarge) {
  CommitterQueue queue({.max_round_bytes = 50});
  for (const char boot : {'a', 'b', 'c'}) ASSERT_TRUE(Add(queue, boot, 1, 25));
  EXPECT_THAT(NamesOf(queue.TakeRound()), ElementsAre("a1", "b1"));
  EXPECT_THAT(NamesOf(queue.TakeRound()), ElementsAre("c1"));
}

TEST(CommitterQueueTest, WhatIsPutBackComesFirst) {
  CommitterQueue queue({});
  for (const char boot : {'a', 'b', 'c'}) ASSERT_TRUE(Add(queue, boot, 1));
  ASSERT_TRUE(Add(queue, 'c', 2));
  std::vector<SubmittedPush> round = queue.TakeRound();
  ASSERT_TRUE(Add(queue, 'd', 1));
  round.erase(round.begin());
  queue.PutBack(std::move(round));
  EXPECT_THAT(NamesOf(queue.TakeRound()), ElementsAre("b1", "c1", "d1"));
  EXPECT_THAT(NamesOf(queue.TakeRound()), ElementsAre("c2"));
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace weir
