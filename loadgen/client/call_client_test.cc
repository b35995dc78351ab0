// Against gRPC's own server.
#include "loadgen/client/call_client.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "loadgen/client/call_once.h"
#include "loadgen/client/grpc_echo_server.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(20);

// What became of a call.
class RecordedCall final : public Call {
 public:
  void OnMessage(absl::string_view message) override { messages.emplace_back(message); }
  void OnEnd(const absl::Status& with) override {
    EXPECT_FALSE(status.has_value()) << "a second end";
    status = with;
    if (then) then();
  }

  std::vector<std::string> messages;
  std::optional<absl::Status> status;
  std::function<void()> then;
};

class CallClientTest : public ::testing::Test {
 protected:
  int Connect(const GrpcEchoServer& server, int connections = 1) {
    const auto target = client_.AddTarget(server.address(), connections, kPatience);
    EXPECT_TRUE(target.ok()) << target.status();
    return target.value_or(0);
  }

  void Start(int target, absl::string_view message, Call& call) {
    client_.Start(target, method_, message, MonotonicNow() + kPatience, call);
  }

  // Polls until `condition`, or patience ends.
  bool Await(const std::function<bool()>& condition) {
    const absl::Time deadline = MonotonicNow() + kPatience;
    while (!condition() && MonotonicNow() < deadline) client_.Poll(deadline);
    return condition();
  }

  absl::Status Ended(const RecordedCall& call) {
    if (!Await([&] { return call.status.has_value(); })) return absl::UnknownError("it goes on");
    return *call.status;
  }

  CallClient client_;
  CallMethod method_ = {.path = "/weir.Test/Echo", .metadata = {}};
};

TEST_F(CallClientTest, AnAnswerComesBackWhole) {
  const GrpcEchoServer server;
  const int target = Connect(server);
  RecordedCall call;
  Start(target, "hello", call);
  EXPECT_EQ(client_.open_calls(), 1);
  EXPECT_EQ(Ended(call), absl::OkStatus());
  EXPECT_THAT(call.messages, ElementsAre("hello"));
  EXPECT_EQ(client_.open_calls(), 0);
}

TEST_F(CallClientTest, MessagesHaveAnySizeUpTo64MiB) {
  const GrpcEchoServer server;
  const int target = Connect(server);
  for (const size_t size : {0, 1, 16379, 16384, 100000, 5 << 20, 64 << 20}) {
    std::string message(size, 'x');
    for (size_t i = 0; i < size; i += 1000) message[i] = static_cast<char>(i / 1000);
    RecordedCall call;
    Start(target, message, call);
    ASSERT_EQ(Ended(call), absl::OkStatus()) << size;
    ASSERT_THAT(call.messages, SizeIs(1));
    EXPECT_TRUE(call.messages[0] == message) << size;
  }
}

TEST_F(CallClientTest, ManyLargeCallsAreSentAtOnce) {
  const GrpcEchoServer server;
  const int target = Connect(server);
  std::deque<RecordedCall> calls(50);
  std::deque<std::string> messages;
  for (RecordedCall& call : calls) {
    messages.emplace_back(1 << 20, static_cast<char>(messages.size()));
    Start(target, messages.back(), call);
  }
  for (size_t i = 0; i < calls.size(); ++i) {
    ASSERT_EQ(Ended(calls[i]), absl::OkStatus());
    EXPECT_TRUE(calls[i].messages[0] == messages[i]);
  }
}

TEST_F(CallClientTest, TheServersStatusComesWithItsWords) {
  const GrpcEchoServer server;
  const int target = Connect(server);
  method_.metadata = {{"end-with", "8"}};
  RecordedCall call;
  Start(target, "hello", call);
  EXPECT_EQ(Ended(call), absl::ResourceExhaustedError("because 100 % of \xc3\xa9 is\nit"));
  EXPECT_TRUE(IsAnswer(*call.status));
  EXPECT_THAT(call.messages, IsEmpty());
}

// The server answers before it has the request, and reads no more of it.
TEST_F(CallClientTest, AnAnswerBeforeTheWholeRequestIsTaken) {
  const GrpcEchoServer server;
  const int target = Connect(server);
  method_.metadata = {{"end-with", "3"}};
  const std::string message(8 << 20, 'x');
  for (int i = 0; i < 20; ++i) {
    RecordedCall call;
    Start(target, message, call);
    EXPECT_EQ(Ended(call).code(), absl::StatusCode::kInvalidArgument);
  }
  method_.metadata.clear();
  RecordedCall after;
  Start(target, "hello", after);
  EXPECT_EQ(Ended(after), absl::OkStatus());
}

