// Drains and shutdowns while callers of every kind do what they like.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "grpcpp/impl/codegen/rpc_method.h"
#include "grpcpp/support/sync_stream.h"
#include "server/rpc/rpc_fixture.h"
#include "server/stats/decoded_push.h"
#include "server/stats/recorder.h"
#include "weir/v1/diagnostics.grpc.pb.h"

namespace weir {
namespace {

// Evenly out of 0 to `bound` - 1.
class Random {
 public:
  explicit Random(int seed) : generator_(seed + 1) {}
  int operator()(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(generator_); }

 private:
  std::minstd_rand generator_;
};

// Answers at once, or later on one of two threads, in no particular order.
class RestlessServable : public PromptServable {
 public:
  RestlessServable(ModelSettings settings, VersionStats& stats)
      : PromptServable(std::move(settings), &stats) {
    for (int i = 0; i < 2; ++i) {
      workers_.emplace_back([this, i] { Run(Random(i)); });
    }
  }

  ~RestlessServable() override {
    {
      absl::MutexLock lock(&mu_);
      stopping_ = true;
    }
    for (std::thread& worker : workers_) worker.join();
  }

  void Submit(Task& task) override ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      if (++submitted_ % 4 != 0) {
        tasks_.push_back(&task);
        return;
      }
    }
    AnswerNow(task);
  }

  // False if so many tasks do not come.
  bool AwaitSubmitted(int64_t count) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return submitted_ >= count; };
    return mu_.AwaitWithTimeout(absl::Condition(&enough), kPatience);
  }

 private:
  static void AnswerNow(Task& task) {
    static const auto* const large = new std::string(100'000, 'z');
    static constexpr int64_t kShape[] = {1, 100'000};
    if (*task.cancelled) {
      task.Done(absl::CancelledError());
    } else if (task.priority == 2) {
      task.Done(
          TaskResult{.outputs = {{v1::TYPE_UINT8, kShape, *large}}, .model_ended = MonotonicNow()});
    } else {
      task.Done(TwoResults());
    }
  }

  void Run(Random random) ABSL_LOCKS_EXCLUDED(mu_) {
    while (true) {
      Task* task = nullptr;
      {
        absl::MutexLock lock(&mu_);
        const auto any = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
          return stopping_ || !tasks_.empty();
        };
        mu_.Await(absl::Condition(&any));
        if (tasks_.empty()) return;
        std::swap(tasks_.front(), tasks_[random(static_cast<int>(tasks_.size()))]);
        task = tasks_.front();
        tasks_.pop_front();
      }
      AnswerNow(*task);
    }
  }

  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int64_t submitted_ ABSL_GUARDED_BY(mu_) = 0;
  std::deque<Task*> tasks_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> workers_;
};

// What callers and the test share.
struct Scene {
  std::shared_ptr<grpc::Channel> channel;
  std::atomic<bool> draining = false;   // Set before the drain begins.
  std::atomic<bool> over = false;       // After the shutdown.
  std::atomic<int64_t> sent = 0;        // Requests to predict, or what comes in their place.
  std::atomic<int64_t> predicted = 0;   // Of these, answered with OK; not all that were.
  std::atomic<int64_t> answered = 0;    // Calls and requests of streams.
  absl::Notification first_answer;      // One is answered.
  std::atomic<int64_t> cancelled = 0;   // By the server, though they came before the drain.
  std::atomic<int64_t> unexpected = 0;  // Answers that no caller should get.
};

void NoteAnswer(Scene& scene) {
  if (++scene.answered == 1) scene.first_answer.Notify();
}

v1::PredictRequest SomeRequest(Scene& scene, Random& random) {
  ++scene.sent;
  v1::PredictRequest request = TwoRows(absl::StrCat("r", random(1000)));
  request.set_priority(random(8) == 0 ? 2 : 1);  // The model answers with much.
  return request;
}

// Whether to go on, after a call that began before the drain or later.
bool Note(Scene& scene, const grpc::Status& status, bool before_drain) {
  if (status.ok()) {
    NoteAnswer(scene);
    return true;
  }
  if (status.error_code() == grpc::StatusCode::CANCELLED) {
    if (before_drain) ++scene.cancelled;
  } else if (status.error_code() != grpc::StatusCode::UNAVAILABLE) {
    ++scene.unexpected;
  }
  return false;
}

void CallOneByOne(Scene& scene, Random random) {
  const auto stub = v1::Predictor::NewStub(scene.channel);
  bool go_on = true;
  while (go_on && !scene.over) {
    const bool before_drain = !scene.draining;
    TestContext context;
    v1::PredictResponse response;
    const grpc::Status status = stub->Predict(&context, SomeRequest(scene, random), &response);
    if (status.ok()) ++scene.predicted;
    go_on = Note(scene, status, before_drain);
  }
}

void Echo(Scene& scene, Random random) {
  const auto stub = v1::Diagnostics::NewStub(scene.channel);
  bool go_on = true;
  while (go_on && !scene.over) {
    const bool before_drain = !scene.draining;
    TestContext context;
    v1::EchoRequest request;
    request.set_answer_bytes(random(1000));
    v1::EchoResponse response;
    go_on = Note(scene, stub->Echo(&context, request, &response), before_drain);
  }
}

