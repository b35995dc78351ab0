#include "gateway/journal_compaction_policy.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr CompactionPolicy kPolicy = {
    .min_bytes = 100, .factor = 3, .retry_after = absl::Minutes(1)};

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

TEST(CompactionPolicyTest, ALogIsCompactedWhenItIsLargeAndLargerThanWhatCounts) {
  EXPECT_FALSE(kPolicy.Due(/*log_bytes=*/100, /*snapshot_bytes=*/0, kNow));
  EXPECT_TRUE(kPolicy.Due(101, 0, kNow));
  EXPECT_FALSE(kPolicy.Due(300, 100, kNow));
  EXPECT_TRUE(kPolicy.Due(301, 100, kNow));
}

TEST(CompactionPolicyTest, AFailedOneIsTriedAgainLater) {
  CompactionPolicy policy = kPolicy;
  policy.NoteFailure(kNow);
  EXPECT_FALSE(policy.Due(1000, 0, kNow + absl::Seconds(59)));
  EXPECT_TRUE(policy.Due(1000, 0, kNow + absl::Seconds(60)));
}

}  // namespace
}  // namespace weir
