#include "tests/faults/scraper.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/faults/http_get.h"

namespace weir {
namespace {

// Answers each connection with the same text, until it is told another.
class FakeMetrics {
 public:
  explicit FakeMetrics(std::string answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    socklen_t size = sizeof(address);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~FakeMetrics() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  int port() const { return port_; }
  void Answer(std::string answer) {
    absl::MutexLock lock(&mu_);
    answer_ = std::move(answer);
  }

 private:
  void Run() {
    while (true) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      char request[4096];
      if (recv(connection, request, sizeof(request), 0) > 0) {
        absl::MutexLock lock(&mu_);
        send(connection, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      }
      close(connection);
    }
  }

  int listener_ = -1;
  int port_ = 0;
  absl::Mutex mu_;
  std::string answer_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

std::string Answer(absl::string_view body, std::optional<size_t> length = std::nullopt) {
  return absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", length.value_or(body.size()),
                      "\r\n\r\n", body);
}

std::string Counter(int value) {
  return Answer(absl::StrCat("# TYPE weir_rows_total counter\nweir_rows_total ", value, "\n"));
}

bool Is(const Scrape& scrape, double value) { return scrape.Sum({"weir_rows_total", {}}) == value; }

TEST(HttpGetTest, AnAnswerThatIsCutShortIsNone) {
  const FakeMetrics server(Answer("abc", 4));
  EXPECT_EQ(HttpGet(server.port(), "/", absl::Seconds(10)).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(HttpGetTest, ARefusalIsAnErrorWithItsReason) {
  const FakeMetrics server("HTTP/1.1 503 Service Unavailable\r\n\r\nnot yet");
  const absl::Status status = HttpGet(server.port(), "/", absl::Seconds(10)).status();
  EXPECT_EQ(status.message(), "HTTP/1.1 503 Service Unavailable: not yet");
}

TEST(HttpGetTest, TextIsEncodedForQueries) { EXPECT_EQ(UrlEncoded("a{1}"), "a%7B1%7D"); }

TEST(ScraperTest, WaitsForAScrapeThatBeganLater) {
  FakeMetrics server(Counter(1));
  Scraper scraper({.port = server.port(), .interval = absl::Milliseconds(10)});
  EXPECT_NE(scraper.Await([](const Scrape& s) { return Is(s, 1); }, absl::Seconds(10)), nullptr);
  EXPECT_EQ(scraper.Await([](const Scrape& s) { return Is(s, 2); }, absl::Milliseconds(50)),
            nullptr);
  server.Answer(Counter(2));
  EXPECT_NE(scraper.Await([](const Scrape& s) { return Is(s, 2); }, absl::Seconds(10)), nullptr);
  EXPECT_TRUE(scraper.findings().falls.empty());
}

TEST(ScraperTest, ACounterThatFellIsFoundUnlessANewBeginningIsExpected) {
  FakeMetrics server(Counter(5));
  Scraper scraper({.port = server.port(), .interval = absl::Milliseconds(10)});
  const auto await = [&scraper](double value) {
    return scraper.Await([value](const Scrape& s) { return Is(s, value); }, absl::Seconds(10));
  };
  EXPECT_NE(await(5), nullptr);
  server.Answer("HTTP/1.1 503 Service Unavailable\r\n\r\n");  // As a gateway that begins.
  scraper.ExpectNewBeginning();
  server.Answer(Counter(3));
  EXPECT_NE(await(3), nullptr);
  EXPECT_TRUE(scraper.findings().falls.empty());
  server.Answer(Counter(2));
  EXPECT_NE(await(2), nullptr);
  ASSERT_EQ(scraper.findings().falls.size(), 1U);
  EXPECT_EQ(scraper.findings().falls[0].Text(), "weir_rows_total fell from 3 to 2");
}

TEST(ScraperTest, WhatIsNoExpositionIsCounted) {
  const FakeMetrics server(Answer("weir_rows_total\n"));
  Scraper scraper({.port = server.port(), .interval = absl::Milliseconds(10)});
  EXPECT_EQ(scraper.Await([](const Scrape&) { return true; }, absl::Milliseconds(200)), nullptr);
  EXPECT_GT(scraper.findings().malformed, 0);
  EXPECT_EQ(scraper.findings().scrapes, 0);
}

}  // namespace
}  // namespace weir
