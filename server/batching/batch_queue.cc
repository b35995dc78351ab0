#include "server/batching/batch_queue.h"

#include <algorithm>
#include <atomic>
#include <iterator>

#include "server/batching/batch_room.h"

namespace weir {
namespace {

// Only batches correct the estimate. Where it has become so high that nothing is taken any more, a
// request that would have been in time before runs nevertheless, but for this part of the time at
// most.
constexpr int kTimeBetweenProbes = 10;  // In estimated times of the probe.

// Of shapes that have nothing queued, and beside as many as have.
constexpr size_t kEmptyBuckets = 64;

// Elements of a queue that are kept for others.
constexpr size_t kSpares = 1024;

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
  std::unique_ptr<Bucket>& bucket = buckets_[shape_];
  if (bucket != nullptr) return *bucket;
  bucket = std::make_unique<Bucket>();
  bucket->ranks.resize(rows_of_rank_.size());
  ++empty_buckets_;
  Bucket& result = *bucket;
  if (empty_buckets_ > kEmptyBuckets && empty_buckets_ > buckets_.size() / 2) {
    absl::erase_if(buckets_, [&result](const auto& entry) {
      return entry.second->entries == 0 && entry.second.get() != &result;
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
  const absl::Duration own_time = cost.Estimate(own_batch);
  if (own_time == absl::ZeroDuration()) return true;
  absl::Duration needed = own_time + std::max(outlook.next_free - now, absl::ZeroDuration());
  if (batches > 0) {
    needed += cost.Estimate(largest_) * (static_cast<double>(batches) / outlook.parallel);
  }
  return now + WithMargin(needed) <= task.deadline;
}

std::optional<Refusal> BatchQueue::Push(Task& task, absl::Time now, const BatchCost& cost,
                                        const Outlook& outlook) {
  ++pushes_since_search_;
  if (task.deadline <= now) return Refusal::kExpired;
  if (IsCancelled(task)) return Refusal::kCancelled;
  Settle(now);
  const size_t level = LevelOf(task);
  if (IsFull(level, task.rows)) {
    // Looking at each entry is worth it once in as many calls.
    if (pushes_since_search_ >= entries_) RefuseCancelled(now);
    if (IsFull(level, task.rows)) return Refusal::kQueueFull;
  }
  bool is_probe = false;
  if (!IsReachable(task, level, now, cost, outlook)) {
    is_probe = entries_ == 0 && outlook.next_free <= now && now >= next_probe_ &&
               now + WithMargin(cost.AtBest(task.rows)) <= task.deadline;
    if (!is_probe) return Refusal::kUnreachableDeadline;
    next_probe_ = now + kTimeBetweenProbes * cost.Estimate(task.rows);
  }

  const QueueLevel& queue_level = settings_.levels[level];
  const absl::Time timeout = now + queue_level.default_timeout;
  Queued queued;
  queued.place = {level, next_sequence_++};
  queued.level = level;
  queued.is_probe = is_probe;
  queued.delayed = queue_level.delay_on_timeout ? timeout : absl::InfiniteFuture();
  queued.expires = queue_level.delay_on_timeout ? task.deadline : std::min(task.deadline, timeout);
  // Waiting for company takes at most half of the time that there is to spare.
  queued.waits_until = now;
  if (settings_.max_delay > absl::ZeroDuration()) {
    const absl::Duration spare =
        std::min(queued.expires, task.deadline - cost.Estimate(largest_)) - now;
    queued.waits_until += std::clamp(spare / 2, absl::ZeroDuration(), settings_.max_delay);
  }

  Bucket& bucket = BucketOf(task);
  queued.bucket = &bucket;
  rows_of_rank_[level] += task.rows;
  rows_of_level_[level] += task.rows;
  queued_rows_ += task.rows;
  ++entries_;
  bucket.rows += task.rows;
  if (bucket.entries++ == 0) --empty_buckets_;
  queued.entry = {.task = std::move(task), .enqueued = now};
  Fifo& fifo = bucket.ranks[level];
  if (spare_.empty()) {
    fifo.push_back(std::move(queued));
  } else {
    spare_.front() = std::move(queued);
    fifo.splice(fifo.end(), spare_, spare_.begin());
  }
  Schedule(std::prev(fifo.end()));
  // Where batches wait for more rows, a request in the middle may change what they wait for.
  if (!bucket.head || fifo.back().place < *bucket.head ||
      settings_.max_delay > absl::ZeroDuration()) {
    File(bucket, now);
  }
  return std::nullopt;
}

void BatchQueue::Schedule(Position position) {
  const absl::Time event = EventTime(*position);
  if (event < absl::InfiniteFuture()) {
    events_.emplace(std::pair(event, position->place.sequence), position);
  }
}

absl::Time BatchQueue::EventTime(const Queued& queued) {
  const bool was_delayed = queued.place.rank != queued.level;
  return was_delayed ? queued.expires : std::min(queued.expires, queued.delayed);
}

BatchQueue::Entry BatchQueue::Extract(Position position) {
  Queued& queued = *position;
  Bucket& bucket = *queued.bucket;
  const int64_t rows = queued.entry.task.rows;
  const absl::Time event = EventTime(queued);
  if (event < absl::InfiniteFuture()) events_.erase({event, queued.place.sequence});
  rows_of_rank_[queued.place.rank] -= rows;
  rows_of_level_[queued.level] -= rows;
  queued_rows_ -= rows;
  --entries_;
  bucket.rows -= rows;
  if (--bucket.entries == 0) ++empty_buckets_;
  Entry entry = std::move(queued.entry);
  Fifo& fifo = bucket.ranks[queued.place.rank];
  if (spare_.size() < kSpares) {
    spare_.splice(spare_.begin(), fifo, position);
  } else {
    fifo.erase(position);
  }
  return entry;
}

void BatchQueue::Refuse(Position position, Refusal why) {
  refused_.push_back({.task = Extract(position).task, .why = why});
}

void BatchQueue::Settle(absl::Time now) {
  while (!events_.empty() && events_.begin()->first.first <= now) {
    const Position position = events_.begin()->second;
    Bucket& bucket = *position->bucket;
    if (position->expires <= now) {
      Refuse(position, Refusal::kExpired);
    } else {
      events_.erase(events_.begin());
      const int64_t rows = position->entry.task.rows;
      Fifo& last = bucket.ranks.back();
      last.splice(last.end(), bucket.ranks[position->place.rank], position);
      rows_of_rank_[position->place.rank] -= rows;
      rows_of_rank_.back() += rows;
      position->place = {rows_of_rank_.size() - 1, next_sequence_++};
      Schedule(position);
    }
    File(bucket, now);
  }
}

void BatchQueue::RefuseCancelled(absl::Time now) {
  pushes_since_search_ = 0;
  for (auto& [shape, bucket] : buckets_) {
    for (Fifo& fifo : bucket->ranks) {
      for (Position it = fifo.begin(); it != fifo.end();) {
        const Position position = it++;
        if (IsCancelled(position->entry.task)) Refuse(position, Refusal::kCancelled);
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
  for (const Fifo& fifo : bucket.ranks) {
    for (const Queued& queued : fifo) {
      rows += queued.entry.task.rows;
      if (IsPreferred(rows)) return absl::InfinitePast();
      ready = std::min(ready, queued.waits_until);
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
  if (bucket.entries == 0) return;
  const absl::Time ready = ReadyTime(bucket);
  if (ready <= now) {
    const auto first = std::find_if(bucket.ranks.begin(), bucket.ranks.end(),
                                    [](const Fifo& fifo) { return !fifo.empty(); });
    bucket.head = first->front().place;
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
  picked_.clear();
  size_t preferred = 0;  // So many entries have the largest preferred size.
  bool open = true;
  for (size_t rank = 0; rank < bucket.ranks.size() && open; ++rank) {
    Fifo& fifo = bucket.ranks[rank];
    for (Position it = fifo.begin(); it != fifo.end() && open;) {
      const Position position = it++;
      const Task& task = position->entry.task;
      if (IsCancelled(task)) {
        Refuse(position, Refusal::kCancelled);
        continue;
      }
      const absl::Duration left =
          position->is_probe ? absl::InfiniteDuration() : task.deadline - now;
      switch (room.Take(task.rows, left, bucket.rows >= room.full_rows())) {
        case BatchRoom::Fit::kTaken:
          picked_.push_back(position);
          if (IsPreferred(room.rows())) preferred = picked_.size();
          open = !room.is_full();
          break;
        case BatchRoom::Fit::kNextBatch:
          open = false;
          break;
        case BatchRoom::Fit::kTooLate:
          Refuse(position, Refusal::kUnreachableDeadline);
          break;
      }
    }
  }
  if (preferred > 0) picked_.resize(preferred);
  cut.batch.reserve(picked_.size());
  for (const Position position : picked_) {
    cut.rows += position->entry.task.rows;
    cut.batch.push_back(Extract(position));
  }
}

}  // namespace weir
