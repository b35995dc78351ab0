#include "models/train/trainer.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "models/train/checkpoint.h"
#include "models/train/network.h"

namespace weir {
namespace {

constexpr int kEvaluationRows = 500;

bool HasBfloat16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

// Runs the operations of its lifetime on this thread in the given precision.
class PrecisionScope {
 public:
  explicit PrecisionScope(Precision precision) {
    at::autocast::set_autocast_cpu_dtype(torch::kBFloat16);
    at::autocast::set_cpu_enabled(precision == Precision::kBfloat16 && HasBfloat16());
  }
  ~PrecisionScope() {
    at::autocast::clear_cache();
    at::autocast::set_cpu_enabled(false);
  }
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;
};

// Lets torch use every core, and run modules as they are written: to specialise them costs more
// here than it gains. Restores what was set before.
class TrainingScope {
 public:
  TrainingScope()
      : threads_(at::get_num_threads()), optimized_(torch::jit::getGraphExecutorOptimize()) {
    at::set_num_threads(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
    torch::jit::setGraphExecutorOptimize(false);
  }
  ~TrainingScope() {
    at::set_num_threads(threads_);
    torch::jit::setGraphExecutorOptimize(optimized_);
  }
  TrainingScope(const TrainingScope&) = delete;
  TrainingScope& operator=(const TrainingScope&) = delete;

 private:
  const int threads_;
  const bool optimized_;
};

// Consecutive keys give unrelated streams.
Random RandomFor(uint64_t seed, uint64_t key) {
  return Random(Random(seed).Next() ^ Random(key).Next());
}

std::vector<int> ShuffledRows(int rows, Random random) {
  std::vector<int> order(rows);
  std::iota(order.begin(), order.end(), 0);
  for (int i = rows - 1; i > 0; --i) std::swap(order[i], order[random.Integer(0, i)]);
  return order;
}

std::vector<torch::Tensor> Copies(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> copies;
  for (const torch::Tensor& tensor : tensors) copies.push_back(tensor.detach().clone());
  return copies;
}

// Convolutions run fastest on this layout.
void UseChannelsLast(const torch::jit::Module& module) {
  for (torch::Tensor& weight : TrainableTensors(module)) {
    if (weight.dim() == 4) weight.set_data(weight.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

// Decay is for weights alone: on biases and normalisation it only takes freedom away.
torch::optim::SGD MakeOptimizer(const TrainingOptions& options, const torch::jit::Module& module) {
  std::vector<torch::Tensor> weights, others;
  for (torch::Tensor& tensor : TrainableTensors(module)) {
    tensor.requires_grad_(true);
    (tensor.dim() >= 2 ? weights : others).push_back(tensor);
  }
  const auto settings = [&](double decay) {
    return std::make_unique<torch::optim::SGDOptions>(
        torch::optim::SGDOptions(0).momentum(options.momentum).nesterov(true).weight_decay(decay));
  };
  return torch::optim::SGD({{weights, settings(options.weight_decay)}, {others, settings(0)}},
                           torch::optim::SGDOptions(0));
}

// One training run and what it keeps between its steps. Uses its arguments throughout its life.
class Run {
 public:
  Run(const TrainingOptions& options, const Task& task, Progress& progress,
      torch::jit::Module& module)
      : options_(options),
        task_(task),
        progress_(progress),
        module_(module),
        averaged_(module.deepcopy()),
        steps_per_epoch_(task.training_rows() / options.batch_rows),
        optimizer_(MakeOptimizer(options, module)) {
    UseChannelsLast(module_);
    UseChannelsLast(averaged_);
    averaged_.eval();
    state_.steps = int64_t{options.epochs} * steps_per_epoch_;
    state_.seed = static_cast<int64_t>(options.seed);
    state_.current = StateTensors(module_);
    state_.averaged = StateTensors(averaged_);
    state_.best = Copies(state_.averaged);
  }

  absl::StatusOr<TrainingResult> Go(const std::function<bool()>& should_stop) {
    const absl::Status loaded = LoadCheckpoint(options_.checkpoint_path, state_, optimizer_);
    if (!loaded.ok() && !absl::IsNotFound(loaded)) return loaded;
    const absl::Time start = absl::Now() - absl::Seconds(state_.seconds);
    progress_.Start(static_cast<int>(state_.step), static_cast<int>(state_.steps), steps_per_epoch_,
                    absl::Now());
    std::vector<int> order;
    while (state_.step < state_.steps) {
      const int64_t epoch = state_.step / steps_per_epoch_;
      const int64_t step = state_.step % steps_per_epoch_;
      if (order.empty() || step == 0) {
        order = ShuffledRows(task_.training_rows(), RandomFor(options_.seed, ~epoch));
      }
      Step(std::span(order).subspan(step * options_.batch_rows, options_.batch_rows));
      state_.seconds = absl::ToDoubleSeconds(absl::Now() - start);
      if (step + 1 == steps_per_epoch_) FinishEpoch(epoch + 1);
      const bool stop = state_.step < state_.steps && should_stop();
      if (stop || step + 1 == steps_per_epoch_) {
        WEIR_RETURN_IF_ERROR(SaveCheckpoint(options_.checkpoint_path, state_, optimizer_));
      }
      if (stop) {
        return absl::CancelledError(absl::StrCat("stopped in epoch ", epoch + 1, " of ",
                                                 options_.epochs, "; the same command goes on"));
      }
    }
    torch::NoGradGuard no_grad;
    for (size_t i = 0; i < state_.best.size(); ++i) state_.current[i].copy_(state_.best[i]);
    module_.eval();
    return TrainingResult{.validation = state_.best_validation,
                          .epoch = static_cast<int>(state_.best_epoch),
                          .seconds = state_.seconds};
  }

 private:
  void Step(std::span<const int> rows) {
    Random random = RandomFor(options_.seed, state_.step);
    const Batch batch = task_.TrainingBatch(rows, random);
    const double rate =
        options_.schedule.RateAt(static_cast<int>(state_.step), static_cast<int>(state_.steps));
    for (auto& group : optimizer_.param_groups()) group.options().set_lr(rate);
    module_.train();
    optimizer_.zero_grad();
    torch::Tensor output;
    {
      PrecisionScope scope(options_.precision);
      output = module_.get_method("network")({batch.input}).toTensor();
    }
    output = output.to(torch::kFloat32);
    const torch::Tensor loss = task_.Loss(output, batch.target);
    loss.backward();
    optimizer_.step();
    ++state_.step;
    Average();
    torch::NoGradGuard no_grad;
    progress_.Step(loss.item<double>(), task_.Quality(output, batch.target), absl::Now());
  }

  // Early on the average follows quickly, so that it forgets the initial weights.
  void Average() {
    torch::NoGradGuard no_grad;
    const double steps = static_cast<double>(state_.step);
    const double decay = std::min(options_.average_decay, (1 + steps) / (10 + steps));
    for (size_t i = 0; i < state_.current.size(); ++i) {
      state_.averaged[i].lerp_(state_.current[i], 1 - decay);
    }
  }

  void FinishEpoch(int64_t epoch) {
    const Batch& rows = task_.validation();
    const double quality = task_.Quality(RunNetwork(averaged_, rows.input), rows.target);
    const bool is_best = quality > state_.best_validation;
    if (is_best) {
      state_.best_validation = quality;
      state_.best_epoch = epoch;
      state_.best = Copies(state_.averaged);
    }
    progress_.EpochDone(quality, is_best, absl::Now());
  }

  const TrainingOptions& options_;
  const Task& task_;
  Progress& progress_;
  torch::jit::Module& module_;
  torch::jit::Module averaged_;
  const int steps_per_epoch_;
  torch::optim::SGD optimizer_;
  TrainingState state_;
};

}  // namespace

absl::StatusOr<TrainingResult> Train(const TrainingOptions& options, const Task& task,
                                     const std::function<bool()>& should_stop, Progress& progress,
                                     torch::jit::Module& module) {
  if (task.training_rows() < options.batch_rows) {
    return absl::InvalidArgumentError("a batch is larger than the training split");
  }
  const TrainingScope scope;
  return Run(options, task, progress, module).Go(should_stop);
}

torch::Tensor RunNetwork(torch::jit::Module& module, const torch::Tensor& input) {
  torch::NoGradGuard no_grad;
  const torch::jit::Method network = module.get_method("network");
  std::vector<torch::Tensor> outputs;
  for (const torch::Tensor& rows : input.split(kEvaluationRows)) {
    outputs.push_back(network({rows}).toTensor());
  }
  return torch::cat(outputs);
}

}  // namespace weir
