// One version of one model, ready to answer: what the RPC layer hands requests to.
#ifndef WEIR_SERVER_MODEL_SERVABLE_H_
#define WEIR_SERVER_MODEL_SERVABLE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "server/model/model_settings.h"
#include "server/model/task.h"
#include "server/stats/version_stats.h"

namespace weir {

// What became of the tasks of a servable, in rows unless it says otherwise.
struct ServableCounts {
  int64_t executed_rows = 0;
  int64_t executed_batches = 0;
  int64_t expired_executed_rows = 0;  // Their deadline had passed when the model began: a defect.
  int64_t failed_rows =
      0;  // The model failed on them, or on their batch and they were not run again.
  int64_t queue_full_rows = 0;
  int64_t unreachable_deadline_rows = 0;
  int64_t expired_rows = 0;
  int64_t cancelled_rows = 0;
  int64_t queued_rows = 0;  // Now.
};

// Thread-safe.
class Servable {
 public:
  virtual ~Servable() = default;

  virtual const ModelSettings& settings() const = 0;
  virtual int64_t version() const = 0;

  // Calls task.Done, on this thread or another, now or later. Errors are those that a caller may
  // see: RESOURCE_EXHAUSTED if the queue is full or the deadline cannot be met, DEADLINE_EXCEEDED
  // or CANCELLED if the task expired or was cancelled before the model ran, INTERNAL if the model
  // failed. The servable has to live until Done is called, not longer.
  virtual void Submit(Task& task) = 0;

  virtual ServableCounts counts() const = 0;

  // Where its requests are recorded; null: nowhere.
  virtual VersionStats* stats() const { return nullptr; }

  // Batches that may run at once.
  virtual int instances() const { return 1; }

  // Differs between model files; empty if it is not known.
  virtual absl::string_view digest() const { return ""; }

  // How it runs, for people: "inline, at most 16 rows a batch".
  virtual std::string Description() const = 0;
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_SERVABLE_H_
