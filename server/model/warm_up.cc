#include "server/model/warm_up.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "server/model/made_up_data.h"

namespace weir {
namespace {

constexpr size_t kMaxSizes = 1024;

struct Size {
  int64_t rows = 0;
  bool likely = false;
};

// The sizes to run, the likeliest first: most batches are of one row, of the largest size, or of a
// size that the config prefers.
std::vector<Size> SizesByLikelihood(const ModelSettings& settings) {
  const int64_t max_rows = std::max<int64_t>(1, settings.max_batch_rows);
  std::vector<Size> sizes;
  const auto add = [&sizes](int64_t rows, bool likely) {
    const auto same = [rows](const Size& size) { return size.rows == rows; };
    if (std::none_of(sizes.begin(), sizes.end(), same)) sizes.push_back({rows, likely});
  };
  add(1, true);
  add(max_rows, true);
  for (const int64_t rows : settings.batching.preferred_rows) add(rows, true);
  for (int64_t rows = 2; rows < max_rows; rows *= 2) add(rows, true);
  for (int64_t rows = 3; rows < max_rows && sizes.size() < kMaxSizes; ++rows) add(rows, false);
  return sizes;
}

absl::Duration ThreadCpuTime() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return absl::DurationFromTimespec(now);
}

// The first `rows` rows of the tensors, or all of them if `rows` is 0.
class Rows {
 public:
  Rows(const std::vector<Tensor>& tensors, int64_t rows) : shapes_(tensors.size()) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      shapes_[i] = tensors[i].shape;
      absl::string_view data = tensors[i].data;
      if (rows > 0) {
        data = data.substr(0, data.size() / shapes_[i][0] * rows);
        shapes_[i][0] = rows;
      }
      views_.push_back({tensors[i].type, shapes_[i], data});
    }
  }

  absl::Span<const TensorView> views() const { return views_; }

 private:
  std::vector<std::vector<int64_t>> shapes_;
  std::vector<TensorView> views_;
};

// One thread of a warm-up.
class Instance {
 public:
  Instance(const Model& model, const ModelSettings& settings, const std::vector<Tensor>& inputs,
           absl::Time end, std::atomic<bool>& failed)
      : model_(model), settings_(settings), inputs_(inputs), end_(end), failed_(failed) {}

  absl::Status Run() {
    // What is done once for a module, such as compiling it, is not part of any size's time.
    WEIR_RETURN_IF_ERROR(Time(settings_.max_batch_rows > 0 ? 1 : 0).status());
    for (const WarmUpSample& sample : settings_.warm_up) {
      for (int i = 0; i < sample.count && !over(); ++i) WEIR_RETURN_IF_ERROR(RunSample(sample));
    }
    for (const Size& size : SizesByLikelihood(settings_)) {
      if (over() && sizes_run_ > 0) break;
      WEIR_RETURN_IF_ERROR(RunSize(size));
      ++sizes_run_;
    }
    return absl::OkStatus();
  }

  const std::map<int64_t, absl::Duration>& times() const { return times_; }
  int64_t sizes_run() const { return sizes_run_; }

 private:
  bool over() const {
    // Relaxed: it only ends work early, and carries nothing else.
    return failed_.load(std::memory_order_relaxed) || MonotonicNow() >= end_;
  }

  // The first run of a size also prepares it; the best of further ones is the size's time. Of a
  // size that is unlikely and slow, the first run is all there is: its time would be too long.
  absl::Status RunSize(const Size& size) {
    constexpr absl::Duration kSlow = absl::Milliseconds(10);
    constexpr absl::Duration kEnough = absl::Milliseconds(5);
    constexpr int kMostRuns = 5;
    const int64_t rows = settings_.max_batch_rows > 0 ? size.rows : 0;
    WEIR_ASSIGN_OR_RETURN(absl::Duration best, Time(rows));
    if (!size.likely && best >= kSlow) return absl::OkStatus();
    absl::Duration spent;
    for (int run = 1; run < kMostRuns && spent < kEnough && !over(); ++run) {
      WEIR_ASSIGN_OR_RETURN(const absl::Duration time, Time(rows));
      best = std::min(best, time);
      spent += time;
    }
    times_[size.rows] = best;
    return absl::OkStatus();
  }

