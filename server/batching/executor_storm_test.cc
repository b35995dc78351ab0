// Many threads and requests, of all kinds at once: each request is answered, and the counts add up.
#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/batching/executor.h"
#include "server/batching/test_lane.h"
#include "server/batching/test_request.h"

namespace weir {
namespace {

constexpr int kWorkers = 2;

// Returns when every batch that a worker had begun before is booked.
void AwaitWorkers(Executor& executor) {
  TestLane gate(executor, {.max_batch_rows = 1, .lane = {.instances = kWorkers}});
  std::deque<TestRequest> requests;
  std::vector<Puppeteer::Batch> batches;
  for (int i = 0; i < kWorkers; ++i) gate.Submit(requests.emplace_back("g"));
  for (int i = 0; i < kWorkers; ++i) batches.push_back(gate.puppet.Next());
  for (Puppeteer::Batch& batch : batches) batch.End();
}

TEST(ExecutorStormTest, TwoThreadsThatRunOneLaneOfOneInstanceLoseNothing) {
  constexpr int kRequests = 2000;
  Executor executor(kWorkers);
  TestLane lane(executor, {.max_batch_rows = 2, .lane = {.run_inline = true}});
  lane.puppet.Release();
  std::deque<TestRequest> requests[2];
  std::vector<std::thread> pollers;
  for (std::deque<TestRequest>& own : requests) {
    pollers.emplace_back([&] {
      for (int i = 0; i < kRequests; ++i) lane.SubmitAndRun(own.emplace_back("a"));
    });
  }
  for (std::thread& poller : pollers) poller.join();
  // Both have gone, so nothing else will run what is left.
  for (const std::deque<TestRequest>& own : requests) {
    for (const TestRequest& request : own) ASSERT_TRUE(request.IsAnswered());
  }
}

// Keeps the thread busy, as a model does, so that queues form.
void Work(absl::Duration time) {
  const absl::Time end = MonotonicNow() + time;
  while (MonotonicNow() < end) {
  }
}

class Storm {
 public:
  Storm(Executor& executor, std::vector<TestLane::Options> lanes) {
    for (TestLane::Options& options : lanes) {
      lanes_.push_back(std::make_unique<TestLane>(executor, std::move(options)));
      lanes_.back()->puppet.Release([](const std::vector<Tensor>& inputs) -> Puppeteer::Outputs {
        Work(absl::Microseconds(20));
        if (inputs[0].data.find('x') != std::string::npos) return absl::InternalError("x");
        return inputs;
      });
    }
  }

  // Sends `requests` from each of `threads`, and waits for their answers. Nobody else runs what the
  // threads leave behind.
  void Send(int threads, int requests) {
    const size_t first = sent_.size();
    for (int i = 0; i < threads; ++i) sent_.emplace_back();
    std::vector<std::thread> running;
    for (size_t i = first; i < sent_.size(); ++i) {
      running.emplace_back([this, i, requests] { SendSome(i, requests, sent_[i]); });
    }
    for (std::thread& thread : running) thread.join();
    for (size_t i = first; i < sent_.size(); ++i) {
      for (const Sent& sent : sent_[i]) sent.request.Wait();
    }
  }

  void CheckAnswers() const {
    for (const std::deque<Sent>& of_thread : sent_) {
      for (const Sent& sent : of_thread) {
        const std::string& text = sent.request.tensors()[0].data;
        const TestRequest::Answer answer = sent.request.Wait();
        if (answer.status.ok()) {
          EXPECT_EQ(answer.outputs[0].data, text);
        } else if (absl::IsInternal(answer.status)) {
          EXPECT_NE(text.find('x'), std::string::npos) << text;
        }
      }
    }
  }

