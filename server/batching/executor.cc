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

// Everything below is constant after AddLane, or guarded by the executor's lock.
class Executor::Lane {
 public:
  Lane(std::shared_ptr<const ModelSettings> settings, int64_t version, std::unique_ptr<Model> model,
       std::vector<BatchTime> measured, const LaneOptions& options)
      : settings(std::move(settings)),
        version(version),
        model(std::move(model)),
        options(options),
        queue(this->settings->batching, this->settings->max_batch_rows),
        cost(std::move(measured)) {}

  // Whether the workers run its batches.
  bool on_workers() const { return !options.run_inline || left_to_workers; }

  const std::shared_ptr<const ModelSettings> settings;  // Outlives the model.
  const int64_t version;
  const std::unique_ptr<Model> model;
  const LaneOptions options;

  BatchQueue queue;
  BatchCost cost;
  ServableCounts counts;
  FairShare::Member member = 0;
  bool removed = false;
  bool left_to_workers = false;        // An inline lane that had more than its share.
  std::vector<absl::Time> busy_until;  // Of each batch that runs, as expected.
};

Executor::Executor(int workers) {
  absl::MutexLock lock(&mu_);
  StartWorkers(std::max(workers, 1));
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
  lane->member = shares_.Add(lane->settings->weight);
  lanes_.push_back(lane);
  StartWorkers(options.instances);
  return lane;
}

void Executor::RemoveLane(const std::shared_ptr<Lane>& lane) {
  absl::MutexLock lock(&mu_);
  lane->removed = true;
  shares_.Remove(lane->member);
  lanes_.erase(std::find(lanes_.begin(), lanes_.end(), lane));
}

void Executor::Submit(Lane& lane, Task task) {
  const absl::Time now = MonotonicNow();
  std::optional<Refusal> refusal;
  std::vector<BatchQueue::Refused> refused;
  {
    absl::MutexLock lock(&mu_);
    const int64_t rows = task.rows;
    refusal = lane.queue.Push(task, now, lane.cost, OutlookOf(lane));
    refused = lane.queue.TakeRefused();
    for (const BatchQueue::Refused& each : refused) Count(each.why, each.task.rows, lane.counts);
    if (refusal) {
      Count(*refusal, rows, lane.counts);
    } else if (lane.on_workers()) {
      // Also for one that has to wait for more rows: a worker has to watch the time.
      WakeWorker();
    }
  }
  if (refusal) std::move(task.done)(ToStatus(*refusal));
  for (BatchQueue::Refused& each : refused) std::move(each.task.done)(ToStatus(each.why));
}

void Executor::RunInline() {
  while (true) {
    Work work;
    {
      absl::MutexLock lock(&mu_);
      const absl::Time now = MonotonicNow();
      for (size_t i = 0; i < lanes_.size() && work.lane == nullptr; ++i) {
        const size_t index = (first_inline_ + i) % lanes_.size();
        const std::shared_ptr<Lane>& lane = lanes_[index];
        if (lane->on_workers() || !HasWork(*lane, now)) continue;
        if (shares_.MayGoAhead(lane->member, kInlineSlack)) {
          first_inline_ = index + 1;
          work = Begin(lane, now);
        } else {
          lane->left_to_workers = true;
          WakeWorker();
        }
      }
    }
    if (work.lane == nullptr) return;
    Run(std::move(work));
  }
}

ServableCounts Executor::Counts(const Lane& lane) const {
  absl::MutexLock lock(&mu_);
  ServableCounts counts = lane.counts;
  counts.queued_rows = lane.queue.queued_rows();
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

bool Executor::HasWork(const Lane& lane, absl::Time now) {
  return lane.busy_until.size() < static_cast<size_t>(lane.options.instances) &&
         lane.queue.ReadyAt(now) <= now;
}

absl::Time Executor::UpdateWaiting(absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    const bool free = lane->busy_until.size() < static_cast<size_t>(lane->options.instances);
    const absl::Time ready =
        lane->on_workers() && free ? lane->queue.ReadyAt(now) : absl::InfiniteFuture();
    shares_.SetWaiting(lane->member, ready <= now);
    if (ready > now) next = std::min(next, ready);
  }
  return next;
}

