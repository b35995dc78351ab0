#include "server/stats/push_call.h"

#include <memory>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

constexpr char kNobody[] = "127.0.0.1:1";

grpc::ByteBuffer Request() {
  const grpc::Slice slice("a push");
  return grpc::ByteBuffer(&slice, 1);
}

TEST(PushCallTest, ItsConnectionMayGoAsSoonAsTheAnswerIsThere) {
  for (int round = 0; round < 10; ++round) {
    absl::Notification answered;
    absl::Notification gone;
    std::unique_ptr<grpc::GenericStub> stub = ConnectToGateway(kNobody);
    // gRPC's thread is through with the call after the connection is gone, or at least wanted to
    // be.
    PushCall::Start(*stub, Request(), absl::Milliseconds(10),
                    [&](const grpc::Status& status, const grpc::ByteBuffer&) {
                      EXPECT_FALSE(status.ok());
                      answered.Notify();
                      gone.WaitForNotificationWithTimeout(absl::Milliseconds(50));
                    });
    answered.WaitForNotification();
    stub = nullptr;
    gone.Notify();
  }
}

TEST(PushCallTest, OneThatIsOverCanBeCancelled) {
  absl::Notification answered;
  const std::unique_ptr<grpc::GenericStub> stub = ConnectToGateway(kNobody);
  const std::shared_ptr<PushCall> call = PushCall::Start(
      *stub, Request(), absl::Milliseconds(10),
      [&answered](const grpc::Status&, const grpc::ByteBuffer&) { answered.Notify(); });
  answered.WaitForNotification();
  call->Cancel();
}

}  // namespace
}  // namespace weir