TEST_F(CallClientTest, ACallEndsAtItsDeadlineAndTheServerLearnsOfIt) {
  GrpcEchoServer server;
  const int target = Connect(server);
  method_.metadata = {{"hold", "1"}};
  RecordedCall call;
  const absl::Time start = MonotonicNow();
  client_.Start(target, method_, "hello", start + absl::Milliseconds(100), call);
  EXPECT_EQ(Ended(call).code(), absl::StatusCode::kDeadlineExceeded);
  // The server may end it itself, and a little early.
  EXPECT_GE(MonotonicNow(), start + absl::Milliseconds(95));
  EXPECT_LT(MonotonicNow(), start + absl::Seconds(2));
  // What follows on the connection is sent after the end of that stream.
  method_.metadata.clear();
  RecordedCall next;
  Start(target, "hello", next);
  EXPECT_EQ(Ended(next), absl::OkStatus());
  EXPECT_TRUE(server.AwaitCancelled(1, kPatience));
}

TEST_F(CallClientTest, ACallWhoseDeadlineHasPassedIsNotSent) {
  GrpcEchoServer server;
  const int target = Connect(server);
  RecordedCall call;
  client_.Start(target, method_, "hello", MonotonicNow() - absl::Milliseconds(10), call);
  EXPECT_EQ(Ended(call).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server.arrived(), 0);
}

TEST_F(CallClientTest, TheServerKnowsTheDeadline) {
  const GrpcEchoServer server;
  const int target = Connect(server);
  method_.metadata = {{"tell-timeout", "1"}};
  for (const absl::Duration timeout :
       {absl::Seconds(2), absl::Seconds(10), absl::Hours(1), absl::Hours(1000)}) {
    RecordedCall call;
    client_.Start(target, method_, "hello", MonotonicNow() + timeout, call);
    ASSERT_EQ(Ended(call), absl::OkStatus());
    double seconds = 0;
    ASSERT_TRUE(absl::SimpleAtod(call.messages[0], &seconds)) << call.messages[0];
    EXPECT_LE(seconds, absl::ToDoubleSeconds(timeout) * 1.05);
    EXPECT_GT(seconds, absl::ToDoubleSeconds(timeout) - 1.5);
  }
}

TEST_F(CallClientTest, ACallWithoutADeadlineIsOne) {
  const GrpcEchoServer server;
  const int target = Connect(server);
  RecordedCall call;
  client_.Start(target, method_, "hello", absl::InfiniteFuture(), call);
  EXPECT_EQ(Ended(call), absl::OkStatus());
}

TEST_F(CallClientTest, CallsWaitWhileTheServerLetsNoMoreBeOpen) {
  const GrpcEchoServer server({.max_concurrent_streams = 3});
  const int target = Connect(server);
  std::deque<RecordedCall> calls(200);
  for (RecordedCall& call : calls) Start(target, "hello", call);
  for (RecordedCall& call : calls) EXPECT_EQ(Ended(call), absl::OkStatus());
}

TEST_F(CallClientTest, ACallThatWaitsForItsTurnEndsAtItsDeadlineToo) {
  GrpcEchoServer server({.max_concurrent_streams = 1});
  const int target = Connect(server);
  const CallMethod held = {.path = "/weir.Test/Echo", .metadata = {{"hold", "1"}}};
  RecordedCall first;
  client_.Start(target, held, "", absl::InfiniteFuture(), first);
  RecordedCall second;
  client_.Start(target, method_, "", MonotonicNow() + absl::Milliseconds(50), second);
  EXPECT_EQ(Ended(second).code(), absl::StatusCode::kDeadlineExceeded);
  RecordedCall third;
  Start(target, "hello", third);
  client_.Cancel(first);
  EXPECT_EQ(Ended(third), absl::OkStatus());
  EXPECT_EQ(first.status->code(), absl::StatusCode::kCancelled);
}

TEST_F(CallClientTest, ACallMayStartAgainWhenItEnds) {
  const GrpcEchoServer server;
  const int target = Connect(server, /*connections=*/3);
  EXPECT_EQ(client_.connections(target), 3);
  constexpr int kCalls = 5000;
  int started = 0;
  int ended = 0;
  std::deque<RecordedCall> calls(16);
  for (RecordedCall& call : calls) {
    call.then = [&] {
      ++ended;
      EXPECT_EQ(*call.status, absl::OkStatus());
      call.status.reset();
      if (started >= kCalls) return;
      ++started;
      Start(target, "hello", call);
    };
    ++started;
    Start(target, "hello", call);
  }
  EXPECT_TRUE(Await([&] { return ended == kCalls; })) << ended;
  EXPECT_EQ(client_.open_calls(), 0);
  EXPECT_EQ(server.arrived(), kCalls);
}

