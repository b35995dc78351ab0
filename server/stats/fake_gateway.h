// For tests: a gateway that takes pushes as the test wants it to.
#ifndef WEIR_SERVER_STATS_FAKE_GATEWAY_H_
#define WEIR_SERVER_STATS_FAKE_GATEWAY_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/server_callback.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "weir/v1/stats.grpc.pb.h"

namespace weir {

// On 127.0.0.1. Thread-safe. Its memory of what came outlives Stop.
class FakeGateway {
 public:
  // What it does with a push that has come, which it has written down.
  struct Answer {
    grpc::Status status;  // If it is not OK, this is all.
    std::string bytes;    // Else this; empty: the push's seq is acknowledged.
    bool hang = false;    // None before the caller goes away or the gateway stops.
  };
  using Policy = std::function<Answer(const v1::PushRequest&)>;

  FakeGateway() { Start(); }
  ~FakeGateway() { Stop(); }
  FakeGateway(const FakeGateway&) = delete;
  FakeGateway& operator=(const FakeGateway&) = delete;

  // On the port that it had before, if it had one.
  void Start() {
    service_ = std::make_unique<Service>(*this);
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    int port = 0;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port_), grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    port_ = port;
  }

  void Stop() {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
    server_ = nullptr;
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  void SetPolicy(Policy policy) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    policy_ = std::move(policy);
  }

  std::vector<v1::PushRequest> pushes() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return pushes_;
  }

  // Waits for the first push of which `is_it`; an empty one, and a failure of the test, if none
  // comes.
  v1::PushRequest Await(const std::function<bool(const v1::PushRequest&)>& is_it) const
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const v1::PushRequest* found = nullptr;
    const auto came = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      for (const v1::PushRequest& push : pushes_) {
        if (is_it(push)) found = &push;
        if (found != nullptr) break;
      }
      return found != nullptr;
    };
    if (mu_.AwaitWithTimeout(absl::Condition(&came), absl::Seconds(60))) return *found;
    ADD_FAILURE() << "the push does not come";
    return {};
  }

  // Waits for so many more pushes than there are now.
  void AwaitMore(size_t count) const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const size_t enough = pushes_.size() + count;
    const auto came = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return pushes_.size() >= enough; };
    EXPECT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&came), absl::Seconds(60)));
  }

  // How many were at it at the same time, at most.
  int most_at_once() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return most_at_once_;
  }

 private:
  // One call, until it is answered.
  class Reactor : public grpc::ServerUnaryReactor {
   public:
    explicit Reactor(FakeGateway& gateway) : gateway_(gateway) {}
    void Hang() ABSL_LOCKS_EXCLUDED(mu_) {
      absl::MutexLock lock(&mu_);
      hangs_ = true;
      if (cancelled_) FinishHanging();
    }
    void OnCancel() override ABSL_LOCKS_EXCLUDED(mu_) {
      absl::MutexLock lock(&mu_);
      cancelled_ = true;
      if (hangs_) FinishHanging();
    }
    void OnDone() override {
      gateway_.Leave();
      delete this;
    }

   private:
    void FinishHanging() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      hangs_ = false;
      Finish(grpc::Status::CANCELLED);
    }

    FakeGateway& gateway_;
    absl::Mutex mu_;
    bool hangs_ ABSL_GUARDED_BY(mu_) = false;
    bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  };

  class Service : public v1::StatsGateway::WithRawCallbackMethod_Push<v1::StatsGateway::Service> {
   public:
    explicit Service(FakeGateway& gateway) : gateway_(gateway) {}
    grpc::ServerUnaryReactor* Push(grpc::CallbackServerContext*, const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override {
      return gateway_.Take(*request, *response);
    }

   private:
    FakeGateway& gateway_;
  };

  grpc::ServerUnaryReactor* Take(const grpc::ByteBuffer& request, grpc::ByteBuffer& response)
      ABSL_LOCKS_EXCLUDED(mu_) {
    v1::PushRequest push;
    grpc::ByteBuffer copy = request;
    grpc::ProtoBufferReader reader(&copy);
    EXPECT_TRUE(push.ParseFromZeroCopyStream(&reader));
    Answer answer;
    {
      absl::MutexLock lock(&mu_);
      most_at_once_ = std::max(most_at_once_, ++at_once_);
      pushes_.push_back(push);
      if (policy_) answer = policy_(push);
    }
    auto* const reactor = new Reactor(*this);
    if (answer.hang) {
      reactor->Hang();
      return reactor;
    }
    if (answer.status.ok() && answer.bytes.empty()) answer.bytes = Acknowledge(push.seq());
    const grpc::Slice slice(answer.bytes);
    response = grpc::ByteBuffer(&slice, 1);
    reactor->Finish(answer.status);
    return reactor;
  }

  void Leave() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    --at_once_;
  }

 public:
  static std::string Acknowledge(uint64_t seq) {
    v1::PushResponse response;
    response.set_acknowledged_seq(seq);
    return response.SerializeAsString();
  }

 private:
  int port_ = 0;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  mutable absl::Mutex mu_;
  Policy policy_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::PushRequest> pushes_ ABSL_GUARDED_BY(mu_);
  int at_once_ ABSL_GUARDED_BY(mu_) = 0;
  int most_at_once_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_FAKE_GATEWAY_H_
