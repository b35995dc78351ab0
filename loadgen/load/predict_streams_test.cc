// Streams as the loop uses them.
#include "loadgen/load/predict_streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "base/clock.h"
#include "loadgen/load/fake_predictor.h"
#include "loadgen/load/load_loop.h"
#include "loadgen/load/recorded_traffic.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

using testing::ElementsAre;

const CallMethod& PredictStream() {
  static const CallMethod& method = *new CallMethod{"/weir.v1.Predictor/PredictStream", {}};
  return method;
}

// The serialised request for a model of FakePredictor.
absl::string_view RequestFor(const std::string& model) {
  static std::map<std::string, std::string>& requests = *new std::map<std::string, std::string>;
  std::string& bytes = requests[model];
  if (bytes.empty()) {
    v1::PredictRequest request;
    request.mutable_model()->set_name(model);
    bytes = request.SerializeAsString();
  }
  return bytes;
}

class PredictStreamsTest : public testing::Test {
 protected:
  PredictStreamsTest() { Connect(1); }

  void Connect(int connections) {
    const auto target = client_.AddTarget(server_->address(), connections, absl::Seconds(10));
    EXPECT_TRUE(target.ok()) << target.status();
    target_ = target.value_or(0);
  }

  // Sends a request for each of `models`, all at once, and waits for the ends.
  void Send(const std::vector<std::string>& models, absl::Duration timeout = absl::Seconds(20)) {
    models_ = models;
    traffic_.emplace([this, timeout](uint64_t n) {
      return Shot{.target = target_,
                  .method = &PredictStream(),
                  .message = RequestFor(models_[n]),
                  .timeout = timeout,
                  .stream = true};
    });
    const auto pacer = Replay(std::vector<absl::Duration>(models.size()));
    loop_.RunOpen(*pacer, MonotonicNow(), absl::InfiniteFuture(), *traffic_);
    while (loop_.in_flight() > 0) {
      // A run without a request: it waits until something happens.
      const auto none = Replay({});
      loop_.RunOpen(*none, MonotonicNow(), MonotonicNow() + absl::Milliseconds(1), *traffic_);
    }
  }

  // The codes, in the order in which the requests were sent.
  std::vector<absl::StatusCode> Codes() const {
    std::vector<absl::StatusCode> codes(models_.size(), absl::StatusCode::kUnknown);
    EXPECT_EQ(traffic_->ended.size(), models_.size());
    for (const auto& ended : traffic_->ended) codes[ended.tag] = ended.status.code();
    return codes;
  }

  std::unique_ptr<FakePredictor> server_ = std::make_unique<FakePredictor>();
  CallClient client_;
  LoadLoop loop_{client_};
  int target_ = 0;
  std::vector<std::string> models_;
  std::optional<RecordedTraffic> traffic_;
};

constexpr auto kOk = absl::StatusCode::kOk;

TEST_F(PredictStreamsTest, EachRequestGetsItsOwnAnswerWhateverTheirOrder) {
  Send({"hold", "answer", "refuse", "hold", "refuse"});
  constexpr auto kFull = absl::StatusCode::kResourceExhausted;
  EXPECT_THAT(Codes(), ElementsAre(kOk, kOk, kFull, kOk, kFull));
  for (const auto& ended : traffic_->ended) {
    if (!ended.status.ok()) continue;
    v1::PredictResponse response;
    ASSERT_TRUE(response.ParseFromString(ended.response));
    EXPECT_EQ(response.model().name(), models_[ended.tag]);
  }
  EXPECT_EQ(server_->streams(), 1);
}

TEST_F(PredictStreamsTest, ManyRequestsGoOverOneStreamForEachConnection) {
  Connect(3);
  Send(std::vector<std::string>(3000, "answer"));
  EXPECT_THAT(Codes(), testing::Each(kOk));
  EXPECT_EQ(server_->streams(), 3);
}

TEST_F(PredictStreamsTest, RequestsOfOtherMetadataGoOverAnotherStream) {
  const CallMethod other = {PredictStream().path, {{"weir-delay-ms", "5"}}};
  RecordedTraffic traffic([&](uint64_t n) {
    return Shot{.method = n == 0 ? &PredictStream() : &other,
                .message = RequestFor("answer"),
                .stream = true};
  });
  const auto pacer = Replay(std::vector<absl::Duration>(4));
  loop_.RunOpen(*pacer, MonotonicNow(), absl::InfiniteFuture(), traffic);
  loop_.Drain(absl::InfiniteFuture());
  EXPECT_EQ(traffic.ended.size(), 4U);
  EXPECT_EQ(server_->streams(), 2);
}

TEST_F(PredictStreamsTest, TheServerIsToldHowLongAnAnswerIsOfUse) {
  Send({"answer"}, absl::Seconds(7));
  EXPECT_GT(server_->last_timeout_us(), 5'000'000);
  EXPECT_LE(server_->last_timeout_us(), 7'000'000);
}

TEST_F(PredictStreamsTest, WhatIsNotAnsweredInTimeEndsAndItsLateAnswerIsNobodys) {
  Send({"hold", "hold"}, absl::Milliseconds(20));
  constexpr auto kLate = absl::StatusCode::kDeadlineExceeded;
  EXPECT_THAT(Codes(), ElementsAre(kLate, kLate));
  for (const auto& ended : traffic_->ended) EXPECT_FALSE(IsAnswer(ended.status));
  // Takes their places, and makes the server answer all three.
  Send({"refuse", "answer", "refuse"});
  constexpr auto kFull = absl::StatusCode::kResourceExhausted;
  EXPECT_THAT(Codes(), ElementsAre(kFull, kOk, kFull));
  EXPECT_EQ(server_->streams(), 1);
}

