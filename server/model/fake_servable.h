// A servable for tests: keeps the tasks that it is given until the test answers them.
#ifndef WEIR_SERVER_MODEL_FAKE_SERVABLE_H_
#define WEIR_SERVER_MODEL_FAKE_SERVABLE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/model/servable.h"
#include "server/model/task.h"

namespace weir {

// Thread-safe.
class FakeServable : public Servable {
 public:
  FakeServable(ModelSettings settings, int64_t version, VersionStats* stats = nullptr)
      : settings_(std::move(settings)), version_(version), stats_(stats) {}

  const ModelSettings& settings() const override { return settings_; }
  int64_t version() const override { return version_; }

  void Submit(Task& task) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    tasks_.push_back(&task);
    ++submitted_;
  }

  ServableCounts counts() const override { return {}; }
  std::string Description() const override { return "fake"; }
  VersionStats* stats() const override { return stats_; }

  // Waits for the next task and takes it out. The test has to call its Done.
  Task& Take() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto any = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !tasks_.empty(); };
    mu_.Await(absl::Condition(&any));
    return *TakeFirst();
  }

  // The next task, or null.
  Task* TryTake() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return tasks_.empty() ? nullptr : TakeFirst();
  }

  // So many tasks were submitted so far.
  int64_t submitted() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return submitted_;
  }

 private:
  Task* TakeFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    Task* const task = tasks_.front();
    tasks_.erase(tasks_.begin());
    return task;
  }

  const ModelSettings settings_;
  const int64_t version_;
  VersionStats* const stats_;
  mutable absl::Mutex mu_;
  int64_t submitted_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<Task*> tasks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_FAKE_SERVABLE_H_
