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
#include "server/model/servable.h"
#include "server/model/tensor.h"

namespace weir {

struct TestRequestOptions {
  uint32_t priority = 0;
  absl::Time deadline = absl::InfiniteFuture();
  std::function<void()> on_done;  // Called by the task's `done`.
};

// Holds what its task needs, and what becomes of it. A row is a character of its text. Thread-safe;
// destruction waits for the answer.
class TestRequest {
 public:
  struct Answer {
    absl::Status status;
    std::vector<Tensor> outputs;
    StageTimes times;
    int64_t batch_rows = 0;
  };

  // One input: a byte for each row.
  explicit TestRequest(const std::string& rows, TestRequestOptions options = {})
      : TestRequest({Tensor{v1::TYPE_UINT8, {static_cast<int64_t>(rows.size()), 1}, rows}},
                    std::move(options)) {}

  explicit TestRequest(std::vector<Tensor> inputs, TestRequestOptions options = {})
      : inputs_(std::move(inputs)), options_(std::move(options)) {}

  TestRequest(const TestRequest&) = delete;
  TestRequest& operator=(const TestRequest&) = delete;
  ~TestRequest() {
    if (given_out_) Wait();
  }

  // To be submitted; once.
  Task MakeTask() {
    EXPECT_FALSE(std::exchange(given_out_, true));
    Task task{.rows = inputs_[0].shape.empty() ? 1 : inputs_[0].shape[0],
              .priority = options_.priority,
              .deadline = options_.deadline,
              .cancelled = &cancelled_,
              .done = [this](const TaskOutcome& outcome) { Done(outcome); }};
    for (const Tensor& input : inputs_) task.inputs.push_back(View(input));
    return task;
  }

  const std::vector<Tensor>& inputs() const { return inputs_; }
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
  void Done(const TaskOutcome& result) ABSL_LOCKS_EXCLUDED(mu_) {
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
    EXPECT_FALSE(answer_.has_value()) << "done was called twice";
    answer_ = std::move(answer);
  }

  const std::vector<Tensor> inputs_;
  TestRequestOptions options_;
  std::atomic<bool> cancelled_ = false;
  bool given_out_ = false;
  mutable absl::Mutex mu_;
  std::optional<Answer> answer_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_TEST_REQUEST_H_
