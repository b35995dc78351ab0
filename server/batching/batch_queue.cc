#include "server/batching/batch_queue.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "server/batching/batch_room.h"

namespace weir {
namespace {

// Only batches correct the estimate. Where it has become so high that nothing is taken any more, a
// request that would have been in time before runs nevertheless, but for this part of the time at
// most.
constexpr int kTimeBetweenProbes = 10;  // In estimated times of the probe.

// Of shapes that have nothing queued, and beside as many as have.
constexpr size_t kEmptyBuckets = 64;

bool IsCancelled(const Task& task) {
  // Relaxed: a task that is seen cancelled too late merely runs in vain.
  return task.cancelled != nullptr && task.cancelled->load(std::memory_order_relaxed);
}

}  // namespace

BatchQueue::BatchQueue(const BatchingSettings& settings, int64_t max_batch_rows)
    : settings_(settings),
      has_rows_(max_batch_rows > 0),
      largest_(!has_rows_                        ? 1
               : settings.preferred_rows.empty() ? max_batch_rows
                                                 : settings.preferred_rows.back()),
      events_(0),
      rows_of_rank_(settings.levels.size() + 1),
      rows_of_level_(settings.levels.size()) {}

size_t BatchQueue::LevelOf(const Task& task) const {
  const size_t level = task.priority == 0 ? settings_.default_level : task.priority;
  return std::clamp<size_t>(level, 1, settings_.levels.size()) - 1;
}

BatchQueue::Bucket& BatchQueue::BucketOf(const Task& task) {
  shape_.clear();
  if (has_rows_) {
    for (const TensorView& input : task.inputs) {
      shape_.push_back(static_cast<int64_t>(input.shape.size()));
      if (!input.shape.empty()) {
        shape_.insert(shape_.end(), input.shape.begin() + 1, input.shape.end());
      }
    }
  }
  // Mostly that of the task before.
  if (last_bucket_ != nullptr && shape_ == last_shape_) return *last_bucket_;
  std::unique_ptr<Bucket>& bucket = buckets_[shape_];
  const bool known = bucket != nullptr;
  if (!known) bucket = std::make_unique<Bucket>(rows_of_rank_.size());
  Bucket& result = *bucket;
  last_bucket_ = &result;
  last_shape_ = shape_;
  if (known) return result;
  ++empty_buckets_;
  if (empty_buckets_ > kEmptyBuckets && empty_buckets_ > buckets_.size() / 2) {
    absl::erase_if(buckets_, [&result](const auto& entry) {
      return entry.second->tasks == 0 && entry.second.get() != &result;
    });
    empty_buckets_ = 1;
  }
  return result;
}

bool BatchQueue::IsFull(size_t level, int64_t rows) const {
  const int64_t max_rows = settings_.levels[level].max_rows;
  const int64_t queued = rows_of_level_[level];
  // A request that is larger than the queue would otherwise never run.
  return queued > 0 && queued + rows > (max_rows > 0 ? max_rows : kDefaultQueueRows);
}

bool BatchQueue::IsReachable(const Task& task, size_t level, absl::Time now, const BatchCost& cost,
                             const Outlook& outlook) const {
  if (task.deadline == absl::InfiniteFuture()) return true;
  int64_t ahead = 0;
  for (size_t rank = 0; rank <= level; ++rank) ahead += rows_of_rank_[rank];
  int64_t batches = ahead / largest_;
  int64_t own_batch = ahead % largest_ + task.rows;
  if (own_batch > largest_) {  // It is the first of the next one.
    batches += own_batch > task.rows ? 1 : 0;
    own_batch = task.rows;
  }
  // Where a full batch is ahead, the next will be full too by the time it runs.
  if (batches > 0) own_batch = std::max(own_batch, largest_);
  // By way of nanoseconds, because the long arithmetic of durations takes longer than all the rest.
  double needed_ns = cost.EstimateNs(own_batch);
  if (needed_ns == 0) return true;
  if (outlook.next_free > now) needed_ns += absl::ToDoubleNanoseconds(outlook.next_free - now);
  if (batches > 0) {
    needed_ns += cost.EstimateNs(largest_) * (static_cast<double>(batches) / outlook.parallel);
  }
  return IsInTime(needed_ns, task.deadline - now);
}

std::optional<Refusal> BatchQueue::Push(Task& task, absl::Time now, const BatchCost& cost,
                                        const Outlook& outlook) {
  ++pushes_since_search_;
  if (task.deadline <= now) return Refusal::kExpired;
  if (IsCancelled(task)) return Refusal::kCancelled;
  Settle(now);
  const size_t level = LevelOf(task);
  if (IsFull(level, task.rows)) {
    // Looking at each task is worth it once in as many calls.
    if (pushes_since_search_ >= tasks_) RefuseCancelled(now);
    if (IsFull(level, task.rows)) return Refusal::kQueueFull;
  }
  bool is_probe = false;
  if (!IsReachable(task, level, now, cost, outlook)) {
    is_probe = tasks_ == 0 && outlook.next_free <= now && now >= next_probe_ &&
               IsInTime(cost.AtBestNs(task.rows), task.deadline - now);
    if (!is_probe) return Refusal::kUnreachableDeadline;
    next_probe_ = now + kTimeBetweenProbes * cost.Estimate(task.rows);
  }

  const QueueLevel& queue_level = settings_.levels[level];
  const absl::Time timeout = now + queue_level.default_timeout;
  task.enqueued = now;
  task.place = {level, next_sequence_++};
  task.level = level;
  task.is_probe = is_probe;
  task.delayed = queue_level.delay_on_timeout ? timeout : absl::InfiniteFuture();
  task.expires = queue_level.delay_on_timeout ? task.deadline : std::min(task.deadline, timeout);
  // Waiting for company takes at most half of the time that there is to spare.
  task.waits_until = now;
  if (settings_.max_delay > absl::ZeroDuration()) {
    const absl::Duration spare =
        std::min(task.expires, task.deadline - cost.Estimate(largest_)) - now;
    task.waits_until += std::clamp(spare / 2, absl::ZeroDuration(), settings_.max_delay);
  }

  Bucket& bucket = BucketOf(task);
  task.bucket = &bucket;
  rows_of_rank_[level] += task.rows;
  rows_of_level_[level] += task.rows;
  queued_rows_ += task.rows;
  ++tasks_;
  bucket.rows += task.rows;
  if (bucket.tasks++ == 0) --empty_buckets_;
  bucket.ranks[level].push_back(task);
  Schedule(task);
  // Where batches wait for more rows, a request in the middle may change what they wait for.
  if (!bucket.head || task.place < *bucket.head || settings_.max_delay > absl::ZeroDuration()) {
    File(bucket, now);
  }
  return std::nullopt;
}

void BatchQueue::Schedule(Task& task) {
  const absl::Time event = EventTime(task);
  if (event < absl::InfiniteFuture()) events_.Add(task, absl::ToUnixNanos(event));
}

absl::Time BatchQueue::EventTime(const Task& task) {
  const bool was_delayed = task.place.rank != task.level;
  return was_delayed ? task.expires : std::min(task.expires, task.delayed);
}

void BatchQueue::Extract(Task& task) {
  Bucket& bucket = *task.bucket;
  events_.Remove(task);
  static_cast<ListLink<QueueTag>&>(task).Unlink();
  rows_of_rank_[task.place.rank] -= task.rows;
  rows_of_level_[task.level] -= task.rows;
  queued_rows_ -= task.rows;
  --tasks_;
  bucket.rows -= task.rows;
  if (--bucket.tasks == 0) ++empty_buckets_;
}

void BatchQueue::Refuse(Task& task, Refusal why) {
  Extract(task);
  refused_.push_back({.task = &task, .why = why});
}

void BatchQueue::Settle(absl::Time now) {
  events_.Advance(absl::ToUnixNanos(now));
  due_.clear();
  while (Deadline* const due = events_.TakeExpired()) due_.push_back(static_cast<Task*>(due));
  std::sort(due_.begin(), due_.end(), [](const Task* a, const Task* b) {
    return std::pair(EventTime(*a), a->place.sequence) <
           std::pair(EventTime(*b), b->place.sequence);
  });
  for (Task* const task : due_) {
    Bucket& bucket = *task->bucket;
    if (EventTime(*task) > now) {  // By less than the wheel can tell.
      Schedule(*task);
      continue;
    }
    if (task->expires <= now) {
      Refuse(*task, Refusal::kExpired);
    } else {
      bucket.ranks.back().push_back(*task);
      rows_of_rank_[task->place.rank] -= task->rows;
      rows_of_rank_.back() += task->rows;
      task->place = {rows_of_rank_.size() - 1, next_sequence_++};
      Schedule(*task);
    }
    File(bucket, now);
  }
}

void BatchQueue::RefuseCancelled(absl::Time now) {
  pushes_since_search_ = 0;
  for (auto& [shape, bucket] : buckets_) {
    for (Bucket::Fifo& fifo : bucket->ranks) {
      for (Task* task = fifo.front(); task != nullptr;) {
        Task* const next = fifo.next(*task);
        if (IsCancelled(*task)) Refuse(*task, Refusal::kCancelled);
        task = next;
      }
    }
    File(*bucket, now);
  }
}

absl::Time BatchQueue::ReadyTime(const Bucket& bucket) const {
  if (settings_.max_delay <= absl::ZeroDuration() || bucket.rows >= largest_) {
    return absl::InfinitePast();
  }
  absl::Time ready = absl::InfiniteFuture();
  int64_t rows = 0;
  for (const Bucket::Fifo& fifo : bucket.ranks) {
    for (const Task* task = fifo.front(); task != nullptr; task = fifo.next(*task)) {
      rows += task->rows;
      if (IsPreferred(rows)) return absl::InfinitePast();
      ready = std::min(ready, task->waits_until);
    }
  }
  return ready;
}

bool BatchQueue::IsPreferred(int64_t rows) const {
  const std::vector<int64_t>& preferred = settings_.preferred_rows;
  return std::binary_search(preferred.begin(), preferred.end(), rows);
}

void BatchQueue::File(Bucket& bucket, absl::Time now) {
  if (bucket.head) ready_.erase(*bucket.head);
  if (bucket.waits_until) waiting_.erase({*bucket.waits_until, &bucket});
  bucket.head.reset();
  bucket.waits_until.reset();
  if (bucket.tasks == 0) return;
  const absl::Time ready = ReadyTime(bucket);
  if (ready <= now) {
    const auto first = std::find_if(bucket.ranks.begin(), bucket.ranks.end(),
                                    [](const Bucket::Fifo& fifo) { return !fifo.empty(); });
    bucket.head = first->front()->place;
    ready_.emplace(*bucket.head, &bucket);
  } else {
    bucket.waits_until = ready;
    waiting_.emplace(ready, &bucket);
  }
}

absl::Time BatchQueue::ReadyAt(absl::Time now) const {
  if (!refused_.empty() || !ready_.empty()) return now;
  return waiting_.empty() ? absl::InfiniteFuture() : waiting_.begin()->first;
}

BatchQueue::Cut BatchQueue::Next(absl::Time now, const BatchCost& cost, int64_t max_rows) {
  Cut cut;
  Settle(now);
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    File(*waiting_.begin()->second, now);
  }
  while (cut.batch.empty() && !ready_.empty()) {
    Bucket& bucket = *ready_.begin()->second;
    CutFrom(bucket, now, cost, std::clamp<int64_t>(max_rows, 1, largest_), cut);
    File(bucket, now);
  }
  cut.refused.swap(refused_);
  return cut;
}

