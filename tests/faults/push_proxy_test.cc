#include "tests/faults/push_proxy.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
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

// Notes which pushes came, in their order.
class FakeGateway final : public v1::StatsGateway::Service {
 public:
  FakeGateway() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }
  ~FakeGateway() override { server_->Shutdown(); }

  grpc::Status Push(grpc::ServerContext*, const v1::PushRequest* request,
                    v1::PushResponse* response) override {
    absl::MutexLock lock(&mu_);
    seqs_.push_back(request->seq());
    boots_.insert(request->boot_id());
    response->set_acknowledged_seq(request->seq());
    return grpc::Status::OK;
  }

  const std::string& address() const { return address_; }
  std::vector<uint64_t> seqs() const {
    absl::MutexLock lock(&mu_);
    return seqs_;
  }
  std::set<std::string> boots() const {
    absl::MutexLock lock(&mu_);
    return boots_;
  }

 private:
  mutable absl::Mutex mu_;
  std::vector<uint64_t> seqs_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> boots_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

class PushProxyTest : public testing::Test {
 protected:
  grpc::Status Push(uint64_t seq, std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
    v1::PushRequest request;
    request.set_seq(seq);
    request.set_boot_id("0123456789abcdef");
    v1::PushResponse response;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    context.set_wait_for_ready(true);
    grpc::Status status = stub_->Push(&context, request, &response);
    EXPECT_EQ(response.acknowledged_seq(), status.ok() ? seq : 0);
    return status;
  }

  FakeGateway gateway_;
  PushProxy proxy_{gateway_.address()};
  std::unique_ptr<v1::StatsGateway::Stub> stub_ = v1::StatsGateway::NewStub(
      grpc::CreateChannel(proxy_.address(), grpc::InsecureChannelCredentials()));
};

TEST_F(PushProxyTest, AGoodNetworkPassesPushesAndAnswersOn) {
  EXPECT_TRUE(Push(1).ok());
  EXPECT_TRUE(Push(2).ok());
  EXPECT_EQ(gateway_.seqs(), (std::vector<uint64_t>{1, 2}));
}

TEST_F(PushProxyTest, ALostPushNeverComes) {
  proxy_.Disturb({.lose_request = 1}, 1);
  for (int seq = 1; seq <= 8; ++seq) {
    EXPECT_FALSE(Push(seq, std::chrono::milliseconds(50)).ok());
  }
  EXPECT_TRUE(proxy_.Settle(absl::Seconds(10)));
  EXPECT_TRUE(gateway_.seqs().empty());
  EXPECT_EQ(proxy_.counts().lost_requests, 8);
  EXPECT_TRUE(Push(9).ok()) << "and settles";
}

TEST_F(PushProxyTest, ALostAnswerIsOfAPushThatCame) {
  proxy_.Disturb({.lose_answer = 1}, 1);
  for (int seq = 1; seq <= 8; ++seq) {
    EXPECT_FALSE(Push(seq, std::chrono::milliseconds(50)).ok());
  }
  EXPECT_TRUE(proxy_.Settle(absl::Seconds(10)));
  EXPECT_EQ(gateway_.seqs().size(), 8U);
}

TEST_F(PushProxyTest, CopiesComeAfterLaterPushes) {
  proxy_.Disturb({.copy = 0.5, .max_delay = absl::Hours(1)}, 4);
  for (int seq = 1; seq <= 20; ++seq) EXPECT_TRUE(Push(seq).ok());
  const int64_t copies = proxy_.counts().copies;
  EXPECT_GT(copies, 0);
  EXPECT_EQ(gateway_.seqs().size(), 20U);
  EXPECT_TRUE(proxy_.Settle(absl::Seconds(10))) << "does not wait for their time";
  EXPECT_EQ(gateway_.seqs().size(), static_cast<size_t>(20 + copies));
  EXPECT_LE(gateway_.seqs().back(), 20U);
}

TEST_F(PushProxyTest, ADelayedPushIsAnsweredWhenItIsDelivered) {
  proxy_.Disturb({.delay = 1, .max_delay = absl::Milliseconds(50)}, 1);
  EXPECT_TRUE(Push(1).ok());
  EXPECT_EQ(proxy_.counts().delayed, 1);
}

TEST_F(PushProxyTest, AForgedBootPushesTheSame) {
  proxy_.ForgeBoots();
  EXPECT_TRUE(Push(1).ok());
  EXPECT_TRUE(proxy_.Settle(absl::Seconds(10)));
  EXPECT_EQ(gateway_.seqs(), (std::vector<uint64_t>{1, 1}));
  EXPECT_EQ(gateway_.boots().size(), 2U);
  EXPECT_TRUE(Push(2).ok());
  EXPECT_EQ(gateway_.seqs().size(), 3U);
}

}  // namespace
}  // namespace weir
