// Two models on one server: neither starves when the other has more than it can do.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "grpcpp/create_channel.h"
#include "tests/serving_fixture.h"
#include "weir/v1/predictor.grpc.pb.h"

namespace weir {
namespace {

// Callers that never stop asking for a model, each with one request in flight, on a connection of
// their own.
class Flood {
 public:
  Flood(const RunningServer& server, const std::string& model, int callers) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel =
        grpc::CreateCustomChannel(server.address(), grpc::InsecureChannelCredentials(), arguments);
    for (int i = 0; i < callers; ++i) {
      threads_.emplace_back([this, channel, model] {
        const auto stub = v1::Predictor::NewStub(channel);
        const v1::PredictRequest request = BlankImage(model);
        while (!stop_) {
          grpc::ClientContext context;
          v1::PredictResponse response;
          ++(stub->Predict(&context, request, &response).ok() ? answered_ : failed_);
        }
      });
    }
  }

  ~Flood() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  int answered() const { return answered_; }
  int failed() const { return failed_; }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<int> answered_ = 0;
  std::atomic<int> failed_ = 0;
  std::vector<std::thread> threads_;
};

class FairnessTest : public testing::Test {
 protected:
  FairnessTest()
      : server_({absl::StrCat("--model_repository=", kShippedModels),
                 "--models=fashion-fast,fashion-accurate"}) {}

  void SetUp() override {
    ASSERT_TRUE(server_.WaitUntilReady("fashion-fast")) << server_.process().output();
    ASSERT_TRUE(server_.WaitUntilReady("fashion-accurate")) << server_.process().output();
  }

  // The latencies of requests that come one after the other, ascending. All are answered.
  std::vector<absl::Duration> Latencies(const std::string& model, int requests) {
    std::vector<absl::Duration> latencies;
    for (int i = 0; i < requests; ++i) {
      v1::PredictResponse response;
      const absl::Time start = MonotonicNow();
      const grpc::Status status = server_.Predict(BlankImage(model), &response);
      latencies.push_back(MonotonicNow() - start);
      EXPECT_TRUE(status.ok()) << status.error_message();
    }
    std::sort(latencies.begin(), latencies.end());
    return latencies;
  }

  RunningServer server_;
};

TEST_F(FairnessTest, ASmallModelIsAnsweredInTimeWhileALargeOneIsFlooded) {
  const Flood flood(server_, "fashion-accurate", 32);
  const std::vector<absl::Duration> latencies = Latencies("fashion-fast", 200);
  // Behind what waits for the large model it would be ten times that.
  EXPECT_LT(latencies[latencies.size() / 2], absl::Milliseconds(15));
  EXPECT_GT(flood.answered(), 0);
  EXPECT_EQ(flood.failed(), 0);
}

TEST_F(FairnessTest, ALargeModelIsAnsweredWhileASmallOneIsFlooded) {
  const Flood flood(server_, "fashion-fast", 32);
  const std::vector<absl::Duration> latencies = Latencies("fashion-accurate", 100);
  // Alone it takes one to two; half of the processors and the callers' work make it some more.
  EXPECT_LT(latencies[latencies.size() / 2], absl::Milliseconds(40));
  EXPECT_GT(flood.answered(), 1000);
  EXPECT_EQ(flood.failed(), 0);
}

}  // namespace
}  // namespace weir
