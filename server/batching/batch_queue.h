// Decides which requests of one model run together, in what order, and which do not run at all.
// Pure policy: no threads, no clock, no model. docs/batching.md tells it with a picture.
#ifndef WEIR_SERVER_BATCHING_BATCH_QUEUE_H_
#define WEIR_SERVER_BATCHING_BATCH_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/deadline_wheel.h"
#include "base/intrusive_list.h"
#include "server/batching/batch_cost.h"
#include "server/model/model_settings.h"
#include "server/model/refusal.h"
#include "server/model/task.h"

namespace weir {

// The queued tasks of one shape. Ready buckets are in ready_, others that hold anything in
// waiting_.
struct QueueBucket {
  using Fifo = IntrusiveList<Task, QueueTag>;

  explicit QueueBucket(size_t rank_count) : ranks(rank_count) {}

  std::vector<Fifo> ranks;  // By rank; each in the order of its sequence.
  int64_t rows = 0;
  size_t tasks = 0;
  std::optional<QueueEntry::Place> head;  // The key in ready_, if it is there.
  std::optional<absl::Time> waits_until;  // A part of the key in waiting_, if it is there.
};

// Not thread-safe. Times are passed in, are not before the epoch, and never go backwards.
//
// - Rows of the same shape (the first dimension apart) run together, in the order of their arrival
//   within a priority; a higher priority goes first, whichever shape it has.
// - A batch is cut when an instance is idle and there is anything to run (natural batching), unless
//   max_delay asks to wait: then when a preferred size or the largest batch can be filled, or when
//   the oldest request has waited for so long, or for half of the time that its deadline spares.
// - The largest batch is the largest preferred size, or max_batch_rows if no size is preferred. A
//   batch has the largest preferred size that can be filled; if none can, all that fits. A request
//   of more rows runs alone.
// - A request that is cancelled, expired, or whose deadline is too near for its batch, is never
// cut.
//   One that would come too late is not even taken; but while nothing runs, one in a while is,
//   since only batches can tell that the machine is as fast again as it was.
class BatchQueue {
 public:
  // `max_batch_rows` 0: the model has no row dimension, each request runs alone.
  BatchQueue(const BatchingSettings& settings, int64_t max_batch_rows);

  // What is known of the machine when a request comes.
  struct Outlook {
    absl::Time next_free;  // When the next instance is expected to be idle; the past if one is.
    // How many batches of this model run at once, on average, when busy. Above zero.
    double parallel = 1;
  };

  struct Refused {
    Task* task = nullptr;
    Refusal why;
  };

  struct Cut {
    std::vector<Task*> batch;      // Empty: nothing to run now. Otherwise all of one shape.
    int64_t rows = 0;              // Of the batch.
    std::vector<Refused> refused;  // Out of the queue, to be answered.
  };

  // Takes the task until it is in a Cut or Refused, or says why it does not.
  std::optional<Refusal> Push(Task& task, absl::Time now, const BatchCost& cost,
                              const Outlook& outlook);

  // What an idle instance shall run now: at most `max_rows` of it, but at least one request.
  Cut Next(absl::Time now, const BatchCost& cost, int64_t max_rows);

  // What has left the queue since, to be answered. Next gives it too, but while all instances are
  // busy for long nobody calls Next, and refused tasks would pile up as others come.
  std::vector<Refused> TakeRefused() { return std::exchange(refused_, {}); }

  // When Next will have something to do if nothing else comes: not later than `now` if it has
  // already, InfiniteFuture if the queue is empty.
  absl::Time ReadyAt(absl::Time now) const;

  int64_t queued_rows() const { return queued_rows_; }

  // The shapes that it keeps in mind: those of what waits, and a bounded number of others.
  size_t known_shapes() const { return buckets_.size(); }

 private:
  using Place = QueueEntry::Place;
  using Bucket = QueueBucket;

  size_t LevelOf(const Task& task) const;
  Bucket& BucketOf(const Task& task);
  bool IsFull(size_t level, int64_t rows) const;
  bool IsReachable(const Task& task, size_t level, absl::Time now, const BatchCost& cost,
                   const Outlook& outlook) const;

  // Refuses what has expired and delays what has waited too long.
  void Settle(absl::Time now);
  void RefuseCancelled(absl::Time now);
  void Refuse(Task& task, Refusal why);

  static absl::Time EventTime(const Task& task);
  void Schedule(Task& task);

  // Takes the task out; its bucket has to be filed anew.
  void Extract(Task& task);

  // Puts the bucket where it belongs now: into ready_, into waiting_, or into neither.
  void File(Bucket& bucket, absl::Time now);
  bool IsPreferred(int64_t rows) const;
  absl::Time ReadyTime(const Bucket& bucket) const;

  void CutFrom(Bucket& bucket, absl::Time now, const BatchCost& cost, int64_t max_rows, Cut& cut);

  const BatchingSettings settings_;
  const bool has_rows_;    // False: each request runs alone.
  const int64_t largest_;  // The most rows of a batch.

  absl::flat_hash_map<std::vector<int64_t>, std::unique_ptr<Bucket>> buckets_;  // By shape.
  size_t empty_buckets_ = 0;  // Kept, because their shapes may come again; bounded.
  absl::btree_map<Place, Bucket*> ready_;
  absl::btree_set<std::pair<absl::Time, Bucket*>> waiting_;
  DeadlineWheel events_;  // What the clock will do to tasks.

  std::vector<int64_t> rows_of_rank_;
  std::vector<int64_t> rows_of_level_;
  int64_t queued_rows_ = 0;
  size_t tasks_ = 0;
  uint64_t next_sequence_ = 0;
  size_t pushes_since_search_ = 0;  // For cancelled tasks.
  absl::Time next_probe_ = absl::InfinitePast();
  std::vector<Refused> refused_;     // To be reported.
  std::vector<int64_t> shape_;       // Of the task at hand.
  std::vector<int64_t> last_shape_;  // Of the task before, and its bucket. Only BucketOf erases
  Bucket* last_bucket_ = nullptr;    // buckets, and never this one.
  std::vector<Task*> due_;           // By the clock, at the moment.
};

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_BATCH_QUEUE_H_
