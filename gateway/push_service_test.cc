#include "gateway/push_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace weir {
namespace {

using testing::HasSubstr;

constexpr int64_t kMaxPushBytes = 4096;

// The snapshot `seq` of a boot that has counted `count`.
v1::PushRequest Snapshot(char boot, uint64_t seq, double count) {
  v1::Dictionary dictionary;
  v1::MetricFamily& family = *dictionary.add_families();
  family.set_name("test_rows_total");
  family.set_help("Rows.");
  family.set_type(v1::METRIC_TYPE_COUNTER);
  family.add_label_names("model");
  family.add_series()->add_label_values("m");
  v1::PushRequest push;
  push.set_replica(absl::StrCat("replica-", std::string(1, boot)));
  push.set_boot_id(std::string(16, boot));
  push.set_seq(seq);
  push.set_boot_unix_ns(1);
  push.set_interval_ms(1000);
  push.set_dictionary(dictionary.SerializeAsString());
  push.add_values(count);
  return push;
}

class PushServiceTest : public testing::Test {
 protected:
  PushServiceTest() : service_({.max_push_bytes = kMaxPushBytes}) {
    const std::string directory = absl::StrCat(
        testing::TempDir(), "/", testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory);
    absl::StatusOr<std::unique_ptr<Committer>> committer =
        Committer::Create({.journal = {.directory = directory}});
    EXPECT_TRUE(committer.ok()) << committer.status();
    committer_ = *std::move(committer);
    grpc::ServerBuilder builder;
    service_.AddTo(builder);
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    server_ = builder.BuildAndStart();
    stub_ = v1::StatsGateway::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }

  ~PushServiceTest() override { server_->Shutdown(); }

  grpc::Status Push(const v1::PushRequest& push, v1::PushResponse* response,
                    grpc_compression_algorithm compression = GRPC_COMPRESS_NONE) {
    grpc::ClientContext context;
    context.set_compression_algorithm(compression);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    return stub_->Push(&context, push, response);
  }

  grpc::Status Push(const v1::PushRequest& push) {
    v1::PushResponse response;
    return Push(push, &response);
  }

  // The counter of all boots together.
  double Rows() {
    return committer_->WithLedger([](const Ledger& ledger) {
      const MergedFamily* const family = ledger.merged().Find("test_rows_total");
      return family == nullptr || family->series.empty() ? -1 : family->series[0]->Value();
    });
  }

  std::unique_ptr<Committer> committer_;
  PushService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::StatsGateway::Stub> stub_;
};

TEST_F(PushServiceTest, WhileItIsClosedServersAreToTryAgain) {
  EXPECT_EQ(Push(Snapshot('a', 1, 5)).error_code(), grpc::StatusCode::UNAVAILABLE);
  service_.Open(*committer_);
  EXPECT_TRUE(Push(Snapshot('a', 1, 5)).ok());
  service_.Close();
  EXPECT_EQ(Push(Snapshot('a', 2, 6)).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Rows(), 5);
}

TEST_F(PushServiceTest, WhatIsAcknowledgedIsInTheLedgerOnce) {
  service_.Open(*committer_);
  v1::PushResponse response;
  ASSERT_TRUE(Push(Snapshot('a', 1, 5), &response).ok());
  EXPECT_EQ(response.acknowledged_seq(), 1);
  EXPECT_EQ(Rows(), 5);
  ASSERT_TRUE(Push(Snapshot('a', 3, 7), &response).ok());
  EXPECT_EQ(response.acknowledged_seq(), 3);
  ASSERT_TRUE(Push(Snapshot('a', 2, 6), &response).ok()) << "a late one changes nothing";
  EXPECT_EQ(response.acknowledged_seq(), 3);
  EXPECT_EQ(Rows(), 7);
  EXPECT_EQ(committer_->counters().applied, 2);
  EXPECT_EQ(committer_->counters().duplicate, 1);
}

TEST_F(PushServiceTest, ABadPushIsRefusedWithItsReasonAndCounted) {
  service_.Open(*committer_);
  ASSERT_TRUE(Push(Snapshot('a', 1, 5)).ok());
  v1::PushRequest push = Snapshot('a', 2, 6);
  push.set_boot_id("short");
  grpc::Status status = Push(push);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("boot_id"));
  status = Push(Snapshot('a', 2, 4));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << "its counter fell";
  EXPECT_THAT(status.error_message(), HasSubstr("test_rows_total"));
  EXPECT_EQ(Rows(), 5);
  EXPECT_EQ(committer_->counters().rejected, 2);
}

TEST_F(PushServiceTest, APushOverTheLimitIsRefused) {
  service_.Open(*committer_);
  v1::PushRequest push = Snapshot('a', 1, 5);
  push.set_dictionary(std::string(kMaxPushBytes, 'x'));
  const grpc::Status status = Push(push);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr(absl::StrCat(kMaxPushBytes)));
  EXPECT_EQ(committer_->counters().rejected, 1);
  push.set_dictionary(std::string(100 * kMaxPushBytes, 'x'));
  EXPECT_EQ(Push(push).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Push(Snapshot('a', 1, 5)).ok());
}

TEST_F(PushServiceTest, ACompressedPushIsRefusedAndNotUnpacked) {
  service_.Open(*committer_);
  v1::PushRequest push = Snapshot('a', 1, 5);
  push.set_replica(std::string(kMaxPushBytes / 2, 'x'));
  v1::PushResponse response;
  for (const auto compression : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    for (const size_t bytes : {size_t{0}, size_t{64} << 20}) {
      push.set_dictionary(std::string(bytes, 'x'));
      const grpc::Status status = Push(push, &response, compression);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << status.error_message();
      EXPECT_THAT(status.error_message(), HasSubstr("ompression algorithm"));
    }
  }
  EXPECT_EQ(committer_->counters().applied, 0);
  EXPECT_TRUE(Push(Snapshot('a', 1, 5)).ok());
}

TEST_F(PushServiceTest, ManyServersPushAtOnce) {
  service_.Open(*committer_);
  std::vector<std::future<int>> servers;
  for (char boot = 'a'; boot < 'i'; ++boot) {
    servers.push_back(std::async(std::launch::async, [this, boot] {
      int taken = 0;
      for (int seq = 1; seq <= 50; ++seq) taken += Push(Snapshot(boot, seq, seq)).ok();
      return taken;
    }));
  }
  for (std::future<int>& server : servers) EXPECT_EQ(server.get(), 50);
  EXPECT_EQ(Rows(), 8 * 50);
}

}  // namespace
}  // namespace weir