Executor::Work Executor::Pick(absl::Time now) {
  const std::optional<FairShare::Member> member = shares_.Next();
  if (!member) return {};
  const auto lane = std::find_if(lanes_.begin(), lanes_.end(),
                                 [&member](const auto& lane) { return lane->member == *member; });
  return Begin(*lane, now);
}

Executor::Work Executor::Begin(const std::shared_ptr<Lane>& lane, absl::Time now) {
  const ModelSettings& settings = *lane->settings;
  int64_t max_rows = std::max<int64_t>(settings.max_batch_rows, 1);
  if (!lane->on_workers()) {
    max_rows = lane->cost.RowsWithin(lane->options.max_inline_time, max_rows);
  }
  Work work{.lane = lane,
            .on_worker = lane->on_workers(),
            .cut = lane->queue.Next(now, lane->cost, max_rows),
            .begin = now};
  for (const BatchQueue::Refused& refused : work.cut.refused) {
    Count(refused.why, refused.task.rows, lane->counts);
  }
  work.expected =
      work.cut.batch.empty() ? absl::ZeroDuration() : lane->cost.Estimate(work.cut.rows);
  lane->busy_until.push_back(now + work.expected);
  shares_.Charge(lane->member, work.expected);
  if (lane->queue.queued_rows() == 0) {
    lane->left_to_workers = false;
    shares_.SetWaiting(lane->member, false);
  }
  return work;
}

void Executor::LeaveToOthers(absl::Time now) {
  if (idle_workers_ == 0) return;  // Those that are busy look around when they are done.
  const absl::Time next = UpdateWaiting(now);
  if (next < absl::InfiniteFuture() || shares_.Next()) WakeWorker();
}

void Executor::Run(Work work) {
  Lane& lane = *work.lane;
  for (BatchQueue::Refused& refused : work.cut.refused) {
    std::move(refused.task.done)(ToStatus(refused.why));
  }
  BatchOutcome outcome;
  const bool any = !work.cut.batch.empty();
  if (any) {
    outcome =
        RunBatch(*lane.model, *lane.settings, lane.version, work.begin, std::move(work.cut.batch));
  }
  absl::MutexLock lock(&mu_);
  lane.busy_until.erase(
      std::find(lane.busy_until.begin(), lane.busy_until.end(), work.begin + work.expected));
  if (lane.options.run_inline && HasWork(lane, work.begin)) {
    // Those who submitted it may have found no free instance and gone away. A poller that frees one
    // looks at its own kind of lanes next, a worker at those that are left to workers.
    if (work.on_worker) {
      lane.left_to_workers = true;
    } else if (lane.left_to_workers) {
      WakeWorker();
    }
  }
  if (!any) return;
  // How fast a model fails tells nothing of how long it works.
  if (outcome.failed_rows == 0) lane.cost.Observe(work.cut.rows, outcome.time);
  lane.counts.executed_batches += 1;
  lane.counts.executed_rows += work.cut.rows;
  lane.counts.expired_executed_rows += outcome.expired_rows;
  lane.counts.failed_rows += outcome.failed_rows;
  if (!lane.removed) shares_.Charge(lane.member, outcome.time - work.expected);
}

BatchQueue::Outlook Executor::OutlookOf(const Lane& lane) const {
  BatchQueue::Outlook outlook{.next_free = absl::InfinitePast()};
  const double cores = static_cast<double>(workers_.size()) * shares_.Share(lane.member);
  outlook.parallel = std::min<double>(lane.options.instances, cores);
  if (lane.busy_until.size() >= static_cast<size_t>(lane.options.instances)) {
    outlook.next_free = *std::min_element(lane.busy_until.begin(), lane.busy_until.end());
  }
  return outlook;
}

void Executor::WakeWorker() {
  if (idle_workers_ > 0) wake_.Signal();
}

}  // namespace weir
