#include "server/batching/batch_run.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/log.h"

namespace weir {
namespace {

int64_t Rows(absl::Span<Task* const> batch) {
  int64_t rows = 0;
  for (const Task* task : batch) rows += task->rows;
  return rows;
}

// The inputs of a batch: those of its only request as they are, or new ones with all rows.
class Assembled {
 public:
  explicit Assembled(absl::Span<Task* const> batch) {
    if (batch.size() == 1) {
      inputs_ = batch[0]->inputs;
      return;
    }
    const size_t count = batch[0]->inputs.size();
    const int64_t rows = Rows(batch);
    buffers_.reserve(count);
    shapes_.reserve(count);
    views_.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      size_t bytes = 0;
      for (const Task* task : batch) bytes += task->inputs[i].data.size();
      char* const buffer = buffers_.emplace_back(new char[bytes]).get();
      char* end = buffer;
      for (const Task* task : batch) {
        const absl::string_view data = task->inputs[i].data;
        std::memcpy(end, data.data(), data.size());
        end += data.size();
      }
      const TensorView& first = batch[0]->inputs[i];
      shapes_.emplace_back(first.shape.begin(), first.shape.end())[0] = rows;
      views_.push_back({first.type, shapes_.back(), absl::string_view(buffer, bytes)});
    }
    inputs_ = views_;
  }

  absl::Span<const TensorView> inputs() const { return inputs_; }

 private:
  std::vector<std::unique_ptr<char[]>> buffers_;  // Not cleared before they are filled.
  std::vector<std::vector<int64_t>> shapes_;
  std::vector<TensorView> views_;
  absl::Span<const TensorView> inputs_;
};

// Gives each request the rows of the outputs that are its own.
void Answer(absl::Span<Task* const> batch, int64_t rows, const std::vector<TensorView>& outputs,
            absl::Time cut, const StageTimes& times, absl::Time model_ended) {
  TaskOutcome outcome = TaskResult{
      .outputs = outputs, .times = times, .batch_rows = rows, .model_ended = model_ended};
  std::vector<std::vector<int64_t>> shapes;
  for (const TensorView& output : outputs) {
    shapes.emplace_back(output.shape.begin(), output.shape.end());
  }
  int64_t row = 0;
  for (Task* const task : batch) {
    outcome->times.queue = cut - task->enqueued;
    if (batch.size() > 1) {
      for (size_t i = 0; i < outputs.size(); ++i) {
        const size_t row_bytes = outputs[i].data.size() / rows;
        shapes[i][0] = task->rows;
        outcome->outputs[i].shape = shapes[i];
        outcome->outputs[i].data = outputs[i].data.substr(row * row_bytes, task->rows * row_bytes);
      }
      row += task->rows;
    }
    task->Done(outcome);
  }
}

bool IsCancelled(const Task& task) {
  // Relaxed, as in BatchQueue: seen too late, it merely runs in vain.
  return task.cancelled != nullptr && task.cancelled->load(std::memory_order_relaxed);
}

// Answers and takes out what has expired since the batch was cut: this thread may have been held
// up. Returns its rows.
int64_t RefuseExpired(std::vector<Task*>& batch, absl::Time now) {
  int64_t rows = 0;
  const auto refused = std::stable_partition(
      batch.begin(), batch.end(), [now](const Task* task) { return task->deadline >= now; });
  for (auto task = refused; task != batch.end(); ++task) {
    rows += (*task)->rows;
    (*task)->Done(Refusal::kExpired);
  }
  batch.erase(refused, batch.end());
  return rows;
}

int64_t ExpiredRows(absl::Span<Task* const> batch, absl::Time now) {
  int64_t rows = 0;
  for (const Task* task : batch) {
    if (task->deadline < now) rows += task->rows;
  }
  return rows;
}

}  // namespace

BatchOutcome RunBatch(const Model& model, const ModelSettings& settings, int64_t version,
                      absl::Time cut, VersionStats* stats, std::vector<Task*> batch) {
  absl::Time begin = MonotonicNow();
  BatchOutcome outcome;
  if (ExpiredRows(batch, begin) > 0) {
    outcome.refused_rows = RefuseExpired(batch, begin);
    begin = MonotonicNow();
  }
  if (batch.empty()) return outcome;
  const Assembled assembled(batch);
  const absl::Time start = batch.size() == 1 ? begin : MonotonicNow();
  outcome.expired_rows = ExpiredRows(batch, start);
  const absl::StatusOr<TensorBundle> outputs = model.Run(assembled.inputs());
  const absl::Time end = MonotonicNow();
  outcome.time = end - begin;
  const int64_t rows = Rows(batch);
  if (stats != nullptr) stats->RecordBatch(rows, outcome.time);
  if (outputs.ok()) {
    Answer(batch, rows, outputs->views, cut, {.assemble = start - begin, .inference = end - start},
           end);
    return outcome;
  }
  outcome.failed = true;
  if (batch.size() == 1) {
    WEIR_LOG_EVERY(kError, absl::Seconds(1), "a model failed", LogField("model", settings.name),
                   LogField("version", version), LogField("error", outputs.status().message()));
    batch[0]->Done(
        absl::InternalError(absl::StrCat("model \"", settings.name, "\" failed on this input")));
    outcome.failed_rows = rows;
    return outcome;
  }
  for (Task* const task : batch) {
    if (IsCancelled(*task)) {
      outcome.failed_rows += task->rows;
      task->Done(Refusal::kCancelled);
      continue;
    }
    const BatchOutcome retry = RunBatch(model, settings, version, cut, stats, {task});
    outcome.time += retry.time;
    // What has expired by now was run once, in vain.
    outcome.failed_rows += retry.failed_rows + retry.refused_rows;
    outcome.expired_rows += retry.expired_rows;
  }
  return outcome;
}

}  // namespace weir
