#include "gateway/http_server.h"

#include <arpa/inet.h>
#include <libdeflate.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr absl::Duration kSoon = absl::Seconds(20);
constexpr size_t kLargeBytes = size_t{32} << 20;

// A bare socket, as a client of whatever manners.
class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void Send(absl::string_view text) const {
    // The server may have closed the connection.
    (void)send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
  }

  struct Answer {
    std::string head;  // With the empty line.
    std::string body;
  };

  // The next answer; of a HEAD without its body.
  Answer Receive(bool head_only = false) {
    Answer answer;
    size_t end;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!More()) return {received_, ""};
    }
    answer.head = received_.substr(0, end + 4);
    received_.erase(0, end + 4);
    size_t length = 0;
    const size_t begin = answer.head.find("Content-Length: ");
    if (begin != std::string::npos) {
      EXPECT_TRUE(absl::SimpleAtoi(
          answer.head.substr(begin + 16, answer.head.find("\r\n", begin) - begin - 16), &length));
    }
    if (head_only) return answer;
    while (received_.size() < length && More()) {
    }
    answer.body = received_.substr(0, length);
    received_.erase(0, length);
    return answer;
  }

  Answer Get(absl::string_view path, absl::string_view headers = "") {
    Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: weir\r\n", headers, "\r\n"));
    return Receive();
  }

  // Whether the server closes the connection.
  bool IsClosed() {
    while (More()) {
    }
    return closed_;
  }

 private:
  bool More() {
    pollfd ready{fd_, POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(kSoon))) != 1) return false;
    char bytes[1 << 16];
    const ssize_t size = recv(fd_, bytes, sizeof(bytes), 0);
    closed_ = size <= 0;
    if (size > 0) received_.append(bytes, size);
    return size > 0;
  }

  int fd_;
  bool closed_ = false;
  std::string received_;
};

std::string Gunzip(absl::string_view gzip, size_t size) {
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)>
      decompressor(libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  std::string text(size, '\0');
  EXPECT_EQ(libdeflate_gzip_decompress(decompressor.get(), gzip.data(), gzip.size(), text.data(),
                                       text.size(), nullptr),
            LIBDEFLATE_SUCCESS);
  return text;
}

