// Servers that are not there, go, and come back.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "loadgen/client/call_client.h"
#include "loadgen/client/grpc_echo_server.h"

namespace weir {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(20);

// A server that ends may still say that it has cancelled the call.
const auto kGone = AnyOf(absl::StatusCode::kUnavailable, absl::StatusCode::kCancelled);

// Every call here asks for one answer, unless it is a stream that says how many.
class RecordedCall final : public Call {
 public:
  explicit RecordedCall(int answers = 1) : answers_(answers) {}

  void OnMessage(absl::string_view message) override {
    ++messages_;
    EXPECT_EQ(message, "hello");
  }
  void OnEnd(const absl::Status& with) override {
    status = with;
    EXPECT_EQ(messages_, with.ok() ? answers_ : 0) << with;
  }

  std::optional<absl::Status> status;

 private:
  const int answers_;
  int messages_ = 0;
};

class CallClientOutageTest : public ::testing::Test {
 protected:
  int Connect(const GrpcEchoServer& server, int connections) {
    const auto target = client_.AddTarget(server.address(), connections, kPatience);
    EXPECT_TRUE(target.ok()) << target.status();
    return target.value_or(0);
  }

  void Start(int target, Call& call) {
    client_.Start(target, method_, "hello", MonotonicNow() + kPatience, call);
  }

  absl::Status Ended(const RecordedCall& call) {
    const absl::Time deadline = MonotonicNow() + kPatience;
    while (!call.status && MonotonicNow() < deadline) client_.Poll(deadline);
    return call.status.value_or(absl::UnknownError("it goes on"));
  }

  // Calls, one after the other, until one ends with OK.
  absl::Status AwaitOk(int target) {
    const absl::Time deadline = MonotonicNow() + kPatience;
    absl::Status status;
    do {
      RecordedCall call;
      Start(target, call);
      status = Ended(call);
      if (!status.ok()) client_.Poll(MonotonicNow() + absl::Milliseconds(10));
    } while (!status.ok() && MonotonicNow() < deadline);
    return status;
  }

  CallClient client_;
  CallMethod method_ = {.path = "/weir.Test/Echo", .metadata = {}};
  CallMethod held_ = {.path = "/weir.Test/Echo", .metadata = {{"hold", "1"}}};
};

// A port of 127.0.0.1 where nobody answers.
class SilentPort {
 public:
  SilentPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  }
  ~SilentPort() { close(fd_); }

  // Connections are made, and nothing is said on them.
  void Listen() const { EXPECT_EQ(listen(fd_, 8), 0); }

  const std::string& address() const { return address_; }

 private:
  const int fd_;
  std::string address_;
};

TEST_F(CallClientOutageTest, AServerThatIsNotThereIsSaidAtOnce) {
  const SilentPort port;
  const absl::Time start = MonotonicNow();
  const absl::Status status = client_.AddTarget(port.address(), 2, kPatience).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat(port.address(), ": Connection refused")));
  EXPECT_LT(MonotonicNow() - start, kPatience / 2);
}

