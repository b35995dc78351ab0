#include "bench/push_client.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "weir/v1/stats.grpc.pb.h"

namespace weir {
namespace {

// Takes every push that is newer, until it is told to refuse all.
class FakeGateway : public v1::StatsGateway::Service {
 public:
  FakeGateway() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }

  const std::string& address() const { return address_; }

  void RefuseAll() {
    absl::MutexLock lock(&mu_);
    refuse_ = true;
  }

  std::map<std::string, uint64_t> seqs() const {
    absl::MutexLock lock(&mu_);
    return seqs_;
  }

  int disordered() const {
    absl::MutexLock lock(&mu_);
    return disordered_;
  }

 private:
  grpc::Status Push(grpc::ServerContext* /*context*/, const v1::PushRequest* request,
                    v1::PushResponse* response) override {
    absl::MutexLock lock(&mu_);
    if (refuse_) return {grpc::StatusCode::RESOURCE_EXHAUSTED, "no room"};
    uint64_t& seq = seqs_[request->replica()];
    // One push of a source in flight at a time: each is the next, and knows that the one before
    // was acknowledged.
    if (request->seq() != seq + 1 || request->acknowledged_seq() != seq) ++disordered_;
    seq = request->seq();
    response->set_acknowledged_seq(seq);
    return grpc::Status::OK;
  }

  std::string address_;
  std::unique_ptr<grpc::Server> server_;
  mutable absl::Mutex mu_;
  bool refuse_ ABSL_GUARDED_BY(mu_) = false;
  int disordered_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, uint64_t> seqs_ ABSL_GUARDED_BY(mu_);
};

std::vector<std::unique_ptr<PushSource>> MakeSources(int count) {
  std::vector<std::unique_ptr<PushSource>> sources;
  for (int i = 0; i < count; ++i) {
    sources.push_back(std::make_unique<PushSource>(
        PushSource::Options{.replica = absl::StrCat("source-", i), .models = 1}));
  }
  return sources;
}

TEST(PushClientTest, PushAllPushesEachSourceOnce) {
  const FakeGateway gateway;
  const auto client = PushClient::Create({.address = gateway.address(), .in_flight = 4});
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->PushAll(MakeSources(10)).ok());
  const auto seqs = gateway.seqs();
  EXPECT_EQ(seqs.size(), 10U);
  for (const auto& [replica, seq] : seqs) EXPECT_EQ(seq, 1U) << replica;
}

TEST(PushClientTest, PushesOfASourceKeepTheirOrder) {
  const FakeGateway gateway;
  const auto client = PushClient::Create({.address = gateway.address(), .in_flight = 4});
  ASSERT_TRUE(client.ok()) << client.status();
  const auto report =
      (*client)->Run(MakeSources(10), absl::ZeroDuration(), absl::Milliseconds(200));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->pushes, 0);
  EXPECT_GT(report->request_bytes, report->pushes * 1000);
  EXPECT_EQ(gateway.disordered(), 0);
  EXPECT_EQ(gateway.seqs().size(), 10U);
}

TEST(PushClientTest, ARefusedPushIsAnError) {
  FakeGateway gateway;
  gateway.RefuseAll();
  const auto client = PushClient::Create({.address = gateway.address()});
  ASSERT_TRUE(client.ok()) << client.status();
  const absl::Status status = (*client)->PushAll(MakeSources(3));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "a push was not taken: no room");
}

}  // namespace
}  // namespace weir
