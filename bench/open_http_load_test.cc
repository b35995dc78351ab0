#include "bench/open_http_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

constexpr char kOk[] = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";

// Answers each request, a line that ends with \n, with what `answer` makes of it; the connection is
// closed where that is nothing.
class LineServer {
 public:
  explicit LineServer(std::function<std::string(const std::string& request)> answer)
      : answer_(std::move(answer)), fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(to);
    auto* const any = reinterpret_cast<sockaddr*>(&to);
    EXPECT_EQ(bind(fd_, any, size), 0);
    EXPECT_EQ(listen(fd_, 64), 0);
    getsockname(fd_, any, &size);
    address_ = absl::StrCat("127.0.0.1:", ntohs(to.sin_port));
    accepter_ = std::thread([this] { Accept(); });
  }

  ~LineServer() {
    shutdown(fd_, SHUT_RDWR);
    accepter_.join();
    for (std::thread& thread : threads_) thread.join();
    close(fd_);
  }

  const std::string& address() const { return address_; }

  std::vector<std::string> requests() const {
    absl::MutexLock lock(&mu_);
    return requests_;
  }

 private:
  void Accept() {
    for (int fd = accept(fd_, nullptr, nullptr); fd >= 0; fd = accept(fd_, nullptr, nullptr)) {
      threads_.emplace_back([this, fd] { Serve(fd); });
    }
  }

  void Serve(int fd) {
    std::string line;
    for (char next = 0; recv(fd, &next, 1, 0) == 1;) {
      if (next != '\n') {
        line += next;
        continue;
      }
      {
        absl::MutexLock lock(&mu_);
        requests_.push_back(line);
      }
      const std::string text = answer_(line);
      if (text.empty()) break;
      // In two parts, the head torn.
      send(fd, text.data(), 12, MSG_NOSIGNAL);
      send(fd, text.data() + 12, text.size() - 12, MSG_NOSIGNAL);
      line.clear();
    }
    close(fd);
  }

  const std::function<std::string(const std::string& request)> answer_;
  const int fd_;
  std::string address_;
  std::thread accepter_;
  std::vector<std::thread> threads_;  // Of accepter_, until it has ended.
  mutable absl::Mutex mu_;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mu_);
};

std::unique_ptr<Pacer> EveryMillisecond(int requests) {
  std::vector<absl::Duration> times;
  for (int i = 0; i < requests; ++i) times.push_back(absl::Milliseconds(i));
  return Replay(std::move(times));
}

TEST(OpenHttpLoadTest, RequestsAreSentInTurnAndSpreadOverWorkers) {
  const auto answer = [](const std::string&) { return kOk; };
  LineServer one(answer);
  LineServer two(answer);
  const auto report = RunOpenHttpLoad({.addresses = {one.address(), two.address()},
                                       .connections_each = 1,
                                       .requests = {"a\n", "b\n", "c\n"}},
                                      *Replay(std::vector<absl::Duration>(6)));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->answers, 6);
  EXPECT_EQ(report->latency_ns.Count(), 6);
  EXPECT_EQ(report->send_lag_ns.Count(), 6);
  std::vector<std::string> all = one.requests();
  EXPECT_GE(all.size(), 1U);
  EXPECT_LE(all.size(), 5U);
  for (const std::string& request : two.requests()) all.push_back(request);
  EXPECT_THAT(all, testing::UnorderedElementsAre("a", "b", "c", "a", "b", "c"));
}

TEST(OpenHttpLoadTest, LatencyCountsFromWhenARequestWasDue) {
  constexpr absl::Duration kStall = absl::Milliseconds(300);
  const absl::Notification never;
  LineServer server([&](const std::string& request) {
    if (request == "first") never.WaitForNotificationWithTimeout(kStall);
    return kOk;
  });
  const auto report = RunOpenHttpLoad({.addresses = {server.address()},
                                       .connections_each = 1,
                                       .requests = {"first\n", "2\n", "3\n", "4\n"}},
                                      *EveryMillisecond(4));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->answers, 4);
  // All of them have waited, though the server took its time for one only.
  EXPECT_GT(absl::Nanoseconds(report->latency_ns.Quantile(0)), kStall - absl::Milliseconds(10));
  EXPECT_LT(absl::Nanoseconds(report->send_lag_ns.Quantile(0)), kStall / 2);
}

TEST(OpenHttpLoadTest, AnythingButAnAnswerWith200IsAnError) {
  const std::pair<std::string, std::string> cases[] = {
      {"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", "503 Busy"},
      {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "chunked"},
      {"", "closes a connection"}};
  for (const auto& [answer, message] : cases) {
    LineServer server([&answer = answer](const std::string&) { return answer; });
    const auto report = RunOpenHttpLoad({.addresses = {server.address()}, .requests = {"a\n"}},
                                        *EveryMillisecond(1));
    EXPECT_EQ(report.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(report.status().message()), testing::HasSubstr(message));
  }
}

TEST(OpenHttpLoadTest, AServiceThatStaysSilentIsWaitedForNoLongerThanTheTimeout) {
  absl::Notification done;
  LineServer server([&](const std::string&) {
    done.WaitForNotification();
    return kOk;
  });
  const auto report = RunOpenHttpLoad({.addresses = {server.address()},
                                       .connections_each = 1,
                                       .requests = {"a\n"},
                                       .timeout = absl::Milliseconds(50)},
                                      *EveryMillisecond(2));
  done.Notify();
  EXPECT_EQ(report.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(report.status().message()), testing::HasSubstr("2 requests"));
}

TEST(OpenHttpLoadTest, NobodyAtTheAddressIsAnError) {
  const auto report =
      RunOpenHttpLoad({.addresses = {"127.0.0.1:1"}, .requests = {"a\n"}}, *EveryMillisecond(1));
  EXPECT_THAT(std::string(report.status().message()), testing::HasSubstr("127.0.0.1:1"));
}

}  // namespace
}  // namespace weir
