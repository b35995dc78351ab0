// Models for tests, whose batches end when the test says so.
#ifndef WEIR_SERVER_MODEL_PUPPET_MODEL_H_
#define WEIR_SERVER_MODEL_PUPPET_MODEL_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/model/model.h"
#include "server/model/tensor.h"

namespace weir {

// Waits for what a test expects, with `mu` held. Returns whether it came within half a minute; a
// time for which the whole machine stood still counts little.
inline bool AwaitPatiently(absl::Mutex& mu, const absl::Condition& condition)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
  for (int second = 0; second < 30; ++second) {
    if (mu.AwaitWithTimeout(condition, absl::Seconds(1))) return true;
  }
  return false;
}

// Sees each batch of its models begin, and ends it. Must outlive the models. Thread-safe. Nothing
// waits for ever: what does not happen fails the test.
class Puppeteer {
 public:
  using Outputs = absl::StatusOr<std::vector<Tensor>>;
  using Answer = std::function<Outputs(const std::vector<Tensor>& inputs)>;

  // A batch that has begun. Copies are the same batch.
  class Batch {
   public:
    const std::vector<Tensor>& inputs() const { return running_->inputs; }
    int64_t rows() const { return inputs().empty() ? 0 : inputs()[0].shape[0]; }

    // Where the model found the bytes of each input.
    const std::vector<const char*>& addresses() const { return running_->addresses; }

    void End(Outputs outputs) { puppeteer_->End(*running_, std::move(outputs)); }
    void End() { End(inputs()); }  // The outputs are the inputs.

   private:
    friend class Puppeteer;

    struct Running {
      std::vector<Tensor> inputs;
      std::vector<const char*> addresses;
      std::optional<Outputs> outputs;  // Guarded by the puppeteer's lock.
    };

    Batch(Puppeteer* puppeteer, std::shared_ptr<Running> running)
        : puppeteer_(puppeteer), running_(std::move(running)) {}

    Puppeteer* puppeteer_;
    std::shared_ptr<Running> running_;
  };

  ~Puppeteer() { EXPECT_EQ(models_, 0) << "models must not outlive their puppeteer"; }

  std::unique_ptr<Model> MakeModel() { return std::make_unique<Puppet>(*this); }

  // Waits for the next batch to begin: each is returned once, in order.
  Batch Next() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto any = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !begun_.empty(); };
    if (!AwaitPatiently(mu_, absl::Condition(&any))) {
      ADD_FAILURE() << "no batch has begun";
      return Batch(this, std::make_shared<Batch::Running>());
    }
    Batch batch(this, std::move(begun_.front()));
    begun_.pop_front();
    return batch;
  }

  // Whether Next would return at once.
  bool HasNext() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return !begun_.empty();
  }

  // From now on batches end by themselves, with what `answer` makes of them; Next does not see
  // them.
  void Release(Answer answer = [](const std::vector<Tensor>& inputs) { return inputs; })
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    answer_ = std::make_shared<const Answer>(std::move(answer));
  }

  // Waits until all models are destroyed.
  void AwaitNoModel() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return models_ == 0; };
    EXPECT_TRUE(AwaitPatiently(mu_, absl::Condition(&none))) << "a model is left";
  }

 private:
  using Running = Batch::Running;

  class Puppet : public Model {
   public:
    explicit Puppet(Puppeteer& puppeteer) : puppeteer_(puppeteer) { puppeteer_.Count(1); }
    ~Puppet() override { puppeteer_.Count(-1); }

    absl::StatusOr<TensorBundle> Run(absl::Span<const TensorView> inputs) const override {
      Outputs outputs = puppeteer_.Run(inputs);
      if (!outputs.ok()) return outputs.status();
      return Bundle(*std::move(outputs));
    }

   private:
    Puppeteer& puppeteer_;
  };

  Outputs Run(absl::Span<const TensorView> inputs) ABSL_LOCKS_EXCLUDED(mu_) {
    const auto running = std::make_shared<Running>();
    for (const TensorView& input : inputs) {
      running->inputs.push_back(
          {input.type, {input.shape.begin(), input.shape.end()}, std::string(input.data)});
      running->addresses.push_back(input.data.data());
    }
    std::shared_ptr<const Answer> answer;
    {
      absl::MutexLock lock(&mu_);
      answer = answer_;
      if (answer == nullptr) {
        begun_.push_back(running);
        const auto ended = [&running] { return running->outputs.has_value(); };
        if (AwaitPatiently(mu_, absl::Condition(&ended))) return *running->outputs;
        return absl::DeadlineExceededError("the test does not end this batch");
      }
    }
    return (*answer)(running->inputs);
  }

  void End(Running& running, Outputs outputs) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    running.outputs = std::move(outputs);
  }

  void Count(int models) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    models_ += models;
  }

  mutable absl::Mutex mu_;
  std::deque<std::shared_ptr<Running>> begun_ ABSL_GUARDED_BY(mu_);  // For Next.
  std::shared_ptr<const Answer> answer_ ABSL_GUARDED_BY(mu_);        // Null: the test ends batches.
  int models_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_PUPPET_MODEL_H_
