// Drives a BatchQueue in tests and tells in words what it does.
#ifndef WEIR_SERVER_BATCHING_QUEUE_SCRIPT_H_
#define WEIR_SERVER_BATCHING_QUEUE_SCRIPT_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "server/batching/batch_cost.h"
#include "server/batching/batch_queue.h"
#include "server/batching/shaped_task.h"

namespace weir {

inline std::string Word(Refusal refusal) {
  switch (refusal) {
    case Refusal::kQueueFull:
      return "full";
    case Refusal::kUnreachableDeadline:
      return "unreachable";
    case Refusal::kExpired:
      return "expired";
    case Refusal::kCancelled:
      return "cancelled";
  }
  return "?";
}

// Its clock stands still but for Wait.
class QueueScript {
 public:
  struct Request {
    std::string name;
    int64_t rows = 1;
    std::vector<int64_t> shape = {4};  // Without the rows.
    uint32_t priority = 0;
    absl::Duration deadline = absl::InfiniteDuration();  // From now.
  };

  explicit QueueScript(const BatchingSettings& settings = {}, int64_t max_batch_rows = 8,
                       std::vector<BatchTime> measured = {})
      : cost(std::move(measured)), queue(settings, max_batch_rows) {}

  // "" or why it was refused.
  std::string Push(const Request& request) {
    std::vector<int64_t> shape = request.shape;
    shape.insert(shape.begin(), request.rows);
    NamedTask& task = tasks_.emplace_back(request.name, std::move(shape));
    task.priority = request.priority;
    task.deadline = now + request.deadline;
    task.is_cancelled = cancelled_.count(request.name) > 0;
    const std::optional<Refusal> refusal = queue.Push(task, now, cost, outlook);
    return refusal ? Word(*refusal) : "";
  }

  // So many requests of one row, a name each: "<prefix>1", "<prefix>2"; how many were taken.
  int PushMany(const std::string& prefix, int count) { return PushMany(prefix, count, Request()); }
  int PushMany(const std::string& prefix, int count, Request request) {
    int taken = 0;
    for (int i = 1; i <= count; ++i) {
      request.name = absl::StrCat(prefix, i);
      taken += Push(request).empty() ? 1 : 0;
    }
    return taken;
  }

  void Cancel(const std::string& name) {
    cancelled_.insert(name);
    for (NamedTask& task : tasks_) {
      if (task.name == name) task.is_cancelled = true;
    }
  }
  void Wait(absl::Duration time) { now += time; }

  // The batch, and behind a semicolon what was refused, by name: "a b; c expired".
  std::string Next(int64_t max_rows = 1000) {
    const BatchQueue::Cut cut = queue.Next(now, cost, max_rows);
    std::vector<std::string> batch;
    for (const Task* task : cut.batch) batch.push_back(Name(*task));
    std::vector<std::string> refused;
    for (const BatchQueue::Refused& each : cut.refused) {
      refused.push_back(absl::StrCat(Name(*each.task), " ", Word(each.why)));
    }
    std::sort(refused.begin(), refused.end());
    return absl::StrCat(absl::StrJoin(batch, " "), refused.empty() ? "" : "; ",
                        absl::StrJoin(refused, ", "));
  }

  // The rows of the next batch.
  int64_t NextRows() { return queue.Next(now, cost, 1000).rows; }

  absl::Duration ReadyIn() const {
    return std::max(queue.ReadyAt(now) - now, absl::ZeroDuration());
  }

  absl::Time now = absl::UnixEpoch() + absl::Hours(1);
  BatchQueue::Outlook outlook = {.next_free = absl::InfinitePast()};
  BatchCost cost;
  BatchQueue queue;

 private:
  struct NamedTask : public ShapedTask {
    NamedTask(std::string name, std::vector<int64_t> shape)
        : ShapedTask(std::move(shape)), name(std::move(name)) {}

    const std::string name;
  };

  static std::string Name(const Task& task) { return static_cast<const NamedTask&>(task).name; }

  std::deque<NamedTask> tasks_;
  std::set<std::string> cancelled_;  // Also those that are still to come.
};

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_QUEUE_SCRIPT_H_