  void CheckCounts() const {
    for (const auto& lane : lanes_) {
      std::map<absl::StatusCode, int64_t> rows;
      int64_t all = 0;
      for (const std::deque<Sent>& of_thread : sent_) {
        for (const Sent& sent : of_thread) {
          if (sent.lane != lane.get()) continue;
          const int64_t own = sent.request.tensors()[0].shape[0];
          rows[sent.request.Wait().status.code()] += own;
          all += own;
        }
      }
      const ServableCounts counts = lane->counts();
      EXPECT_EQ(counts.queued_rows, 0);
      EXPECT_EQ(all, counts.executed_rows + counts.queue_full_rows +
                         counts.unreachable_deadline_rows + counts.expired_rows +
                         counts.cancelled_rows);
      EXPECT_EQ(rows[absl::StatusCode::kResourceExhausted],
                counts.queue_full_rows + counts.unreachable_deadline_rows);
      // What expired or was cancelled after its batch failed was executed nevertheless.
      EXPECT_EQ(rows[absl::StatusCode::kDeadlineExceeded] + rows[absl::StatusCode::kCancelled] +
                    rows[absl::StatusCode::kInternal],
                counts.expired_rows + counts.cancelled_rows + counts.failed_rows);
      EXPECT_GE(counts.failed_rows, rows[absl::StatusCode::kInternal]);
      EXPECT_GT(rows[absl::StatusCode::kOk], 0);
    }
  }

 private:
  struct Sent {
    template <typename... Args>
    explicit Sent(TestLane* lane, Args&&... args)
        : lane(lane), request(std::forward<Args>(args)...) {}

    TestLane* lane;
    TestRequest request;
  };

  void SendSome(size_t seed, int requests, std::deque<Sent>& sent) {
    std::mt19937 random(seed);
    const auto below = [&random](int end) {
      return std::uniform_int_distribution<int>(0, end - 1)(random);
    };
    const auto one_in = [&below](int n) { return below(n) == 0; };
    for (int i = 0; i < requests; ++i) {
      TestLane* const lane = lanes_[below(static_cast<int>(lanes_.size()))].get();
      std::string text(1 + below(3), static_cast<char>('a' + below(20)));
      if (one_in(40)) text[0] = 'x';
      TestRequestOptions options{.priority = static_cast<uint32_t>(below(4))};
      if (one_in(3)) {
        options.deadline = MonotonicNow() + absl::Microseconds(below(2000) - 100);
      }
      TestRequest& request = sent.emplace_back(lane, text, options).request;
      if (one_in(20)) request.Cancel();
      lane->SubmitAndRun(request);
      if (one_in(10)) request.Cancel();
      if (one_in(10)) sent[below(i + 1)].request.Wait();
    }
  }

  std::vector<std::unique_ptr<TestLane>> lanes_;
  std::deque<std::deque<Sent>> sent_;
};

TEST(ExecutorStormTest, EveryRequestIsAnsweredAndTheCountsAddUp) {
  const BatchingSettings small_queue{.levels = {{.max_rows = 12}, {.max_rows = 12}}};
  const BatchingSettings patient{.preferred_rows = {2, 4},
                                 .max_delay = absl::Microseconds(300),
                                 .levels = {{.max_rows = 30, .delay_on_timeout = true},
                                            {.default_timeout = absl::Microseconds(500)}}};
  const std::vector<BatchTime> measured = {{1, absl::Microseconds(2)}, {4, absl::Microseconds(4)}};
  Executor executor(kWorkers);
  Storm storm(
      executor,
      {{.max_batch_rows = 4, .batching = small_queue, .lane = {.instances = 2}},
       {.max_batch_rows = 4, .weight = 5, .batching = patient, .measured = measured},
       {.max_batch_rows = 0, .measured = measured},
       {.max_batch_rows = 4, .measured = measured, .lane = {.run_inline = true, .instances = 2}},
       {.max_batch_rows = 4, .weight = 1e-9, .lane = {.run_inline = true}},
       {.max_batch_rows = 4, .weight = 1e-9, .lane = {.run_inline = true, .instances = 2}}});
  for (int round = 0; round < 200; ++round) storm.Send(/*threads=*/4, /*requests=*/30);
  AwaitWorkers(executor);
  storm.CheckAnswers();
  storm.CheckCounts();
}

}  // namespace
}  // namespace weir
