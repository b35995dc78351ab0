#include "server/batching/executor.h"

#include <pthread.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "server/batching/batch_run.h"

namespace weir {
namespace {

// How far, in virtual time, an inline lane may be ahead of a lane that waits for a worker. Less
// would send it to the workers, and to their hand-over, for every batch.
constexpr absl::Duration kInlineSlack = absl::Milliseconds(10);

// To wake another thread costs this one some 10 us: for shorter batches it brings less than it
// costs (docs/performance.md).
constexpr absl::Duration kLongBatch = absl::Microseconds(60);

void Count(Refusal refusal, int64_t rows, ServableCounts& counts) {
  switch (refusal) {
    case Refusal::kQueueFull:
      counts.queue_full_rows += rows;
      break;
    case Refusal::kUnreachableDeadline:
      counts.unreachable_deadline_rows += rows;
      break;
    case Refusal::kExpired:
      counts.expired_rows += rows;
      break;
    case Refusal::kCancelled:
      counts.cancelled_rows += rows;
      break;
  }
}

}  // namespace

// What changes of a lane.
struct Executor::LaneState {
  LaneState(const ModelSettings& settings, std::vector<BatchTime> measured,
            const LaneOptions& options)
      : options(options),
        max_batch_rows(options.max_batch_rows > 0 ? options.max_batch_rows
                                                  : settings.max_batch_rows),
        queue(settings.batching, max_batch_rows),
        cost(std::move(measured)) {}

  // Whether the workers run its batches.
  bool on_workers() const { return !options.run_inline || left_to_workers; }

  bool has_free_instance() const {
    return busy_until.size() < static_cast<size_t>(options.instances);
  }

  // Whether there is a free instance and something for it.
  bool HasWork(absl::Time now) const { return has_free_instance() && queue.ReadyAt(now) <= now; }

  const LaneOptions options;
  const int64_t max_batch_rows;
  BatchQueue queue;
  BatchCost cost;
  ServableCounts counts;
  FairShare::Member member = 0;
  bool removed = false;
  bool left_to_workers = false;        // An inline lane that had more than its share.
  std::vector<absl::Time> busy_until;  // Of each batch that runs, as expected.
};

class Executor::Lane {
 public:
  Lane(std::shared_ptr<const ModelSettings> settings, int64_t version, std::unique_ptr<Model> model,
       std::vector<BatchTime> measured, const LaneOptions& options)
      : settings(std::move(settings)),
        version(version),
        model(std::move(model)),
        stats(options.stats),
        state_(*this->settings, std::move(measured), options) {}

  const std::shared_ptr<const ModelSettings> settings;  // Outlives the model.
  const int64_t version;
  const std::unique_ptr<Model> model;
  VersionStats* const stats;

 private:
  // The only way to it asks for the lock.
  friend LaneState& Executor::StateOf(const Lane& lane) const;
  mutable LaneState state_;
};

Executor::LaneState& Executor::StateOf(const Lane& lane) const { return lane.state_; }

Executor::Executor(int cores) : cores_(std::max(cores, 1)) {
  absl::MutexLock lock(&mu_);
  StartWorkers(cores_);
}

Executor::~Executor() {
  std::vector<std::thread> workers;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    wake_.SignalAll();
    workers.swap(workers_);
  }
  for (std::thread& worker : workers) worker.join();
}

void Executor::StartWorkers(size_t count) {
  while (workers_.size() < count) {
    workers_.emplace_back([this] { RunWorker(); });
    pthread_setname_np(workers_.back().native_handle(), "weir-worker");
  }
}

std::shared_ptr<Executor::Lane> Executor::AddLane(std::shared_ptr<const ModelSettings> settings,
                                                  int64_t version, std::unique_ptr<Model> model,
                                                  std::vector<BatchTime> measured,
                                                  const LaneOptions& options) {
  auto lane = std::make_shared<Lane>(std::move(settings), version, std::move(model),
                                     std::move(measured), options);
  absl::MutexLock lock(&mu_);
  StateOf(*lane).member = shares_.Add(lane->settings->weight);
  lanes_.push_back(lane);
  StartWorkers(options.instances);
  return lane;
}

void Executor::RemoveLane(const std::shared_ptr<Lane>& lane) {
  absl::MutexLock lock(&mu_);
  StateOf(*lane).removed = true;
  shares_.Remove(StateOf(*lane).member);
  lanes_.erase(std::find(lanes_.begin(), lanes_.end(), lane));
}

void Executor::Submit(Lane& lane, Task& task) {
  std::optional<Refusal> refusal;
  std::vector<BatchQueue::Refused> refused;
  {
    absl::MutexLock lock(&mu_);
    const absl::Time now = MonotonicNow();
    LaneState& state = StateOf(lane);
    refusal = state.queue.Push(task, now, state.cost, OutlookOf(state));
    refused = state.queue.TakeRefused();
    for (const BatchQueue::Refused& each : refused) Count(each.why, each.task->rows, state.counts);
    if (refusal) {
      Count(*refusal, task.rows, state.counts);
    } else if (state.on_workers()) {
      // Also for one that has to wait for more rows: a worker has to watch the time.
      WakeWorker();
    }
  }
  if (refusal) task.Done(*refusal);
  for (const BatchQueue::Refused& each : refused) each.task->Done(each.why);
}

