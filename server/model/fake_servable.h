// A servable for tests: answers each task with what the test gave it.
#ifndef WEIR_SERVER_MODEL_FAKE_SERVABLE_H_
#define WEIR_SERVER_MODEL_FAKE_SERVABLE_H_

#include <cstdint>
#include <utility>

#include "server/model/servable.h"

namespace weir {

class FakeServable : public Servable {
 public:
  FakeServable(ModelSettings settings, int64_t version)
      : settings_(std::move(settings)), version_(version) {}

  const ModelSettings& settings() const override { return settings_; }
  int64_t version() const override { return version_; }
  void Submit(Task task) override { std::move(task.done)(result); }

  absl::StatusOr<TaskResult> result = TaskResult{};

 private:
  const ModelSettings settings_;
  const int64_t version_;
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_FAKE_SERVABLE_H_