class HttpServerTest : public ::testing::Test {
 protected:
  void Start(HttpServer::Options options = {}) {
    options.host = "127.0.0.1";
    options.port = 0;
    const auto hello = [](HttpResponse& response) { response.body.Append("hello\n"); };
    options.routes["/small"].handler = hello;
    options.routes["/bounded"] = {.handler = hello, .is_large = true};
    options.routes["/large"] = {.handler =
                                    [](HttpResponse& response) {
                                      response.content_type = "text/large";
                                      response.body.Append(std::string(kLargeBytes, 'x'));
                                    },
                                .is_large = true};
    options.routes["/broken"].handler = [](HttpResponse& response) {
      response.code = 503;
      response.body.Append("broken\n");
    };
    auto server = HttpServer::Create(std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersGetWithTypeAndLength) {
  Start();
  Client client(server_->port());
  const Client::Answer answer = client.Get("/small?x=1");
  EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer.head, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(answer.head, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_EQ(answer.body, "hello\n");
}

TEST_F(HttpServerTest, AnswersManyRequestsOfOneConnection) {
  Start();
  Client client(server_->port());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client.Get("/small").body, "hello\n");
  // Also if the second one comes before the first one is answered.
  client.Send("GET /small HTTP/1.1\r\nHost: a\r\n\r\nGET /broken HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.Receive().body, "hello\n");
  EXPECT_EQ(client.Receive().body, "broken\n");
}

TEST_F(HttpServerTest, ClosesAConnectionThatAsksForIt) {
  Start();
  Client client(server_->port());
  EXPECT_EQ(client.Get("/small", "Connection: close\r\n").body, "hello\n");
  EXPECT_TRUE(client.IsClosed());
  Client old(server_->port());
  old.Send("GET /small HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.Receive().body, "hello\n");
  EXPECT_TRUE(old.IsClosed());
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  Start();
  Client client(server_->port());
  client.Send("HEAD /large HTTP/1.1\r\nHost: weir\r\n\r\n");
  const Client::Answer answer = client.Receive(/*head_only=*/true);
  EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer.head, HasSubstr(absl::StrCat("Content-Length: ", kLargeBytes, "\r\n")));
  EXPECT_EQ(client.Get("/small").body, "hello\n");  // Nothing of a body came before it.
}

TEST_F(HttpServerTest, SendsGzipToWhomAsksForIt) {
  Start();
  Client client(server_->port());
  const Client::Answer answer = client.Get("/large", "Accept-Encoding: deflate, gzip;q=0.5\r\n");
  EXPECT_THAT(answer.head, HasSubstr("Content-Encoding: gzip\r\n"));
  EXPECT_THAT(answer.head, HasSubstr("Content-Type: text/large\r\n"));
  EXPECT_THAT(answer.head, HasSubstr("Vary: Accept-Encoding\r\n"));
  EXPECT_LT(answer.body.size(), kLargeBytes / 100);
  EXPECT_EQ(Gunzip(answer.body, kLargeBytes), std::string(kLargeBytes, 'x'));

  const Client::Answer plain = client.Get("/large", "Accept-Encoding: deflate\r\n");
  EXPECT_THAT(plain.head, Not(HasSubstr("Content-Encoding")));
  EXPECT_EQ(plain.body.size(), kLargeBytes);
}

TEST(AcceptsGzipTest, KnowsWhoTakesGzip) {
  for (const char* const header : {"gzip", "GZIP", "deflate, gzip", "gzip;q=0.1", "gzip ; q=1", "*",
                                   "br;q=1.0, *;q=0.8", "x-gzip"}) {
    EXPECT_TRUE(AcceptsGzip(header)) << header;
  }
  for (const char* const header : {"", "deflate", "gzip;q=0", "gzip; q=0.0, *", "*;q=0", "gzipped",
                                   "identity", "gzip;q=x", ",;,"}) {
    EXPECT_FALSE(AcceptsGzip(header)) << header;
  }
}

TEST_F(HttpServerTest, RefusesUnknownPaths) {
  Start();
  Client client(server_->port());
  for (const char* const path : {"/", "/smal", "/small/", "/small/x", "//small", "/../small",
                                 "/etc/passwd", "/%00", "/small%00", "*"}) {
    EXPECT_THAT(client.Get(path).head, StartsWith("HTTP/1.1 404 ")) << path;
  }
  EXPECT_EQ(client.Get("/small").body, "hello\n");
}

TEST_F(HttpServerTest, RefusesOtherMethodsAndSaysWhichAreAllowed) {
  Start();
  for (const char* const method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"}) {
    Client client(server_->port());
    client.Send(absl::StrCat(method, " /small HTTP/1.1\r\nHost: weir\r\n\r\n"));
    const Client::Answer answer = client.Receive();
    EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 405 ")) << method;
    EXPECT_THAT(answer.head, HasSubstr("Allow: GET, HEAD\r\n")) << method;
  }
}

TEST_F(HttpServerTest, RefusesBodiesBeforeTheyCome) {
  Start();
  Client post(server_->port());
  post.Send("POST /small HTTP/1.1\r\nHost: weir\r\nContent-Length: 1000000000000\r\n\r\nabc");
  EXPECT_THAT(post.Receive().head, StartsWith("HTTP/1.1 405 "));
  EXPECT_TRUE(post.IsClosed());
  Client get(server_->port());
  get.Send("GET /small HTTP/1.1\r\nHost: weir\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_THAT(get.Receive().head, StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(get.IsClosed());
  Client empty(server_->port());
  EXPECT_EQ(empty.Get("/small", "Content-Length: 0\r\n").body, "hello\n");
}

TEST_F(HttpServerTest, PassesOnTheCodeOfAHandler) {
  Start();
  Client client(server_->port());
  const Client::Answer answer = client.Get("/broken");
  EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_EQ(answer.body, "broken\n");
}

TEST_F(HttpServerTest, OutlivesWhatIsNoRequest) {
  Start();
  for (const std::string& bytes :
       {std::string("\r\n\r\n\r\n"), std::string("GET\r\n\r\n"), std::string("\x16\x03\x01") + '\0',
        std::string("GET /small HTTP/9.9\r\n\r\n"), std::string(1 << 20, '\0'),
        std::string("GET /small HTTP/1.1\r\n: x\r\n\r\n")}) {
    Client client(server_->port());
    client.Send(bytes);
  }
  EXPECT_EQ(Client(server_->port()).Get("/small").body, "hello\n");
}

TEST_F(HttpServerTest, RefusesHugeHeadersAndPaths) {
  Start();
  Client headers(server_->port());
  headers.Send("GET /small HTTP/1.1\r\nHost: weir\r\n");
  for (int i = 0; i < 200; ++i) {
    headers.Send(absl::StrCat("X-", i, ": ", std::string(1000, 'y'), "\r\n"));
  }
  headers.Send("\r\n");
  EXPECT_THAT(headers.Receive().head, Not(HasSubstr("200 OK")));
  Client path(server_->port());
  path.Send(absl::StrCat("GET /", std::string(1 << 20, 'p'), " HTTP/1.1\r\nHost: weir\r\n\r\n"));
  EXPECT_THAT(path.Receive().head, Not(HasSubstr("200 OK")));
  EXPECT_EQ(Client(server_->port()).Get("/small").body, "hello\n");
}

TEST_F(HttpServerTest, ClientsThatDoNotReadOrFinishKeepNobodyWaiting) {
  Start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<Client>(server_->port()));
    clients.back()->Send("GET /sma");
  }
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<Client>(server_->port()));
    clients.back()->Send("GET /large HTTP/1.1\r\nHost: weir\r\n\r\n");
  }
  const absl::Time began = MonotonicNow();
  EXPECT_EQ(Client(server_->port()).Get("/small").body, "hello\n");
  EXPECT_LT(MonotonicNow() - began, kSoon);
}

