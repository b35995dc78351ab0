#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/model/model_settings.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

absl::StatusOr<ModelSettings> ParseWith(const std::string& more, int max_batch_size = 8) {
  return ParseModelConfig(absl::StrCat("backend: 'pytorch' max_batch_size: ", max_batch_size,
                                       " input { name: 'x' data_type: TYPE_FP32 dims: 1 }"
                                       " output { name: 'y' data_type: TYPE_FP32 dims: 1 } ",
                                       more),
                          "model", "model/config.pbtxt");
}

absl::StatusOr<BatchingSettings> Batching(const std::string& fields) {
  const auto settings = ParseWith(absl::StrCat("dynamic_batching { ", fields, " }"));
  if (!settings.ok()) return settings.status();
  return settings->batching;
}

template <typename T>
std::string Error(const absl::StatusOr<T>& result) {
  return result.ok() ? "no error" : std::string(result.status().message());
}

TEST(BatchingSettingsTest, BatchingIsNaturalWithAndWithoutAnEmptyDynamicBatching) {
  for (const char* const text : {"", "dynamic_batching { }"}) {
    const auto settings = ParseWith(text);
    ASSERT_TRUE(settings.ok()) << settings.status();
    EXPECT_THAT(settings->batching.preferred_rows, IsEmpty());
    EXPECT_EQ(settings->batching.max_delay, absl::ZeroDuration());
    ASSERT_THAT(settings->batching.levels, SizeIs(1));
    EXPECT_EQ(settings->batching.levels[0].max_rows, 0);
    EXPECT_EQ(settings->batching.levels[0].default_timeout, absl::InfiniteDuration());
    EXPECT_FALSE(settings->batching.levels[0].delay_on_timeout);
    EXPECT_EQ(settings->batching.default_level, 1u);
  }
}

TEST(BatchingSettingsTest, PreferredSizesAscendHoweverTheyAreWritten) {
  EXPECT_THAT(Batching("preferred_batch_size: [ 8, 4, 4 ]")->preferred_rows, ElementsAre(4, 8));
}

TEST(BatchingSettingsTest, APreferredSizeThatNoBatchCanHaveIsNamed) {
  EXPECT_EQ(Error(Batching("preferred_batch_size: [ 4, 16 ]")),
            "model/config.pbtxt: dynamic_batching.preferred_batch_size holds 16, expected 1 to "
            "max_batch_size, which is 8");
  EXPECT_THAT(Error(Batching("preferred_batch_size: 0")), HasSubstr("holds 0, expected 1"));
}

TEST(BatchingSettingsTest, TheDelayIsInMicroseconds) {
  EXPECT_EQ(Batching("max_queue_delay_microseconds: 250")->max_delay, absl::Microseconds(250));
  EXPECT_THAT(Error(Batching("max_queue_delay_microseconds: 18446744073709551615")),
              HasSubstr("max_queue_delay_microseconds is 18446744073709551615, expected at most "
                        "86400000000, which is a day"));
}

TEST(BatchingSettingsTest, AModelWithoutRowsCannotBatch) {
  EXPECT_THAT(Error(ParseWith("dynamic_batching { }", 0)),
              HasSubstr("dynamic_batching needs a max_batch_size above 0"));
}

TEST(BatchingSettingsTest, PreservedOrderIsRefusedWithTheReason) {
  EXPECT_THAT(Error(Batching("preserve_ordering: true")),
              HasSubstr("dynamic_batching.preserve_ordering is not supported: weir answers each "
                        "request as soon as its batch is finished"));
  EXPECT_TRUE(Batching("preserve_ordering: false").ok());
}

TEST(BatchingSettingsTest, AQueuePolicyHoldsForTheOnlyLevel) {
  const auto batching = Batching(
      "default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 5000 "
      "allow_timeout_override: true max_queue_size: 100 }");
  ASSERT_TRUE(batching.ok()) << batching.status();
  ASSERT_THAT(batching->levels, SizeIs(1));
  EXPECT_EQ(batching->levels[0].max_rows, 100);
  EXPECT_EQ(batching->levels[0].default_timeout, absl::Milliseconds(5));
  EXPECT_TRUE(batching->levels[0].delay_on_timeout);
}

