// What the client makes of servers with manners of their own: connections that it gives up, because
// their server is mute or their stream ids come to an end, and answers that come all together.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "gtest/gtest.h"
#include "loadgen/client/call_client.h"
#include "loadgen/client/fake_peer.h"

namespace weir {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

class RecordedCall final : public Call {
 public:
  void OnMessage(absl::string_view) override {}
  void OnEnd(const absl::Status& with) override { status = with; }

  std::optional<absl::Status> status;
};

// A server of its own thread. What it says of each connection it is told when it is made.
class PeerServer {
 public:
  enum class Manner {
    kMute,  // Nothing but the first words, on its first connection; afterwards it answers.
    kSlow,  // No answers to calls.
    kAnswers,
    kTogether,  // Answers once kTogetherCalls wait, with one write.
  };
  static constexpr size_t kTogetherCalls = 100;

  explicit PeerServer(Manner manner, std::string answer = "hello")
      : manner_(manner),
        answer_(std::move(answer)),
        listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
    EXPECT_EQ(pipe(stop_.data()), 0);
    thread_ = std::thread([this] { Run(); });
  }

  ~PeerServer() {
    close(stop_[1]);
    thread_.join();
    for (const auto& connection : connections_) close(connection->fd);
    close(stop_[0]);
    close(listener_);
  }

  const std::string& address() const { return address_; }

  // Only their values count.
  int connections() const { return accepted_; }
  int pings() const { return pings_; }

 private:
  struct Connection {
    int fd = -1;
    bool mute = false;
    FakePeer peer;
    std::set<int32_t> answered;
  };

  void Run() {
    while (true) {
      std::vector<pollfd> waited = {{.fd = stop_[0], .events = POLLIN, .revents = 0},
                                    {.fd = listener_, .events = POLLIN, .revents = 0}};
      for (const auto& connection : connections_) {
        waited.push_back({.fd = connection->fd, .events = POLLIN, .revents = 0});
      }
      poll(waited.data(), waited.size(), -1);
      if (waited[0].revents != 0) return;
      for (size_t i = 2; i < waited.size(); ++i) {
        if (waited[i].revents != 0) Read(*connections_[i - 2]);
      }
      std::erase_if(connections_, [](const auto& connection) { return connection->fd < 0; });
      if (waited[1].revents != 0) Accept();
    }
  }

  void Accept() {
    auto connection = std::make_unique<Connection>();
    connection->fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    connection->mute = manner_ == Manner::kMute && accepted_ == 0;
    Write(*connection);
    connections_.push_back(std::move(connection));
    ++accepted_;
  }

  void Read(Connection& connection) {
    std::array<char, 4096> buffer;
    const ssize_t size = recv(connection.fd, buffer.data(), buffer.size(), 0);
    if (size <= 0) {
      close(std::exchange(connection.fd, -1));
      return;
    }
    if (connection.mute) return;
    const int pings = connection.peer.pings();
    EXPECT_TRUE(connection.peer.Receive({buffer.data(), static_cast<size_t>(size)}));
    const size_t calls = connection.peer.streams().size();
    const bool waits = manner_ == Manner::kTogether && calls < kTogetherCalls;
    for (const auto& [id, stream] : connection.peer.streams()) {
      if (manner_ == Manner::kSlow || waits || !stream.ended) continue;
      if (connection.answered.insert(id).second) connection.peer.Answer(id, answer_);
    }
    Write(connection);
    pings_ += connection.peer.pings() - pings;
  }

  static void Write(Connection& connection) {
    const std::string output = connection.peer.Output();
    send(connection.fd, output.data(), output.size(), MSG_NOSIGNAL);
  }

  const Manner manner_;
  const std::string answer_;
  const int listener_;
  std::array<int, 2> stop_;
  std::string address_;
  std::vector<std::unique_ptr<Connection>> connections_;  // Of the thread.
  std::atomic<int> accepted_{0};
  std::atomic<int> pings_{0};
  std::thread thread_;
};

class CallClientMannersTest : public ::testing::Test {
 protected:
  static int Connect(CallClient& client, const PeerServer& server) {
    const auto target = client.AddTarget(server.address(), 1, kPatience);
    EXPECT_TRUE(target.ok()) << target.status();
    return target.value_or(0);
  }

  absl::Status CallOf(CallClient& client, int target) {
    RecordedCall call;
    client.Start(target, method_, "hello", MonotonicNow() + kPatience, call);
    while (!call.status) client.Poll(absl::InfiniteFuture());
    return *call.status;
  }

  CallMethod method_ = {.path = "/weir.Test/Echo", .metadata = {}};
};

