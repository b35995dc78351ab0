#include "server/rpc/slow_request_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace weir {
namespace {

using ::testing::HasSubstr;

SlowRequest Request() {
  return {.model = "fashion-fast",
          .version = 3,
          .request_id = "a1",
          .rows = 4,
          .code = absl::StatusCode::kDeadlineExceeded,
          .total = absl::Microseconds(1'234'567),
          .times = {.queue = absl::Milliseconds(1200),
                    .assemble = absl::Microseconds(120),
                    .inference = absl::Milliseconds(34)},
          .respond = absl::Microseconds(447),
          .threshold = absl::Seconds(1)};
}

TEST(SlowRequestLogTest, ALineSaysWhichRequestItWasAndWhereItsTimeWent) {
  const LogMessage message = SlowRequestMessage(Request());
  EXPECT_EQ(message.text(), "slow request");
  EXPECT_EQ(message.fields(),
            " model=fashion-fast version=3 request_id=a1 rows=4 code=DEADLINE_EXCEEDED"
            " total_ms=1234.567 queue_ms=1200.000 assemble_ms=0.120 inference_ms=34.000"
            " respond_ms=0.447 threshold_ms=1000.000");
}

TEST(SlowRequestLogTest, ARequestIdCannotForgeFields) {
  SlowRequest request = Request();
  request.request_id = "x code=OK\n\"";
  EXPECT_THAT(SlowRequestMessage(request).fields(),
              HasSubstr(" request_id=\"x code=OK\\x0a\\\"\" rows=4 "));
}

TEST(SlowRequestLogTest, TheLongestRequestIdLeavesRoomForTheTimes) {
  SlowRequest request = Request();
  const std::string id(256, '\x01');
  request.request_id = id;
  EXPECT_THAT(SlowRequestMessage(request).fields(), HasSubstr(" threshold_ms=1000.000"));
}

TEST(SlowRequestLogTest, WhenEverythingIsSlowItIsWarnedOfNowAndThen) {
  constexpr int kRequests = 1000;
  testing::internal::CaptureStderr();
  for (int i = 0; i < kRequests; ++i) LogSlowRequest(Request());
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, HasSubstr(" WARNING server/rpc/slow_request_log.cc:"));
  const auto lines = std::count(written.begin(), written.end(), '\n');
  EXPECT_GE(lines, 1);
  EXPECT_LT(lines, kRequests);
}

}  // namespace
}  // namespace weir