// Streams whose every request that was sent before the drain is answered, one way or the other.
void Stream(Scene& scene, Random random) {
  const auto stub = v1::Predictor::NewStub(scene.channel);
  bool go_on = true;
  while (go_on && !scene.over) {
    const bool before_drain = !scene.draining;
    TestContext context;
    const auto stream = stub->PredictStream(&context);
    const int requests = random(50);
    std::thread writer([&scene, &stream, &random, requests] {
      for (int i = 0; i < requests; ++i) {
        if (!stream->Write(SomeRequest(scene, random))) return;
      }
      stream->WritesDone();
    });
    int answers = 0;
    v1::PredictStreamResponse answer;
    while (stream->Read(&answer)) {
      ++answers;
      if (answer.has_response()) {
        NoteAnswer(scene);
        ++scene.predicted;
      } else if (answer.error().code() != grpc::StatusCode::UNAVAILABLE) {
        ++scene.unexpected;
      }
    }
    writer.join();
    const grpc::Status status = stream->Finish();
    if (status.ok() && answers != requests) ++scene.unexpected;
    go_on = Note(scene, status, before_drain);
  }
}

// Everything that a well-behaved caller does not do.
void Misbehave(Scene& scene, Random random) {
  const auto stub = v1::Predictor::NewStub(scene.channel);
  while (!scene.over) {
    TestContext context(random(4) == 0 ? absl::Milliseconds(random(5)) : kPatience);
    if (random(4) == 0) {
      context.AddMetadata("weir-delay-ms", random(2) == 0 ? absl::StrCat(random(5)) : "59000");
    }
    const int kind = random(4);
    if (kind == 0) {  // Goes away.
      grpc::CompletionQueue queue;
      const auto call = stub->AsyncPredict(&context, SomeRequest(scene, random), &queue);
      v1::PredictResponse response;
      grpc::Status status;
      call->Finish(&response, &status, nullptr);
      context.TryCancel();
      void* tag = nullptr;
      bool ok = false;
      queue.Next(&tag, &ok);
    } else if (kind == 1) {  // Reads little and goes away.
      const auto stream = stub->PredictStream(&context);
      for (int i = random(20); i > 0 && stream->Write(SomeRequest(scene, random)); --i) {
      }
      context.TryCancel();
      stream->Finish();
    } else {  // Sends no request, as a call or on a stream.
      using Factory = grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>;
      const char* const method =
          kind == 2 ? "/weir.v1.Predictor/Predict" : "/weir.v1.Predictor/PredictStream";
      const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
          Factory::Create(
              scene.channel.get(),
              grpc::internal::RpcMethod(method, grpc::internal::RpcMethod::BIDI_STREAMING),
              &context));
      if (random(2) == 0) {
        ++scene.sent;
        stream->Write(Bytes("no message"));
      }
      stream->WritesDone();
      grpc::ByteBuffer answer;
      while (stream->Read(&answer)) {
      }
      stream->Finish();
    }
  }
}

class DrainTest : public testing::TestWithParam<int> {
 protected:
  DrainTest()
      : server_({.prediction = {.fault_injection = true, .recorder = recorder_.get()},
                 .streams = {.max_in_flight = 8},
                 .make_model = [this](ModelSettings settings) {
                   return model_ = std::make_shared<RestlessServable>(std::move(settings), stats_);
                 }}) {
    scene_.channel = server_.NewChannel();
    int seed = GetParam() * 10;
    for (const auto caller : {CallOneByOne, CallOneByOne, Echo, Stream, Stream, Misbehave}) {
      callers_.emplace_back(caller, std::ref(scene_), Random(++seed));
    }
    EXPECT_TRUE(model_->AwaitSubmitted(100 + Random(seed)(300)));
    // All of those may come from the one caller that waits for no answer.
    EXPECT_TRUE(scene_.first_answer.WaitForNotificationWithTimeout(kPatience));
    scene_.draining = true;
  }

  void Shutdown() {
    server_.Shutdown();
    scene_.over = true;
    for (std::thread& caller : callers_) caller.join();
    EXPECT_EQ(scene_.unexpected, 0);
    ExpectExactCounts();
  }

  // Whatever became of requests: answered OK <= counted OK, and counted <= sent.
  void ExpectExactCounts() {
    v1::PushRequest push;
    recorder_->FillPush(push);
    double ok = 0;
    double all = 0;
    const DecodedPush counted(push);
    for (const auto& [key, series] : counted.series()) {
      if (!absl::StartsWith(key, "weir_requests_total")) continue;
      all += series.value;
      if (absl::EndsWith(key, ",OK}")) ok += series.value;
    }
    EXPECT_GE(ok, scene_.predicted);
    EXPECT_LE(all, scene_.sent);
    EXPECT_EQ(stats_.in_flight(), 0);
  }

  const std::unique_ptr<Recorder> recorder_ = *Recorder::Create({.replica = "r", .shards = 2});
  VersionStats& stats_ = recorder_->ForVersion({.model = "m", .version = 2, .max_batch_rows = 4});
  Scene scene_;
  std::shared_ptr<RestlessServable> model_;
  RpcServer server_;
  std::vector<std::thread> callers_;
};

TEST_P(DrainTest, ADrainCancelsNothingThatCameBeforeIt) {
  server_.Refuse();
  EXPECT_TRUE(server_.AwaitEmpty());
  // There is none, for some callers do not take no for an answer.
  server_.gate().AwaitSilence(absl::Milliseconds(100), absl::Milliseconds(250));
  Shutdown();
  EXPECT_EQ(scene_.cancelled, 0);
}

TEST_P(DrainTest, AShutdownEndsWhateverIsUnderWay) { Shutdown(); }

INSTANTIATE_TEST_SUITE_P(Rounds, DrainTest, testing::Range(0, 30));

}  // namespace
}  // namespace weir
