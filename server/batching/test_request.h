// Requests for tests of what runs tasks.
#ifndef WEIR_SERVER_BATCHING_TEST_REQUEST_H_
#define WEIR_SERVER_BATCHING_TEST_REQUEST_H_

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/model/puppet_model.h"
#include "server/model/task.h"
#include "server/model/tensor.h"

namespace weir {

struct TestRequestOptions {
  uint32_t priority = 0;
  absl::Time deadline = absl::InfiniteFuture();
  std::function<void()> on_done;  // Called by the task's Done.
};

// Holds what its task needs, and what becomes of it. A row is a character of its text. Thread-safe;
// destruction waits for the answer.
class TestRequest final : private Task {
 public:
  struct Answer {
    absl::Status status;
    std::vector<Tensor> outputs;
    StageTimes times;
    int64_t batch_rows = 0;
  };

  // One input: a byte for each row.
  explicit TestRequest(const std::string& text, TestRequestOptions options = {})
      : TestRequest({Tensor{v1::TYPE_UINT8, {static_cast<int64_t>(text.size()), 1}, text}},
                    std::move(options)) {}

  explicit TestRequest(std::vector<Tensor> tensors, TestRequestOptions options = {})
      : tensors_(std::move(tensors)), options_(std::move(options)) {}

  TestRequest(const TestRequest&) = delete;
  TestRequest& operator=(const TestRequest&) = delete;
  ~TestRequest() {
    if (given_out_) Wait();
  }

  // To be submitted; once.
  Task& GiveTask() {
    EXPECT_FALSE(std::exchange(given_out_, true));
    for (const Tensor& tensor : tensors_) views_.push_back(View(tensor));
    inputs = views_;
    rows = tensors_[0].shape.empty() ? 1 : tensors_[0].shape[0];
    priority = options_.priority;
    deadline = options_.deadline;
    cancelled = &cancelled_;
    return *this;
  }

  const std::vector<Tensor>& tensors() const { return tensors_; }
  void Cancel() { cancelled_ = true; }

  bool IsAnswered() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return answer_.has_value();
  }

  Answer Wait() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto answered = [this]()
                              ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return answer_.has_value(); };
    if (AwaitPatiently(mu_, absl::Condition(&answered))) return *answer_;
    ADD_FAILURE() << "a request was not answered";
    return {.status = absl::UnknownError("not answered")};
  }

  // The rows of the first output, or the code of the error.
  std::string WaitForText() const {
    const Answer answer = Wait();
    if (!answer.status.ok()) return absl::StatusCodeToString(answer.status.code());
    return answer.outputs.empty() ? "" : answer.outputs[0].data;
  }

 private:
  void Done(const TaskOutcome& result) override ABSL_LOCKS_EXCLUDED(mu_) {
    Answer answer{.status = result.status()};
    if (result.ok()) {
      for (const TensorView& view : result->outputs) {
        answer.outputs.push_back(
            {view.type, {view.shape.begin(), view.shape.end()}, std::string(view.data)});
      }
      answer.times = result->times;
      answer.batch_rows = result->batch_rows;
    }
    // From the answer on the request may be gone.
    const std::function<void()> on_done = std::move(options_.on_done);
    if (on_done) on_done();
    absl::MutexLock lock(&mu_);
    EXPECT_FALSE(answer_.has_value()) << "Done was called twice";
    answer_ = std::move(answer);
  }

  const std::vector<Tensor> tensors_;
  std::vector<TensorView> views_;
  TestRequestOptions options_;
  std::atomic<bool> cancelled_ = false;
  bool given_out_ = false;
  mutable absl::Mutex mu_;
  std::optional<Answer> answer_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_TEST_REQUEST_H_
