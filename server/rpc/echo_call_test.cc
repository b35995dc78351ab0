#include "server/rpc/echo_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/rpc/rpc_fixture.h"
#include "weir/v1/diagnostics.grpc.pb.h"

namespace weir {
namespace {

constexpr char kEcho[] = "/weir.v1.Diagnostics/Echo";

struct EchoAnswer {
  grpc::Status status;
  v1::EchoResponse response;
};

EchoAnswer Echo(const RpcServer& server, uint32_t answer_bytes, const std::string& payload = "") {
  v1::EchoRequest request;
  request.set_answer_bytes(answer_bytes);
  request.set_payload(payload);
  TestContext context;
  EchoAnswer answer;
  answer.status =
      v1::Diagnostics::NewStub(server.channel())->Echo(&context, request, &answer.response);
  return answer;
}

TEST(EchoCallTest, TheAnswerHasAsManyBytesAsWereAskedFor) {
  RpcServer server;
  for (const uint32_t bytes : {0, 1, 40, 1 << 20}) {
    const EchoAnswer answer = Echo(server, bytes, std::string(3136, 'x'));
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.response.payload().size(), bytes);
  }
}

TEST(EchoCallTest, MoreThanAMebibyteIsRefused) {
  RpcServer server;
  const EchoAnswer answer = Echo(server, (1 << 20) + 1);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(answer.status.error_message(), "answer_bytes is at most 1048576, got 1048577");
}

TEST(EchoCallTest, AMalformedMessageIsRefused) {
  RpcServer server;
  const grpc::Status status = CallWithBytes(server, kEcho, Bytes("no message"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "the message is no weir.v1.EchoRequest");
}

TEST(EchoCallTest, ItIsRefusedByADrainAndByAFullServerAsPredictIs) {
  RpcServer server({.max_bytes_in_flight = 100});
  EXPECT_EQ(Echo(server, 0, std::string(200, 'x')).status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  server.Refuse();
  EXPECT_EQ(Echo(server, 0).status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace weir
