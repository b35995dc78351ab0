// Predictions beside the turn: the whole way of a request, with all threads that it meets, and
// without gRPC's library and torch, so that the thread sanitizer sees all of it.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/wire_reader.h"
#include "base/wire_writer.h"
#include "server/batching/batched_servable.h"
#include "server/batching/executor.h"
#include "server/http2/call_loop.h"
#include "server/http2/call_loop_fixture.h"
#include "server/http2/fake_client.h"
#include "server/model/model.h"
#include "server/model/repository.h"
#include "server/model/repository_fixture.h"
#include "server/rpc/methods.h"
#include "server/rpc/predict_call.h"
#include "server/rpc/prediction.h"
#include "server/rpc/request_gate.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

constexpr uint32_t kCancel = 8;  // HTTP/2's.

// Gives each row back.
class Mirror : public Model {
 public:
  absl::StatusOr<TensorBundle> Run(absl::Span<const TensorView> inputs) const override {
    return Bundle({{inputs[0].type,
                    {inputs[0].shape.begin(), inputs[0].shape.end()},
                    std::string(inputs[0].data)}});
  }
};

absl::StatusOr<std::unique_ptr<Model>> LoadMirror(const ModelSettings&, const std::string&) {
  return std::make_unique<Mirror>();
}

std::string Request(absl::string_view row) {
  WireWriter writer;
  {
    const WireWriter::Message model(writer, v1::PredictRequest::kModelFieldNumber);
    writer.Bytes(v1::ModelSpec::kNameFieldNumber, "mirror");
  }
  {
    const WireWriter::Message input(writer, v1::PredictRequest::kInputsFieldNumber);
    writer.PackedNumbers(v1::Tensor::kShapeFieldNumber, std::vector<int64_t>{1, 8});
    writer.Bytes(v1::Tensor::kDataFieldNumber, row);
  }
  return std::string(writer.bytes());
}

// The only row of a framed answer.
std::string RowOf(absl::string_view framed) {
  WireReader response(framed.substr(5));
  for (WireReader::Field field; response.Next(field);) {
    if (field.number != v1::PredictResponse::kOutputsFieldNumber) continue;
    WireReader output(field.bytes);
    for (WireReader::Field part; output.Next(part);) {
      if (part.number == v1::Tensor::kDataFieldNumber) return std::string(part.bytes);
    }
  }
  return "";
}

constexpr int kPollers = 3;
constexpr int64_t kEnough = 3000;  // Answers, until the server drains.

class PredictThreadsTest : public testing::Test {
 protected:
  PredictThreadsTest() {
    AddPredict(context_, methods_);
    loop_->Start(
        kPollers, [this](absl::string_view path) { return methods_.Make(path); },
        [this](absl::FunctionRef<void()> before) { return executor_.RunInline(before); });
  }

  ~PredictThreadsTest() override { loop_->Shutdown(); }

  std::unique_ptr<Repository> OpenAndLoad() {
    disk_.Write("mirror/config.pbtxt",
                "backend: 'pytorch' max_batch_size: 16"
                " input { name: 'x' data_type: TYPE_UINT8 dims: 8 }"
                " output { name: 'y' data_type: TYPE_UINT8 dims: 8 }");
    disk_.Write("mirror/1/model.pt", "model");
    std::unique_ptr<Repository> repository = *Repository::Open(
        {.root = disk_.root()},
        [this](ModelSettings settings, int64_t version, const std::string& path) {
          const BatchingOptions inline_whatever_it_takes = {
              .usable_cpus = 2, .pollers = kPollers, .inline_threshold = absl::Hours(1)};
          return MakeBatchedServable(executor_, inline_whatever_it_takes, std::move(settings),
                                     version, path, LoadMirror);
        });
    absl::Notification loaded;
    repository->Start([](const ModelStatus&) {},
                      [&](const absl::Status& status) {
                        EXPECT_TRUE(status.ok()) << status;
                        loaded.Notify();
                      });
    loaded.WaitForNotification();
    return repository;
  }

  // Sends requests and looks at their answers, until some are refused.
  void SendUntilDrained(int client_number) {
    constexpr int kAtOnce = 64;
    constexpr int kCancelled = 5;  // One of so many.
    SocketClient client(loop_->port());
    bool refused = false;
    for (int64_t round = 0; !refused; ++round) {
      const std::string row = absl::StrCat(1'000'000 + round, client_number);
      std::vector<int32_t> ids;
      for (int i = 0; i < kAtOnce; ++i) {
        ids.push_back(client.http().Start(FakeClient::Call("/weir.v1.Predictor/Predict"),
                                          FakeClient::Framed(Request(row)), /*end=*/true));
      }
      client.Write();
      // Wherever they are by now.
      for (int i = 0; i < kAtOnce; i += kCancelled) client.http().Reset(ids[i], kCancel);
      for (int i = 0; i < kAtOnce; ++i) {
        const FakeClient::Stream& stream = client.http().stream(ids[i]);
        ASSERT_TRUE(client.Until([&] { return stream.closed; }));
        if (i % kCancelled == 0) continue;
        if (stream.headers.count("grpc-status") > 0) {
          EXPECT_EQ(stream.headers.at("grpc-status"), "14");
          refused = true;
        } else {
          EXPECT_EQ(stream.trailers.at("grpc-status"), "0");
          EXPECT_EQ(RowOf(stream.body), row);
          if (++answered_ == kEnough) enough_.Notify();
        }
      }
    }
  }

  RepositoryOnDisk disk_;
  Executor executor_{2};
  const std::unique_ptr<Repository> repository_ = OpenAndLoad();
  RequestGate gate_{1 << 30};
  const std::unique_ptr<CallLoop> loop_ = *CallLoop::Listen({});
  const PredictionOptions options_;
  const PredictorContext context_{*loop_, *repository_, gate_, options_};
  Methods methods_;
  std::atomic<int64_t> answered_ = 0;
  absl::Notification enough_;
};

TEST_F(PredictThreadsTest, ManyRequestsAreAnsweredCancelledAndRefusedAtOnce) {
  constexpr int kClients = 3;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) clients.emplace_back([this, i] { SendUntilDrained(i); });
  EXPECT_TRUE(enough_.WaitForNotificationWithTimeout(kPatience));
  gate_.Close();
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(gate_.AwaitEmpty(kPatience));
}

}  // namespace
}  // namespace weir