TEST_F(PredictStreamsTest, AStreamThatEndsEndsItsRequestsAndTheNextBeginsANewOne) {
  Send({"hold", "end"});
  constexpr auto kInternal = absl::StatusCode::kInternal;
  EXPECT_THAT(Codes(), ElementsAre(kInternal, kInternal));
  EXPECT_EQ(traffic_->ended[0].status.message(), "the model failed");
  Send({"hold", "finish"});
  constexpr auto kUnavailable = absl::StatusCode::kUnavailable;
  EXPECT_THAT(Codes(), ElementsAre(kUnavailable, kUnavailable));
  Send({"answer"});
  EXPECT_THAT(Codes(), ElementsAre(kOk));
  EXPECT_EQ(server_->streams(), 3);
}

TEST_F(PredictStreamsTest, AnAnswerThatNobodyAskedForEndsTheStream) {
  Send({"hold", "forge"});
  constexpr auto kInternal = absl::StatusCode::kInternal;
  EXPECT_THAT(Codes(), ElementsAre(kInternal, kInternal));
  EXPECT_THAT(std::string(traffic_->ended[0].status.message()),
              testing::HasSubstr("request_id \"nobody\""));
  Send({"answer"});
  EXPECT_THAT(Codes(), ElementsAre(kOk));
}

TEST_F(PredictStreamsTest, AServerThatDiesEndsWhatItWasSent) {
  Send({"answer"});
  server_.reset();
  Send({"answer", "answer"});
  constexpr auto kUnavailable = absl::StatusCode::kUnavailable;
  EXPECT_THAT(Codes(), ElementsAre(kUnavailable, kUnavailable));
}

TEST_F(PredictStreamsTest, WhatTheServerDidNotReadInTimeIsNotSentLater) {
  Send({"answer"});
  // An id that another one comes after, which counts.
  v1::PredictRequest large;
  large.mutable_model()->set_name("answer");
  large.set_request_id(std::string(1 << 20, 'x'));
  const std::string message = large.SerializeAsString();
  constexpr uint64_t kRequests = 100;
  RecordedTraffic traffic([&](uint64_t n) {
    return Shot{.target = target_,
                .method = &PredictStream(),
                .message = n == 0 ? RequestFor("stall") : message,
                .timeout = absl::Milliseconds(100),
                .stream = true};
  });
  const auto pacer = Replay(std::vector<absl::Duration>(kRequests));
  loop_.RunOpen(*pacer, MonotonicNow(), absl::InfiniteFuture(), traffic);
  while (loop_.in_flight() > 0) {
    const auto none = Replay({});
    loop_.RunOpen(*none, MonotonicNow(), MonotonicNow() + absl::Milliseconds(1), traffic);
  }
  ASSERT_EQ(traffic.ended.size(), kRequests);
  for (const auto& ended : traffic.ended) {
    EXPECT_EQ(ended.status.code(), absl::StatusCode::kDeadlineExceeded);
  }
  server_->Resume();
  Send({"answer"});
  EXPECT_THAT(Codes(), ElementsAre(kOk));
  // What windows and sockets hold was on its way.
  EXPECT_LT(server_->requests_on_streams(), 50);
  EXPECT_EQ(server_->streams(), 1);
}

// One of this process's sockets that are connected to a port is shut.
void ShutOneConnectionTo(int port) {
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in peer = {};
    socklen_t size = sizeof(peer);
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != port) continue;
    shutdown(fd, SHUT_RDWR);
    return;
  }
  FAIL() << "no connection";
}

TEST_F(PredictStreamsTest, RequestsGoOverTheConnectionsThatStand) {
  server_ = std::make_unique<FakePredictor>();
  Connect(2);
  Send({"answer", "answer"});
  EXPECT_EQ(server_->streams(), 2);
  int port = 0;
  ASSERT_TRUE(absl::SimpleAtoi(server_->address().substr(server_->address().find(':') + 1), &port));
  ShutOneConnectionTo(port);
  while (client_.connected(target_, 0) && client_.connected(target_, 1)) {
    client_.Poll(absl::InfiniteFuture());
  }
  Send({"answer", "answer", "answer", "answer"});
  EXPECT_THAT(Codes(), testing::Each(kOk));
}

TEST_F(PredictStreamsTest, DrainTellsTheServerThatNothingMoreComes) {
  Send({"answer", "answer"});
  loop_.Drain(absl::InfiniteFuture());
  EXPECT_EQ(server_->streams_that_were_finished(), 1);
  EXPECT_EQ(client_.open_calls(), 0);
}

TEST_F(PredictStreamsTest, DrainCancelsWhatIsNotAnswered) {
  RecordedTraffic traffic([&](uint64_t) {
    return Shot{.method = &PredictStream(),
                .message = RequestFor("hold"),
                .timeout = absl::InfiniteDuration(),
                .stream = true};
  });
  loop_.RunClosed(3, MonotonicNow() + absl::Milliseconds(10), traffic);
  loop_.Drain(MonotonicNow());
  ASSERT_EQ(traffic.ended.size(), 3U);
  for (const auto& ended : traffic.ended) {
    EXPECT_EQ(ended.status.code(), absl::StatusCode::kCancelled);
  }
  EXPECT_EQ(client_.open_calls(), 0);
}

}  // namespace
}  // namespace weir