TEST_F(CallClientOutageTest, AServerThatSaysNothingIsWaitedForAndThenSaid) {
  const SilentPort port;
  port.Listen();
  const absl::Status status = client_.AddTarget(port.address(), 2, absl::Milliseconds(50)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no HTTP/2 server answers in time"));
}

TEST_F(CallClientOutageTest, AnAddressThatIsNoneIsRefused) {
  for (const std::string address :
       {"", "localhost", ":8001", "localhost:", "127.0.0.1:port", "127.0.0.1:0", "127.0.0.1:-1",
        "127.0.0.1:65536", "127.0.0.1:99999", "127.0.0.1:8001x"}) {
    EXPECT_EQ(client_.AddTarget(address, 1, kPatience).status().code(),
              absl::StatusCode::kInvalidArgument)
        << address;
  }
}

TEST_F(CallClientOutageTest, CallsFailWhileTheServerIsAwayAndGoOnWhenItIsBack) {
  auto server = std::make_unique<GrpcEchoServer>();
  const int port = server->port();
  const int target = Connect(*server, /*connections=*/3);
  std::deque<RecordedCall> calls(30);
  for (RecordedCall& call : calls) {
    client_.Start(target, held_, "hello", absl::InfiniteFuture(), call);
  }
  RecordedCall stream;
  client_.StartStream(target, 2, held_, stream);
  client_.Poll(absl::InfinitePast());
  server->AwaitArrived(31, kPatience);
  server.reset();
  for (RecordedCall& call : calls) {
    EXPECT_THAT(Ended(call).code(), kGone) << *call.status;
  }
  EXPECT_THAT(Ended(stream).code(), kGone) << *stream.status;
  RecordedCall meanwhile;
  Start(target, meanwhile);
  EXPECT_FALSE(meanwhile.status.has_value());  // Not within Start.
  EXPECT_EQ(Ended(meanwhile).code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(IsAnswer(*meanwhile.status));
  EXPECT_EQ(client_.open_calls(), 0);

  server = std::make_unique<GrpcEchoServer>(GrpcEchoServer::Options{.port = port});
  EXPECT_EQ(AwaitOk(target), absl::OkStatus());
  EXPECT_EQ(AwaitOk(target), absl::OkStatus());
}

TEST_F(CallClientOutageTest, AServerThatGoesAwayAnswersWhatItHasTaken) {
  auto server = std::make_unique<GrpcEchoServer>();
  const int port = server->port();
  const int target = Connect(*server, /*connections=*/1);
  RecordedCall stream(/*answers=*/0);
  client_.StartStream(target, 0, method_, stream);
  client_.Poll(absl::InfinitePast());
  server->AwaitArrived(1, kPatience);
  std::atomic<bool> down{false};  // Only its value counts.
  std::thread shutdown([&] {
    server->Shutdown(kPatience);
    down = true;
    client_.Wake();
  });
  // The connection is about to go; new calls are not for it.
  absl::Status status;
  do {
    RecordedCall call;
    Start(target, call);
    status = Ended(call);
  } while (IsAnswer(status));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_FALSE(stream.status.has_value());
  client_.EndMessages(stream);
  EXPECT_EQ(Ended(stream), absl::OkStatus());
  // The server waits for what the client has to say to its last words.
  while (!down) client_.Poll(absl::InfiniteFuture());
  shutdown.join();
  server.reset();
  server = std::make_unique<GrpcEchoServer>(GrpcEchoServer::Options{.port = port});
  EXPECT_EQ(AwaitOk(target), absl::OkStatus());
}

TEST_F(CallClientOutageTest, WhatStartsRightAfterAServersFirstGoodbyeFails) {
  GrpcEchoServer server;
  const int target = Connect(server, /*connections=*/1);
  RecordedCall held;
  client_.Start(target, held_, "hello", absl::InfiniteFuture(), held);
  client_.Poll(absl::InfinitePast());
  ASSERT_TRUE(server.AwaitArrived(1, kPatience));
  std::atomic<bool> down{false};  // Only its value counts.
  std::thread shutdown([&] {
    server.Shutdown(kPatience);
    down = true;
    client_.Wake();
  });
  const absl::Time deadline = MonotonicNow() + kPatience;
  while (client_.connected(target) && MonotonicNow() < deadline) client_.Poll(deadline);
  // The client has heard of it, and has not seen to its connections since.
  RecordedCall unary;
  Start(target, unary);
  RecordedCall stream(/*answers=*/0);
  client_.StartStream(target, 0, method_, stream);
  EXPECT_EQ(client_.SendMessage(stream, "hello"), -1);
  for (const RecordedCall* call : {&unary, &stream}) {
    const absl::Status status = Ended(*call);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(status.message(), server.address() + " goes away");
    EXPECT_FALSE(IsAnswer(status));
  }
  client_.Cancel(held);
  while (!down) client_.Poll(absl::InfiniteFuture());
  shutdown.join();
  EXPECT_EQ(client_.open_calls(), 0);
}

TEST_F(CallClientOutageTest, ClientsMayEndWithCallsOpen) {
  const GrpcEchoServer server;
  RecordedCall call;
  {
    CallClient client;
    const auto target = client.AddTarget(server.address(), 1, kPatience);
    ASSERT_TRUE(target.ok());
    client.Start(*target, held_, "hello", absl::InfiniteFuture(), call);
    client.Poll(absl::InfinitePast());
  }
  EXPECT_FALSE(call.status.has_value());
}

}  // namespace
}  // namespace weir
