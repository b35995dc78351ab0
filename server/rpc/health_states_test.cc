#include "server/rpc/health_states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir {
namespace {

using grpc::health::v1::HealthCheckResponse;
using testing::ElementsAre;
using testing::IsEmpty;

// Remembers what it is told.
struct Diary : HealthStates::Watcher {
  void Changed(HealthStates::State state) override {
    entries.push_back(HealthCheckResponse::ServingStatus_Name(state));
  }
  void Ended() override { entries.push_back("end"); }

  std::vector<std::string> entries;
};

TEST(HealthStatesTest, TheServerIsKnownAndNotServingFromTheStart) {
  const HealthStates states;
  EXPECT_EQ(states.Find(""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(states.Find("a"), HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST(HealthStatesTest, AServiceIsWhatItWasSetToLast) {
  HealthStates states;
  states.Set("a", false);
  EXPECT_EQ(states.Find("a"), HealthCheckResponse::NOT_SERVING);
  states.Set("a", true);
  EXPECT_EQ(states.Find("a"), HealthCheckResponse::SERVING);
  EXPECT_EQ(states.Find(""), HealthCheckResponse::NOT_SERVING);
}

TEST(HealthStatesTest, NothingServesAfterShutdownWhateverIsSet) {
  HealthStates states;
  states.Set("", true);
  states.Set("a", true);
  states.Shutdown();
  EXPECT_EQ(states.Find(""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(states.Find("a"), HealthCheckResponse::NOT_SERVING);
  states.Set("a", true);
  states.Set("b", true);
  EXPECT_EQ(states.Find("a"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(states.Find("b"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(states.Find("c"), HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST(HealthStatesTest, AWatcherIsToldTheStateAtOnceAndEachChangeOfItsService) {
  HealthStates states;
  Diary diary;
  states.Watch("a", diary);
  states.Set("a", true);
  states.Set("a", true);
  states.Set("b", false);
  states.Set("a", false);
  states.Shutdown();
  EXPECT_THAT(diary.entries, ElementsAre("SERVICE_UNKNOWN", "SERVING", "NOT_SERVING"));
}

TEST(HealthStatesTest, ShutdownLeavesAnUnknownServiceUnknown) {
  HealthStates states;
  Diary diary;
  states.Watch("a", diary);
  states.Shutdown();
  EXPECT_THAT(diary.entries, ElementsAre("SERVICE_UNKNOWN"));
  EXPECT_EQ(states.Find("a"), HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST(HealthStatesTest, WhoHasStoppedWatchingIsToldNothing) {
  HealthStates states;
  Diary stayed;
  Diary left;
  states.Watch("a", stayed);
  states.Watch("a", left);
  left.entries.clear();
  states.Unwatch("a", left);
  states.Set("a", true);
  states.EndWatches();
  EXPECT_THAT(stayed.entries, ElementsAre("SERVICE_UNKNOWN", "SERVING", "end"));
  EXPECT_THAT(left.entries, IsEmpty());
}

TEST(HealthStatesTest, WhatIsKnownStaysKnownWhenNobodyWatches) {
  HealthStates states;
  Diary diary;
  states.Set("a", true);
  states.Watch("a", diary);
  states.Unwatch("a", diary);
  states.Unwatch("never watched", diary);
  EXPECT_EQ(states.Find("a"), HealthCheckResponse::SERVING);
}

TEST(HealthStatesTest, AWatchThatComesAfterTheEndIsToldTheStateAndTheEnd) {
  HealthStates states;
  states.EndWatches();
  Diary diary;
  states.Watch("", diary);
  EXPECT_THAT(diary.entries, ElementsAre("NOT_SERVING", "end"));
}

}  // namespace
}  // namespace weir
