// A session with a client at its other end, and calls that note what happens to them.
#ifndef WEIR_SERVER_HTTP2_SERVER_SESSION_FIXTURE_H_
#define WEIR_SERVER_HTTP2_SERVER_SESSION_FIXTURE_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/http2/fake_client.h"
#include "server/http2/server_call.h"
#include "server/http2/server_session.h"

namespace weir {

class RecordedCall final : public ServerCall {
 public:
  void OnOpen() override {
    ++opened;
    if (on_open) on_open(*this);
  }
  bool OnMessage(absl::string_view message) override {
    EXPECT_FALSE(paused());
    messages.emplace_back(message);
    if (on_message) on_message(*this);
    return true;
  }
  bool OnHalfClose() override {
    ++half_closed;
    if (on_half_close) on_half_close(*this);
    return true;
  }
  void OnSent() override { ++sent; }
  void OnClosed() override {
    ++closed;
    EXPECT_FALSE(open());
  }

  std::function<void(RecordedCall&)> on_open, on_message, on_half_close;
  std::vector<std::string> messages;
  int opened = 0;
  int half_closed = 0;
  int sent = 0;
  int closed = 0;
};

class ServerSessionFixture : public ::testing::Test {
 protected:
  static constexpr char kPath[] = "/weir.Test/Echo";
  static constexpr size_t kLimit = 1 << 20;

  // One connection; `piece` is how much the server gets at once.
  struct Connection {
    explicit Connection(ServerSessionFixture& test,
                        std::vector<nghttp2_settings_entry> settings = {})
        : client(std::move(settings)),
          session(test.options_, test.partial_bytes_, [this] { ++outputs; }) {
      Exchange();
    }

    // Until nobody has anything to say.
    void Exchange() {
      while (status.ok()) {
        std::string output;
        status = session.TakeOutput(output, kLimit);
        EXPECT_TRUE(client.Receive(output));
        const std::string input = client.Output();
        if (output.empty() && input.empty()) return;
        for (size_t at = 0; at < input.size() && status.ok(); at += piece) {
          Receive(absl::string_view(input).substr(at, piece));
        }
      }
    }

    void Receive(absl::string_view bytes) {
      const absl::StatusOr<bool> received = session.Receive(bytes);
      status = received.status();
      submitted |= received.ok() && *received;
    }

    // What is answered to the call with these headers.
    FakeClient::Stream& Answer(const FakeClient::Headers& headers, std::string body = "",
                               bool end = true) {
      const int32_t id = client.Start(headers, std::move(body), end);
      Exchange();
      return client.stream(id);
    }

    FakeClient client;
    int outputs = 0;
    ServerSession session;
    size_t piece = kLimit;
    absl::Status status;
    bool submitted = false;
  };

  ServerSessionFixture() {
    options_.make_call = [this](absl::string_view path) -> ServerCall* {
      if (path != kPath) return nullptr;
      RecordedCall& call = calls_.emplace_back();
      call.on_open = on_open_;
      call.on_message = on_message_;
      call.on_half_close = on_half_close_;
      return &call;
    };
    options_.max_message_bytes = 1 << 20;
  }

  ~ServerSessionFixture() override {
    connection_ = nullptr;
    for (const RecordedCall& call : calls_) {
      EXPECT_EQ(call.opened, 1);
      EXPECT_EQ(call.closed, 1);
    }
    EXPECT_EQ(partial_bytes_, 0);
  }

  // The connection of tests that need one.
  Connection& connection() {
    if (connection_ == nullptr) connection_ = std::make_unique<Connection>(*this);
    return *connection_;
  }
  FakeClient& client() { return connection().client; }
  void Exchange() { connection().Exchange(); }

  // What calls shall do from now on.
  void Echo() {
    on_message_ = [](RecordedCall& call) { call.Send(FakeClient::Framed(call.messages.back())); };
    on_half_close_ = [](RecordedCall& call) { call.Finish(absl::OkStatus()); };
  }
  void EndWith(const absl::Status& status) {
    on_half_close_ = [status](RecordedCall& call) { call.Finish(status); };
  }

  ServerSession::Options options_;
  int64_t partial_bytes_ = 0;
  std::function<void(RecordedCall&)> on_open_, on_message_, on_half_close_;
  std::deque<RecordedCall> calls_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_SERVER_SESSION_FIXTURE_H_