TEST(BatchingSettingsTest, EveryLevelHasTheDefaultPolicyOrItsOwn) {
  const auto batching = Batching(
      "priority_levels: 3 default_priority_level: 2 "
      "default_queue_policy { max_queue_size: 100 } "
      "priority_queue_policy { key: 1 value { default_timeout_microseconds: 7 } }");
  ASSERT_TRUE(batching.ok()) << batching.status();
  EXPECT_EQ(batching->default_level, 2u);
  ASSERT_THAT(batching->levels, SizeIs(3));
  EXPECT_EQ(batching->levels[0].max_rows, 0) << "a policy of its own has defaults of its own";
  EXPECT_EQ(batching->levels[0].default_timeout, absl::Microseconds(7));
  EXPECT_EQ(batching->levels[1].max_rows, 100);
  EXPECT_EQ(batching->levels[1].default_timeout, absl::InfiniteDuration());
  EXPECT_EQ(batching->levels[2].max_rows, 100);
}

TEST(BatchingSettingsTest, ALevelThatIsNotThereIsNamed) {
  EXPECT_THAT(Error(Batching("priority_levels: 2")),
              HasSubstr("default_priority_level is 0, expected 1 to priority_levels, which is 2"));
  EXPECT_THAT(Error(Batching("priority_levels: 2 default_priority_level: 3")),
              HasSubstr("default_priority_level is 3, expected 1 to"));
  EXPECT_THAT(Error(Batching("default_priority_level: 1")),
              HasSubstr("default_priority_level needs priority_levels"));
  EXPECT_THAT(Error(Batching("priority_levels: 2 default_priority_level: 1 "
                             "priority_queue_policy { key: 3 value { } }")),
              HasSubstr("priority_queue_policy[3] is of no level; priority_levels is 2"));
  EXPECT_THAT(Error(Batching("priority_queue_policy { key: 1 value { } }")),
              HasSubstr("priority_queue_policy[1] is of no level; priority_levels is 0"));
  EXPECT_THAT(Error(Batching("priority_levels: 4000000000 default_priority_level: 1")),
              HasSubstr("priority_levels is 4000000000, expected at most 1000"));
}

TEST(BatchingSettingsTest, ATimeoutBeyondADayIsNamedWithItsPlace) {
  EXPECT_THAT(Error(Batching("default_queue_policy { default_timeout_microseconds: 86400000001 }")),
              HasSubstr("dynamic_batching.default_queue_policy.default_timeout_microseconds is "));
  EXPECT_THAT(Error(Batching("priority_levels: 1 default_priority_level: 1 "
                             "priority_queue_policy { key: 1 value { "
                             "default_timeout_microseconds: 86400000001 } }")),
              HasSubstr("priority_queue_policy[1].default_timeout_microseconds is "));
}

TEST(InstanceGroupTest, TheServerChoosesTheInstancesUnlessSaid) {
  EXPECT_EQ(ParseWith("")->instances, 0);
}

TEST(InstanceGroupTest, CountsOfAllGroupsAreAdded) {
  EXPECT_EQ(ParseWith("instance_group [ { count: 2 kind: KIND_CPU }, { count: 3 } ]")->instances,
            5);
  EXPECT_EQ(ParseWith("instance_group { count: 4 kind: KIND_MODEL }")->instances, 4);
  EXPECT_EQ(ParseWith("instance_group { kind: KIND_CPU }")->instances, 1)
      << "a group without a count has one instance";
}

TEST(InstanceGroupTest, AGroupOnAGpuIsRefused) {
  EXPECT_THAT(Error(ParseWith("instance_group [ { count: 1 }, { count: 1 kind: KIND_GPU } ]")),
              HasSubstr("instance_group[1] has kind KIND_GPU, but weir runs models on the CPU"));
}

TEST(InstanceGroupTest, CountsOutOfRangeAreNamed) {
  EXPECT_THAT(Error(ParseWith("instance_group { count: -2 }")),
              HasSubstr("instance_group[0] has count -2, expected at least 1"));
  EXPECT_THAT(Error(ParseWith("instance_group [ { count: 2147483647 }, { count: 2147483647 } ]")),
              HasSubstr("instance_group has 4294967294 instances, expected at most 256"));
}

}  // namespace
}  // namespace weir