TEST_F(HttpServerTest, CutsOffWhoNeitherSendsNorReads) {
  HttpServer::Options options;
  options.first_timeout = absl::Seconds(1);
  options.timeout = absl::Seconds(1);
  Start(std::move(options));
  Client half(server_->port());
  half.Send("GET /sma");
  Client idle(server_->port());
  EXPECT_EQ(idle.Get("/small").body, "hello\n");
  EXPECT_TRUE(half.IsClosed());
  EXPECT_TRUE(idle.IsClosed());
}

TEST_F(HttpServerTest, RequestsThatAreNotFinishedHoldTheLastConnectionsForAMomentOnly) {
  HttpServer::Options options;
  options.threads = 1;
  options.max_connections = 4;
  options.first_timeout = absl::Seconds(1);
  Start(std::move(options));
  Client idle(server_->port());
  EXPECT_EQ(idle.Get("/small").body, "hello\n");
  std::vector<std::unique_ptr<Client>> half;
  for (int i = 0; i < 3; ++i) {
    half.push_back(std::make_unique<Client>(server_->port()));
    half.back()->Send("GET /sma");
  }
  EXPECT_EQ(Client(server_->port()).Get("/small").body, "hello\n");
  for (auto& client : half) EXPECT_TRUE(client->IsClosed());
  EXPECT_EQ(idle.Get("/small").body, "hello\n") << "it has time until the other timeout";
}

TEST_F(HttpServerTest, ObservesHowLongAnswersTook) {
  std::atomic<int> observed = 0;
  std::atomic<int> code = 503;
  HttpServer::Options options;
  options.routes["/observed"] = {
      .handler = [&](HttpResponse& response) { response.code = code; },
      .observe = [&](absl::Duration took) { observed += took > absl::ZeroDuration() ? 1 : 100; }};
  Start(std::move(options));
  Client client(server_->port());
  client.Get("/observed");
  EXPECT_EQ(observed, 0);
  code = 200;
  client.Get("/observed");
  EXPECT_EQ(observed, 1);
}