  absl::StatusOr<absl::Duration> Time(int64_t rows) const {
    const Rows inputs(inputs_, rows);
    const bool one_thread = settings_.intra_op_threads == 1;
    const absl::Time start = MonotonicNow();
    const absl::Duration cpu_start = ThreadCpuTime();
    const absl::Status status = model_.Run(inputs.views()).status();
    const absl::Duration time = one_thread ? ThreadCpuTime() - cpu_start : MonotonicNow() - start;
    if (status.ok()) return time;
    return absl::InvalidArgumentError(absl::StrCat("warm-up with ",
                                                   rows == 0 ? "" : absl::StrCat(rows, " rows of "),
                                                   "made-up inputs: ", status.message()));
  }

  absl::Status RunSample(const WarmUpSample& sample) const {
    const Rows inputs(sample.inputs, 0);
    const absl::Status status = model_.Run(inputs.views()).status();
    if (status.ok()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("warm-up with sample \"", sample.name, "\": ", status.message()));
  }

  const Model& model_;
  const ModelSettings& settings_;
  const std::vector<Tensor>& inputs_;  // As many rows as the largest batch.
  const absl::Time end_;
  std::atomic<bool>& failed_;  // In any of the threads.
  std::map<int64_t, absl::Duration> times_;
  int64_t sizes_run_ = 0;
};

absl::StatusOr<std::vector<Tensor>> Repeated(const WarmUpSample& sample, int64_t rows) {
  std::vector<Tensor> tensors;
  for (const Tensor& input : sample.inputs) {
    std::vector<int64_t> shape = input.shape;
    if (sample.rows > 0) shape[0] = rows;
    absl::StatusOr<Tensor> made = ZeroTensor(input.type, std::move(shape));
    if (!made.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("sample \"", sample.name, "\" of model_warmup: ", made.status().message(),
                       "; max_batch_size is too large"));
    }
    Tensor tensor = *std::move(made);
    for (size_t at = 0; at < tensor.data.size(); at += input.data.size()) {
      tensor.data.replace(at, input.data.size(), input.data.substr(0, tensor.data.size() - at));
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

bool MightBeIndex(v1::DataType type) {
  return type == v1::TYPE_INT16 || type == v1::TYPE_INT32 || type == v1::TYPE_INT64;
}

}  // namespace

absl::StatusOr<WarmUpReport> WarmUp(const Model& model, const ModelSettings& settings,
                                    const WarmUpOptions& options) {
  const absl::Time end = MonotonicNow() + options.at_most;
  WEIR_ASSIGN_OR_RETURN(const std::vector<Tensor> inputs,
                        MadeUpInputs(settings, std::max<int64_t>(1, settings.max_batch_rows)));
  std::atomic<bool> failed = false;
  std::vector<Instance> instances(std::max(1, options.instances),
                                  Instance(model, settings, inputs, end, failed));
  std::vector<absl::Status> statuses(instances.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < instances.size(); ++i) {
    threads.emplace_back([&, i] {
      statuses[i] = instances[i].Run();
      if (!statuses[i].ok()) failed.store(true, std::memory_order_relaxed);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : statuses) WEIR_RETURN_IF_ERROR(status);

  WarmUpReport report;
  std::map<int64_t, absl::Duration> best;
  for (const Instance& instance : instances) {
    report.complete &= instance.sizes_run() == std::max<int64_t>(1, settings.max_batch_rows);
    for (const auto& [rows, time] : instance.times()) {
      const auto entry = best.emplace(rows, time).first;
      entry->second = std::min(entry->second, time);
    }
  }
  for (const auto& [rows, time] : best) report.times.push_back({rows, time});
  return report;
}

absl::StatusOr<std::vector<Tensor>> MadeUpInputs(const ModelSettings& settings, int64_t rows) {
  if (!settings.warm_up.empty()) return Repeated(settings.warm_up[0], rows);
  std::vector<Tensor> tensors;
  for (const TensorSpec& input : settings.inputs) {
    std::vector<int64_t> shape = input.dims;
    std::replace(shape.begin(), shape.end(), int64_t{-1}, int64_t{1});
    if (settings.max_batch_rows > 0) shape.insert(shape.begin(), rows);
    absl::StatusOr<Tensor> tensor = ZeroTensor(input.type, std::move(shape));
    if (!tensor.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("input \"", input.name,
                                                     "\": ", tensor.status().message(),
                                                     "; max_batch_size or dims are too large"));
    }
    if (!MightBeIndex(input.type)) FillWithRandom(*tensor);
    tensors.push_back(*std::move(tensor));
  }
  return tensors;
}

}  // namespace weir
