// Tasks for tests of what queues them: a shape, and no elements.
#ifndef WEIR_SERVER_BATCHING_SHAPED_TASK_H_
#define WEIR_SERVER_BATCHING_SHAPED_TASK_H_

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "server/model/task.h"

namespace weir {

struct ShapedTask : public Task {
  // Of the inputs; the first size is the rows.
  explicit ShapedTask(std::vector<std::vector<int64_t>> input_shapes)
      : shapes(std::move(input_shapes)) {
    for (const std::vector<int64_t>& shape : shapes) {
      views.push_back({.type = v1::TYPE_FP32, .shape = shape});
    }
    inputs = views;
    rows = shapes[0][0];
    cancelled = &is_cancelled;
  }
  explicit ShapedTask(std::vector<int64_t> shape)
      : ShapedTask(std::vector<std::vector<int64_t>>{std::move(shape)}) {}

  virtual ~ShapedTask() = default;

  void Done(const TaskOutcome& /*outcome*/) override { ++times_done; }

  const std::vector<std::vector<int64_t>> shapes;
  std::vector<TensorView> views;
  std::atomic<bool> is_cancelled = false;
  int times_done = 0;
};

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_SHAPED_TASK_H_