void BatchQueue::CutFrom(Bucket& bucket, absl::Time now, const BatchCost& cost, int64_t max_rows,
                         Cut& cut) {
  BatchRoom room(cost, max_rows);
  size_t preferred = 0;  // So many tasks have the largest preferred size.
  bool open = true;
  cut.batch.reserve(std::min(bucket.tasks, static_cast<size_t>(max_rows)));
  for (size_t rank = 0; rank < bucket.ranks.size() && open; ++rank) {
    Bucket::Fifo& fifo = bucket.ranks[rank];
    for (Task* next = fifo.front(); next != nullptr && open;) {
      Task& task = *std::exchange(next, fifo.next(*next));
      if (IsCancelled(task)) {
        Refuse(task, Refusal::kCancelled);
        continue;
      }
      const absl::Duration left = task.is_probe ? absl::InfiniteDuration() : task.deadline - now;
      switch (room.Take(task.rows, left, bucket.rows >= room.full_rows())) {
        case BatchRoom::Fit::kTaken:
          cut.batch.push_back(&task);
          if (IsPreferred(room.rows())) preferred = cut.batch.size();
          open = !room.is_full();
          break;
        case BatchRoom::Fit::kNextBatch:
          open = false;
          break;
        case BatchRoom::Fit::kTooLate:
          Refuse(task, Refusal::kUnreachableDeadline);
          break;
      }
    }
  }
  if (preferred > 0) cut.batch.resize(preferred);
  for (Task* const task : cut.batch) {
    cut.rows += task->rows;
    Extract(*task);
  }
}

}  // namespace weir