bool Executor::RunInline(absl::FunctionRef<void()> before_long_batch) {
  Work work;
  {
    absl::MutexLock lock(&mu_);
    const absl::Time now = MonotonicNow();
    for (size_t i = 0; i < lanes_.size() && work.lane == nullptr; ++i) {
      const size_t index = (first_inline_ + i) % lanes_.size();
      LaneState& state = StateOf(*lanes_[index]);
      if (state.on_workers() || !state.HasWork(now)) continue;
      if (shares_.MayGoAhead(state.member, kInlineSlack)) {
        first_inline_ = index + 1;
        work = Begin(lanes_[index], now);
      } else {
        state.left_to_workers = true;
        WakeWorker();
      }
    }
  }
  if (work.lane == nullptr) return false;
  AnswerRefused(work);
  if (work.expected >= kLongBatch) before_long_batch();
  Run(std::move(work));
  return true;
}

ServableCounts Executor::Counts(const Lane& lane) const {
  absl::MutexLock lock(&mu_);
  const LaneState& state = StateOf(lane);
  ServableCounts counts = state.counts;
  counts.queued_rows = state.queue.queued_rows();
  return counts;
}

void Executor::RunWorker() {
  while (true) {
    Work work;
    {
      absl::MutexLock lock(&mu_);
      while (!stopping_ && work.lane == nullptr) {
        const absl::Time now = MonotonicNow();
        const absl::Time next = UpdateWaiting(now);
        work = Pick(now);
        if (work.lane != nullptr) {
          LeaveToOthers(now);
          break;
        }
        ++idle_workers_;
        wake_.WaitWithTimeout(&mu_, next - now);
        --idle_workers_;
      }
      if (work.lane == nullptr) return;
    }
    Run(std::move(work));
  }
}

absl::Time Executor::UpdateWaiting(absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    const LaneState& state = StateOf(*lane);
    const absl::Time ready = state.on_workers() && state.has_free_instance()
                                 ? state.queue.ReadyAt(now)
                                 : absl::InfiniteFuture();
    shares_.SetWaiting(state.member, ready <= now);
    if (ready > now) next = std::min(next, ready);
  }
  return next;
}

Executor::Work Executor::Pick(absl::Time now) {
  const std::optional<FairShare::Member> member = shares_.Next();
  if (!member) return {};
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    if (StateOf(*lane).member == *member) return Begin(lane, now);
  }
  return {};
}

Executor::Work Executor::Begin(const std::shared_ptr<Lane>& lane, absl::Time now) {
  LaneState& state = StateOf(*lane);
  int64_t max_rows = std::max<int64_t>(state.max_batch_rows, 1);
  if (!state.on_workers()) {
    max_rows = state.cost.RowsWithin(state.options.max_inline_time, max_rows);
  }
  Work work{.lane = lane,
            .on_worker = state.on_workers(),
            .cut = state.queue.Next(now, state.cost, max_rows),
            .begin = now};
  for (const BatchQueue::Refused& refused : work.cut.refused) {
    Count(refused.why, refused.task->rows, state.counts);
  }
  work.expected =
      work.cut.batch.empty() ? absl::ZeroDuration() : state.cost.Estimate(work.cut.rows);
  state.busy_until.push_back(now + work.expected);
  shares_.Charge(state.member, work.expected);
  if (state.queue.queued_rows() == 0) {
    state.left_to_workers = false;
    shares_.SetWaiting(state.member, false);
  }
  return work;
}

void Executor::LeaveToOthers(absl::Time now) {
  if (idle_workers_ == 0) return;  // Those that are busy look around when they are done.
  const absl::Time next = UpdateWaiting(now);
  if (next < absl::InfiniteFuture() || shares_.Next()) WakeWorker();
}

void Executor::AnswerRefused(Work& work) {
  for (const BatchQueue::Refused& refused : std::exchange(work.cut.refused, {})) {
    refused.task->Done(refused.why);
  }
}

void Executor::Run(Work work) {
  AnswerRefused(work);
  BatchOutcome outcome;
  const bool any = !work.cut.batch.empty();
  if (any) {
    const Lane& lane = *work.lane;
    outcome = RunBatch(*lane.model, *lane.settings, lane.version, work.begin, lane.stats,
                       std::move(work.cut.batch));
  }
  absl::MutexLock lock(&mu_);
  LaneState& state = StateOf(*work.lane);
  state.busy_until.erase(
      std::find(state.busy_until.begin(), state.busy_until.end(), work.begin + work.expected));
  if (state.options.run_inline && state.HasWork(work.begin)) {
    // Those who submitted it may have found no free instance and gone away. A poller that frees one
    // looks at its own kind of lanes next, a worker at those that are left to workers.
    if (work.on_worker) {
      state.left_to_workers = true;
    } else if (state.left_to_workers) {
      WakeWorker();
    }
  }
  if (!any) return;
  // How fast a model fails tells nothing of how long it works.
  const int64_t executed_rows = work.cut.rows - outcome.refused_rows;
  if (!outcome.failed && executed_rows > 0) {
    state.cost.Observe(executed_rows, outcome.time);
  }
  state.counts.executed_batches += executed_rows > 0 ? 1 : 0;
  state.counts.executed_rows += executed_rows;
  state.counts.expired_rows += outcome.refused_rows;
  state.counts.expired_executed_rows += outcome.expired_rows;
  state.counts.failed_rows += outcome.failed_rows;
  if (!state.removed) shares_.Charge(state.member, outcome.time - work.expected);
}

BatchQueue::Outlook Executor::OutlookOf(const LaneState& state) const {
  BatchQueue::Outlook outlook{.next_free = absl::InfinitePast()};
  const double cores = static_cast<double>(cores_) * shares_.Share(state.member);
  outlook.parallel = std::min<double>(state.options.instances, cores);
  if (!state.has_free_instance()) {
    outlook.next_free = *std::min_element(state.busy_until.begin(), state.busy_until.end());
  }
  return outlook;
}

void Executor::WakeWorker() {
  if (idle_workers_ > 0) wake_.Signal();
}

}  // namespace weir