TEST_F(HttpServerTest, BoundsWhatSlowReadersHold) {
  HttpServer::Options options;
  options.max_unread_bytes = kLargeBytes + kLargeBytes / 2;
  Start(std::move(options));
  std::vector<std::unique_ptr<Client>> slow;
  Client quick(server_->port());
  Client::Answer answer;
  // The second one goes over the limit; nobody can tell when it has come that far.
  for (int i = 0; i < 2; ++i) {
    slow.push_back(std::make_unique<Client>(server_->port()));
    slow.back()->Send("GET /large HTTP/1.1\r\nHost: weir\r\n\r\n");
  }
  const absl::Time deadline = MonotonicNow() + kSoon;
  do {
    answer = quick.Get("/bounded");
  } while (answer.body == "hello\n" && MonotonicNow() < deadline);
  EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(quick.Get("/small").body, "hello\n") << "what is small is answered to all";
  slow.clear();
  do {
    answer = quick.Get("/bounded");
  } while (answer.body != "hello\n" && MonotonicNow() < deadline);
  EXPECT_EQ(answer.body, "hello\n");
}

TEST_F(HttpServerTest, ServesManyConnectionsAtOnce) {
  Start();
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      std::vector<std::unique_ptr<Client>> clients;
      for (int i = 0; i < 40; ++i) clients.push_back(std::make_unique<Client>(server_->port()));
      for (int round = 0; round < 5; ++round) {
        for (auto& client : clients) {
          client->Send("GET /small HTTP/1.1\r\nHost: weir\r\n\r\n");
        }
        for (auto& client : clients) answered += client->Receive().body == "hello\n";
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 8 * 40 * 5);
}

TEST_F(HttpServerTest, AHandlerThatTakesItsTimeKeepsNobodyElseWaiting) {
  absl::Notification begun;
  absl::Notification go_on;
  HttpServer::Options options;
  options.routes["/slow"].handler = [&](HttpResponse& response) {
    begun.Notify();
    go_on.WaitForNotificationWithTimeout(kSoon);
    response.body.Append("slow\n");
  };
  Start(std::move(options));
  Client slow(server_->port());
  slow.Send("GET /slow HTTP/1.1\r\nHost: weir\r\n\r\n");
  ASSERT_TRUE(begun.WaitForNotificationWithTimeout(kSoon));
  EXPECT_EQ(Client(server_->port()).Get("/small").body, "hello\n");
  go_on.Notify();
  EXPECT_EQ(slow.Receive().body, "slow\n");
}

TEST_F(HttpServerTest, EndsWithItsConnections) {
  Start();
  Client idle(server_->port());
  EXPECT_EQ(idle.Get("/small").body, "hello\n");
  Client half(server_->port());
  half.Send("GET /sma");
  Client unread(server_->port());
  unread.Send("GET /large HTTP/1.1\r\nHost: weir\r\n\r\n");
  const absl::Time began = MonotonicNow();
  server_ = nullptr;
  EXPECT_LT(MonotonicNow() - began, absl::Seconds(10));
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_TRUE(half.IsClosed());
  EXPECT_TRUE(unread.IsClosed());
}

TEST_F(HttpServerTest, SaysWhyItCannotListen) {
  Start();
  const auto taken = HttpServer::Create({.host = "127.0.0.1", .port = server_->port()});
  EXPECT_EQ(taken.status().message(), absl::StrCat("cannot listen on 127.0.0.1:", server_->port(),
                                                   ": Address already in use"));
  const auto unknown = HttpServer::Create({.host = "999.0.0.1", .port = 0});
  EXPECT_THAT(std::string(unknown.status().message()),
              StartsWith("cannot listen on 999.0.0.1:0: "));
}

}  // namespace
}  // namespace weir