TEST_F(CallClientMannersTest, AServerThatHasGoneMuteIsGivenUpAndDialledAnew) {
  const PeerServer server(PeerServer::Manner::kMute);
  CallClient client({.patience = absl::Milliseconds(50)});
  const int target = Connect(client, server);
  RecordedCall call;
  client.Start(target, method_, "hello", absl::InfiniteFuture(), call);
  const absl::Time start = MonotonicNow();
  while (!call.status && MonotonicNow() < start + kPatience) client.Poll(start + kPatience);
  ASSERT_TRUE(call.status.has_value());
  EXPECT_EQ(call.status->code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(call.status->message(),
            absl::StrCat(server.address(), ": the server says nothing any more"));
  EXPECT_GE(MonotonicNow() - start, absl::Milliseconds(100)) << "twice its patience";
  while (!client.connected(target)) client.Poll(absl::InfiniteFuture());
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(CallOf(client, target), absl::OkStatus());
}

TEST_F(CallClientMannersTest, OfAnswersThatComeTogetherAPollTakesAPart) {
  const PeerServer server(PeerServer::Manner::kTogether);
  CallClient client;
  const int target = Connect(client, server);
  std::deque<RecordedCall> calls(PeerServer::kTogetherCalls);
  for (RecordedCall& call : calls) {
    client.Start(target, method_, "hello", MonotonicNow() + kPatience, call);
  }
  std::vector<int> polls;  // How many calls ended in each.
  while (client.open_calls() > 0) {
    const int open = client.open_calls();
    client.Poll(absl::InfiniteFuture());
    if (client.open_calls() < open) polls.push_back(open - client.open_calls());
  }
  for (const RecordedCall& call : calls) EXPECT_EQ(call.status, absl::OkStatus());
  EXPECT_LE(*std::max_element(polls.begin(), polls.end()), 50)
      << "the next requests would wait until all answers are looked at";
  EXPECT_LE(polls.size(), 25U) << "system calls would cost more than the calls";
}

TEST_F(CallClientMannersTest, ALargeAnswerOfALoneCallIsNotReadBitByBit) {
  const PeerServer server(PeerServer::Manner::kAnswers, std::string(50'000, 'x'));
  CallClient client;
  const int target = Connect(client, server);
  int polls = 0;
  for (int i = 0; i < 20; ++i) {
    RecordedCall call;
    client.Start(target, method_, "hello", MonotonicNow() + kPatience, call);
    for (polls = 0; !call.status; ++polls) client.Poll(MonotonicNow() + kPatience);
    EXPECT_EQ(call.status, absl::OkStatus());
  }
  EXPECT_LE(polls, 6) << "once its size is known";
}

TEST_F(CallClientMannersTest, AClientThatWaitsForRoomDoesNotSpin) {
  const PeerServer server(PeerServer::Manner::kSlow);
  CallClient client;
  const int target = Connect(client, server);
  const std::string large(1 << 20, 'x');  // More than the server's window, and than sockets take.
  std::deque<RecordedCall> calls(20);
  for (RecordedCall& call : calls) {
    client.Start(target, method_, large, MonotonicNow() + kPatience, call);
  }
  int polls = 0;
  const absl::Time end = MonotonicNow() + absl::Milliseconds(200);
  for (; MonotonicNow() < end; ++polls) client.Poll(end);
  EXPECT_LE(polls, 5000);
}

TEST_F(CallClientMannersTest, AMuteServerIsGivenUpThoughNoCallWaitsForItAnyMore) {
  const PeerServer server(PeerServer::Manner::kMute);
  CallClient client({.patience = absl::Milliseconds(50)});
  const int target = Connect(client, server);
  RecordedCall call;
  client.Start(target, method_, "hello", MonotonicNow() + absl::Milliseconds(10), call);
  while (server.connections() < 2) client.Poll(MonotonicNow() + absl::Milliseconds(500));
  EXPECT_EQ(call.status->code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(CallClientMannersTest, AServerThatOnlyTakesItsTimeIsPingedOnceAndKept) {
  const PeerServer server(PeerServer::Manner::kSlow);
  // So long that the server's thread gets to its answer on a busy machine.
  constexpr absl::Duration kSilence = absl::Seconds(1);
  CallClient client({.patience = kSilence});
  const int target = Connect(client, server);
  RecordedCall call;
  client.Start(target, method_, "hello", absl::InfiniteFuture(), call);
  while (server.pings() == 0 && !call.status) {
    client.Poll(MonotonicNow() + absl::Milliseconds(50));
  }
  const absl::Time end = MonotonicNow() + 3 * kSilence;
  for (absl::Time now; (now = MonotonicNow()) < end && !call.status;) client.Poll(end);
  EXPECT_FALSE(call.status.has_value()) << *call.status;
  EXPECT_EQ(server.pings(), 1) << "gRPC's servers count those that come too often";
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(CallClientMannersTest, AConnectionThatIsUsedUpIsReplacedWithoutAFailure) {
  const PeerServer server(PeerServer::Manner::kAnswers);
  CallClient client({.last_stream_id = 21});  // Eleven calls.
  const int target = Connect(client, server);
  RecordedCall stream;
  client.StartStream(target, 0, method_, stream);
  const absl::Time deadline = MonotonicNow() + kPatience;
  while (server.connections() < 4 && MonotonicNow() < deadline) {
    ASSERT_EQ(CallOf(client, target), absl::OkStatus());
    ASSERT_TRUE(client.connected(target));
  }
  EXPECT_EQ(server.connections(), 4);
  EXPECT_FALSE(stream.status.has_value()) << "it stays where it is";
  client.EndMessages(stream);
  while (!stream.status) client.Poll(absl::InfiniteFuture());
  EXPECT_EQ(*stream.status, absl::OkStatus());
}

}  // namespace
}  // namespace weir
