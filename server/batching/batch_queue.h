// Decides which requests of one model run together, in what order, and which do not run at all.
// Pure policy: no threads, no clock, no model. docs/batching.md tells it with a picture.
#ifndef WEIR_SERVER_BATCHING_BATCH_QUEUE_H_
#define WEIR_SERVER_BATCHING_BATCH_QUEUE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/batching/batch_cost.h"
#include "server/model/model_settings.h"
#include "server/model/servable.h"

namespace weir {

// Why a task does not run.
enum class Refusal { kQueueFull, kUnreachableDeadline, kExpired, kCancelled };

// What its caller is told.
absl::Status ToStatus(Refusal refusal);

// Not thread-safe. Times are passed in and never go backwards.
//
// - Rows of the same shape (the first dimension apart) run together, in the order of their arrival
//   within a priority; a higher priority goes first, whichever shape it has.
// - A batch is cut when an instance is idle and there is anything to run (natural batching), unless
//   max_delay asks to wait: then when a preferred size or the largest batch can be filled, or when
//   the oldest request has waited for so long.
// - A batch has the largest preferred size that can be filled; if none can, all that fits.
// - A request that is cancelled, expired, or whose deadline is too near for its batch, is never
// cut.
class BatchQueue {
 public:
  // `max_batch_rows` 0: the model has no row dimension, each request runs alone.
  BatchQueue(const BatchingSettings& settings, int64_t max_batch_rows);

  // What is known of the machine when a request comes.
  struct Outlook {
    absl::Time next_free;  // When the next instance is expected to be idle; the past if one is.
    double parallel = 1;   // How many batches of this model run at once, on average, when busy.
  };

  struct Entry {
    Task task;
    absl::Time enqueued;
  };

  struct Refused {
    Task task;
    Refusal why;
  };

  struct Cut {
    std::vector<Entry> batch;      // Empty: nothing to run now. Otherwise all of one shape.
    int64_t rows = 0;              // Of the batch.
    std::vector<Refused> refused;  // Out of the queue, to be answered.
  };

  // Takes the task, or says why it refuses and leaves it alone.
  std::optional<Refusal> Push(Task& task, absl::Time now, const BatchCost& cost,
                              const Outlook& outlook);

  // What an idle instance shall run now, at most `max_rows` of it (but always at least one
  // request).
  Cut Next(absl::Time now, const BatchCost& cost, int64_t max_rows);

  // When Next will have something to do if nothing else comes: not later than `now` if it has
  // already, InfiniteFuture if the queue is empty.
  absl::Time ReadyAt(absl::Time now) const;

  int64_t queued_rows() const;
};

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_BATCH_QUEUE_H_
