#include "server/stats/gateway_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;

absl::Time At(int seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); }

std::string LogOf(const std::function<void()>& action) {
  testing::internal::CaptureStderr();
  action();
  return testing::internal::GetCapturedStderr();
}

TEST(GatewayHealthTest, TheFirstSuccessIsToldOnce) {
  GatewayHealth health("a:9401");
  EXPECT_THAT(LogOf([&] { health.Succeeded(At(0)); }), HasSubstr("gateway a:9401"));
  EXPECT_EQ(LogOf([&] { health.Succeeded(At(1)); }), "");
}

TEST(GatewayHealthTest, ALossIsToldOnceAndSoIsTheReturn) {
  GatewayHealth health("a:9401");
  health.Succeeded(At(0));
  EXPECT_THAT(LogOf([&] { health.Failed(absl::UnavailableError("refused"), At(1)); }),
              AllOf(HasSubstr("WARNING"), HasSubstr("a:9401"), HasSubstr("code=UNAVAILABLE"),
                    HasSubstr("error=refused")));
  EXPECT_EQ(LogOf([&] { health.Failed(absl::DeadlineExceededError("late"), At(2)); }), "");
  EXPECT_EQ(health.failures(), 2);
  EXPECT_THAT(LogOf([&] { health.Succeeded(At(4)); }),
              AllOf(HasSubstr("again"), HasSubstr("seconds=3"), HasSubstr("failures=2")));
  EXPECT_EQ(health.failures(), 0);
  EXPECT_EQ(LogOf([&] { health.Succeeded(At(5)); }), "");
}

TEST(GatewayHealthTest, ARefusalAfterALossIsToldButNotEachOne) {
  GatewayHealth health("a:9401");
  health.Failed(absl::UnavailableError("refused"), At(0));
  EXPECT_THAT(LogOf([&] { health.Failed(absl::FailedPreconditionError("x fell"), At(1)); }),
              AllOf(HasSubstr("ERROR"), HasSubstr("x fell")));
  EXPECT_EQ(LogOf([&] { health.Failed(absl::FailedPreconditionError("x fell"), At(2)); }), "");
}

TEST(GatewayHealthTest, OnlyWhatWillBeRefusedAgainIsARefusal) {
  EXPECT_TRUE(IsRefusal(absl::InvalidArgumentError("")));
  EXPECT_TRUE(IsRefusal(absl::FailedPreconditionError("")));
  EXPECT_FALSE(IsRefusal(absl::ResourceExhaustedError("")));
  EXPECT_FALSE(IsRefusal(absl::UnavailableError("")));
}

}  // namespace
}  // namespace weir