TEST_F(CallClientTest, AStreamSendsAndGetsManyMessages) {
  const GrpcEchoServer server;
  const int target = Connect(server, /*connections=*/2);
  RecordedCall stream;
  client_.StartStream(target, 1, method_, stream);
  client_.SendMessage(stream, "before it is open");
  ASSERT_TRUE(Await([&] { return stream.messages.size() == 1; }));
  for (int i = 0; i < 1000; ++i) client_.SendMessage(stream, std::string(i, 'x'));
  ASSERT_TRUE(Await([&] { return stream.messages.size() == 1001; })) << stream.messages.size();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(stream.messages[i + 1], std::string(i, 'x'));
  const std::string large(3 << 20, 'y');
  for (int i = 0; i < 4; ++i) client_.SendMessage(stream, large);
  client_.EndMessages(stream);
  EXPECT_EQ(Ended(stream), absl::OkStatus());
  ASSERT_THAT(stream.messages, SizeIs(1005));
  EXPECT_TRUE(stream.messages.back() == large);
}

TEST_F(CallClientTest, AStreamEndsWithWhatTheServerSays) {
  const GrpcEchoServer server;
  const int target = Connect(server);
  method_.metadata = {{"end-with", "5"}};
  RecordedCall stream;
  client_.StartStream(target, 0, method_, stream);
  EXPECT_EQ(Ended(stream).code(), absl::StatusCode::kNotFound);
  client_.SendMessage(stream, "too late");  // Nothing happens.
  client_.EndMessages(stream);
  client_.Cancel(stream);
}

TEST_F(CallClientTest, WhatIsCancelledEndsOnceAndTheServerLearnsOfIt) {
  GrpcEchoServer server;
  const int target = Connect(server);
  RecordedCall stream;
  client_.StartStream(target, 0, method_, stream);
  client_.SendMessage(stream, "hello");
  ASSERT_TRUE(Await([&] { return stream.messages.size() == 1; }));
  method_.metadata = {{"hold", "1"}};
  RecordedCall unary;
  Start(target, "hello", unary);
  client_.Poll(absl::InfinitePast());
  client_.Cancel(stream);
  client_.Cancel(stream);
  client_.Cancel(unary);
  EXPECT_FALSE(stream.status.has_value());
  client_.Poll(absl::InfiniteFuture());
  EXPECT_EQ(stream.status->code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(unary.status->code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(client_.open_calls(), 0);
  client_.Poll(absl::InfinitePast());
  EXPECT_TRUE(server.AwaitCancelled(1, kPatience));
}

TEST_F(CallClientTest, WakeEndsAPollThatWaitsOrTheNextOne) {
  client_.Wake();
  client_.Poll(absl::InfiniteFuture());
  std::thread other([this] { client_.Wake(); });
  client_.Poll(absl::InfiniteFuture());
  other.join();
}

TEST_F(CallClientTest, PollWaitsNoLongerThanItIsTold) {
  const absl::Time start = MonotonicNow();
  client_.Poll(start + absl::Milliseconds(20));
  EXPECT_GE(MonotonicNow(), start + absl::Milliseconds(20));
  client_.Poll(absl::InfinitePast());
  client_.Poll(start);
}

// The calling thread gets `error` from a system call from now on.
bool Forbid(uint32_t system_call, uint32_t error) {
  std::array<sock_filter, 4> filter = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, system_call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program = {.len = filter.size(), .filter = filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(CallClientSystemTest, ASystemThatCannotWaitInNanosecondsIsEnough) {
  const GrpcEchoServer server;
  for (const int error : {ENOSYS, EPERM}) {
    std::thread([&] {
      ASSERT_TRUE(Forbid(SYS_epoll_pwait2, error)) << "the system has no seccomp";
      EXPECT_EQ(CallOnce(server.address(), "/weir.Test/Echo", "hello", kPatience).value_or("none"),
                "hello");
      CallClient client;
      const absl::Time start = MonotonicNow();
      client.Poll(start + absl::Microseconds(20'100));
      EXPECT_GE(MonotonicNow(), start + absl::Microseconds(20'100));
      client.Wake();
      client.Poll(absl::InfiniteFuture());
    }).join();
  }
}

TEST(CallClientSystemTest, ASystemWithoutRoomForTheClientIsSaid) {
  for (const int forbidden : {SYS_epoll_create1, SYS_eventfd2, SYS_epoll_ctl}) {
    std::thread([&] {
      ASSERT_TRUE(Forbid(forbidden, EMFILE)) << "the system has no seccomp";
      CallClient client;
      const absl::Status status = client.AddTarget("127.0.0.1:1", 1, kPatience).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << forbidden;
      EXPECT_EQ(status.message(), "epoll: Too many open files") << forbidden;
    }).join();
  }
}

TEST(CallOnceTest, AsksOnce) {
  const GrpcEchoServer server;
  EXPECT_EQ(CallOnce(server.address(), "/weir.Test/Echo", "hello", kPatience).value(), "hello");
}

}  // namespace
}  // namespace weir
