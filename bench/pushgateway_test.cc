#include "bench/pushgateway.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "bench/exposed_totals.h"
#include "bench/http_connection.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

class PushgatewayTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = Pushgateway::Start({.state_dir = testing::TempDir()});
    ASSERT_TRUE(started.ok()) << started.status();
    pushgateway_ = *std::move(started);
    for (int i = 0; i < 4; ++i) {
      sources_.push_back(std::make_unique<PushSource>(
          PushSource::Options{.replica = absl::StrCat("source-", i), .models = 1}));
    }
  }

  std::string Scrape(bool gzip = false) {
    auto connection = HttpConnection::Connect(pushgateway_->address());
    EXPECT_TRUE(connection.ok()) << connection.status();
    std::string body;
    const auto response = (*connection)->Get("/metrics", gzip, &body);
    EXPECT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body_bytes, static_cast<int64_t>(body.size()));
    return body;
  }

  std::unique_ptr<Pushgateway> pushgateway_;
  std::vector<std::unique_ptr<PushSource>> sources_;
};

TEST_F(PushgatewayTest, IsFilledWithAllSources) {
  const absl::Status filled = pushgateway_->Fill(sources_);
  ASSERT_TRUE(filled.ok()) << filled;
  const std::string body = Scrape();
  for (const auto& source : sources_) {
    EXPECT_NE(body.find(absl::StrCat("instance=\"", source->replica(), "\"")), std::string::npos);
  }
  EXPECT_GE(CountLines(body), 4L * sources_[0]->TextLines());
  EXPECT_GT(pushgateway_->ResidentBytes(), 0);
}

TEST_F(PushgatewayTest, TakesThePushesOfSeveralPushers) {
  const auto report = pushgateway_->Push(sources_, 2, absl::Milliseconds(200));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GE(report->pushes, 2);
  EXPECT_GT(report->per_second, 0);
}

TEST_F(PushgatewayTest, WhoHasNoSourceDoesNotPush) {
  const auto report = pushgateway_->Push(sources_, 16, absl::Milliseconds(50));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GE(report->pushes, 4);
}

TEST_F(PushgatewayTest, AGzippedScrapeIsSmaller) {
  const absl::Status filled = pushgateway_->Fill(sources_);
  ASSERT_TRUE(filled.ok()) << filled;
  EXPECT_LT(Scrape(/*gzip=*/true).size(), Scrape().size() / 4);
}

}  // namespace
}  // namespace weir
