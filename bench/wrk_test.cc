#include "bench/wrk.h"

#include "gtest/gtest.h"

namespace weir {
namespace {

constexpr char kHead[] = "Running 2s test @ http://127.0.0.1:8000/predict\nRequests/sec: 1.9\n";

TEST(WrkTest, TheScriptsLineIsRead) {
  const auto report =
      ParseWrk(std::string(kHead) +
               "RESULT answers=3000 microseconds=1500000 refused=0 broken=0 p50_us=12 p99_us=40\n");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->answers, 3000);
  EXPECT_DOUBLE_EQ(report->per_second, 2000);
  EXPECT_EQ(report->p50, absl::Microseconds(12));
  EXPECT_EQ(report->p99, absl::Microseconds(40));
}

TEST(WrkTest, RequestsWithoutAnAnswerAreAnError) {
  for (const char* counts : {"answers=10 microseconds=1500000 refused=1 broken=0",
                             "answers=10 microseconds=1500000 refused=0 broken=1",
                             "answers=0 microseconds=1500000 refused=0 broken=0"}) {
    EXPECT_EQ(ParseWrk(std::string("RESULT ") + counts + " p50_us=1 p99_us=1").status().code(),
              absl::StatusCode::kUnavailable)
        << counts;
  }
}

TEST(WrkTest, WithoutTheScriptsLineThereIsNoReport) {
  EXPECT_EQ(ParseWrk(kHead).status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace weir
