#include "server/rpc/health_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/sync_stream.h"
#include "server/rpc/health_states.h"
#include "server/rpc/test_server.h"

namespace weir {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using testing::HasSubstr;

HealthCheckRequest RequestFor(const std::string& service) {
  HealthCheckRequest request;
  request.set_service(service);
  return request;
}

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
}

// A Watch as its caller sees it.
class Watch {
 public:
  Watch(Health::Stub& stub, const std::string& service) {
    SetDeadline(context_);
    reader_ = stub.Watch(&context_, RequestFor(service));
  }

  // The next state, or "end".
  std::string Next() {
    HealthCheckResponse response;
    if (!reader_->Read(&response)) return "end";
    return HealthCheckResponse::ServingStatus_Name(response.status());
  }

  grpc::Status Finish() { return reader_->Finish(); }
  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader_;
};

class HealthServiceTest : public testing::Test {
 protected:
  grpc::Status Check(const std::string& service, HealthCheckResponse* response) {
    grpc::ClientContext context;
    SetDeadline(context);
    return stub_->Check(&context, RequestFor(service), response);
  }

  std::string StateOf(const std::string& service) {
    HealthCheckResponse response;
    const grpc::Status status = Check(service, &response);
    if (!status.ok()) return status.error_message();
    return HealthCheckResponse::ServingStatus_Name(response.status());
  }

  HealthStates states_;
  HealthService service_{states_};
  TestServer server_{[this](CallLoop& loop, Methods& methods) { service_.AddTo(loop, methods); }};
  const std::unique_ptr<Health::Stub> stub_ = Health::NewStub(server_.channel());
};

TEST_F(HealthServiceTest, CheckTellsTheStateOfNow) {
  EXPECT_EQ(StateOf(""), "NOT_SERVING");
  states_.Set("a", true);
  EXPECT_EQ(StateOf("a"), "SERVING");
  states_.Set("a", false);
  EXPECT_EQ(StateOf("a"), "NOT_SERVING");
}

TEST_F(HealthServiceTest, CheckOfAnUnknownServiceIsNotFound) {
  HealthCheckResponse response;
  const grpc::Status status = Check("b", &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("\"b\""));
}

TEST_F(HealthServiceTest, CheckIsAnsweredWhileTheServerDrains) {
  states_.Set("a", true);
  states_.Shutdown();
  states_.EndWatches();
  EXPECT_EQ(StateOf("a"), "NOT_SERVING");
}

TEST_F(HealthServiceTest, AWatchTellsTheStateNowAndAfterEachChange) {
  states_.Set("a", false);
  Watch watch(*stub_, "a");
  EXPECT_EQ(watch.Next(), "NOT_SERVING");
  states_.Set("a", true);
  EXPECT_EQ(watch.Next(), "SERVING");
  states_.Shutdown();
  EXPECT_EQ(watch.Next(), "NOT_SERVING");
}

TEST_F(HealthServiceTest, AWatchedServiceMayBecomeKnown) {
  Watch watch(*stub_, "later");
  EXPECT_EQ(watch.Next(), "SERVICE_UNKNOWN");
  states_.Set("later", true);
  EXPECT_EQ(watch.Next(), "SERVING");
}

TEST_F(HealthServiceTest, TheLastStateIsToldBeforeAWatchEnds) {
  states_.Set("a", true);
  Watch watch(*stub_, "a");
  EXPECT_EQ(watch.Next(), "SERVING");
  states_.Shutdown();
  states_.EndWatches();
  EXPECT_EQ(watch.Next(), "NOT_SERVING");
  EXPECT_EQ(watch.Next(), "end");
  const grpc::Status status = watch.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the server is draining");
}

// However many changes are told together, no state comes twice in a row and the last one comes.
TEST_F(HealthServiceTest, ManyChangesAreTakenTogether) {
  constexpr int kChanges = 10000;
  states_.Set("a", false);
  Watch watch(*stub_, "a");
  EXPECT_EQ(watch.Next(), "NOT_SERVING");
  std::thread changes([this] {
    for (int i = 1; i <= kChanges; ++i) states_.Set("a", i % 2 == 1);
    states_.Set("a", true);
    states_.EndWatches();
  });
  std::string last = "NOT_SERVING";
  int told = 0;
  for (std::string next = watch.Next(); next != "end"; next = watch.Next()) {
    EXPECT_NE(next, last);
    last = next;
    ++told;
  }
  changes.join();
  EXPECT_EQ(last, "SERVING");
  EXPECT_LT(told, kChanges);
}

TEST_F(HealthServiceTest, CallersThatGoAwayDisturbNobody) {
  Watch stays(*stub_, "a");
  std::string last = stays.Next();
  for (int i = 0; i < 100; ++i) {
    Watch leaves(*stub_, "a");
    if (i % 2 == 0) {
      EXPECT_NE(leaves.Next(), "end");
    }
    leaves.Cancel();
    states_.Set("a", i % 2 == 0);
  }
  states_.EndWatches();
  for (std::string next = stays.Next(); next != "end"; next = stays.Next()) last = next;
  EXPECT_EQ(last, "NOT_SERVING");
}

TEST_F(HealthServiceTest, WatchesThatAreOpenEndWithTheServer) {
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 10; ++i) {
    watches.push_back(std::make_unique<Watch>(*stub_, "a"));
    EXPECT_EQ(watches.back()->Next(), "SERVICE_UNKNOWN");
  }
  // The server goes first, as the fixture's members do.
}

TEST_F(HealthServiceTest, ANameThatIsFarTooLongIsRefused) {
  HealthCheckResponse response;
  EXPECT_EQ(Check(std::string(3000, 'x'), &response).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Check(std::string(5000, 'x'), &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(HealthServiceTest, BytesThatAreNoRequestAreRefused) {
  for (const char* method : {"Check", "Watch"}) {
    const grpc::Slice slice("\x0a\x7f");  // A string of 127 bytes, of which none come.
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ClientContext context;
    SetDeadline(context);
    grpc::CompletionQueue queue;
    const auto call =
        grpc::GenericStub(server_.channel())
            .PrepareUnaryCall(&context, std::string("/grpc.health.v1.Health/") + method, request,
                              &queue);
    call->StartCall();
    grpc::ByteBuffer response;
    grpc::Status status;
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method;
    EXPECT_THAT(status.error_message(), HasSubstr("HealthCheckRequest"));
  }
}

}  // namespace
}  // namespace weir
