// Random requests, in random order, with random settings: BatchQueue and SlowQueue decide alike.
#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/batching/batch_queue.h"
#include "server/batching/shaped_task.h"
#include "server/batching/slow_queue.h"

namespace weir {
namespace {

using absl::Microseconds;
using absl::Milliseconds;

constexpr uint32_t kSequences = 10'000;
constexpr int kSteps = 60;

// Draws what a sequence needs.
class Dice {
 public:
  explicit Dice(uint32_t seed) : random_(seed) {}

  int64_t Between(int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(random_);
  }
  bool OneIn(int64_t n) { return Between(1, n) == 1; }

  BatchingSettings Settings(int64_t max_batch_rows) {
    BatchingSettings settings;
    if (OneIn(2)) settings.max_delay = Milliseconds(Between(1, 20));
    std::set<int64_t> preferred;
    if (max_batch_rows > 0 && OneIn(2)) {
      for (int64_t i = Between(1, 3); i > 0; --i) preferred.insert(Between(1, max_batch_rows));
    }
    settings.preferred_rows.assign(preferred.begin(), preferred.end());
    settings.levels.resize(Between(1, 3));
    for (QueueLevel& level : settings.levels) {
      if (OneIn(2)) level.max_rows = Between(1, 25);
      if (OneIn(3)) level.default_timeout = Milliseconds(Between(1, 30));
      level.delay_on_timeout = OneIn(2);
    }
    settings.default_level = Between(1, static_cast<int64_t>(settings.levels.size()));
    return settings;
  }

  std::vector<BatchTime> Times(int64_t max_batch_rows) {
    std::vector<BatchTime> times;
    const int64_t fixed = Between(0, 3000);
    const int64_t per_row = Between(1, 2000);
    const int64_t step = Between(1, 3);
    if (OneIn(4)) return times;
    for (int64_t rows = 1; rows <= std::max<int64_t>(max_batch_rows, 1); rows += step) {
      times.push_back({rows, Microseconds(fixed + rows * per_row + Between(0, 100))});
    }
    return times;
  }

 private:
  std::mt19937 random_;
};

class Sequence {
 public:
  explicit Sequence(uint32_t seed)
      : seed_(seed),
        dice_(seed),
        max_batch_rows_(dice_.Between(0, 8)),
        settings_(dice_.Settings(max_batch_rows_)),
        cost_(dice_.Times(max_batch_rows_)),
        queue_(settings_, max_batch_rows_),
        slow_(settings_, max_batch_rows_,
              [this](int id) { return tasks_[id].is_cancelled.load(); }) {}

  // The caller looks at HasFatalFailure.
  void Run() {
    for (int step = 0; step < kSteps; ++step) {
      if (dice_.OneIn(3)) Wait(dice_.Between(0, 6));
      const int64_t what = dice_.Between(0, 19);
      if (what < 12) {
        ASSERT_NO_FATAL_FAILURE(Push()) << Where();
      } else if (what < 17) {
        ASSERT_NO_FATAL_FAILURE(Next()) << Where();
      } else if (what < 19) {
        if (!tasks_.empty()) tasks_[dice_.Between(0, tasks_.size() - 1)].is_cancelled = true;
      } else {
        cost_.Observe(dice_.Between(1, 8), Microseconds(dice_.Between(100, 20'000)));
      }
      ASSERT_EQ(queue_.queued_rows(), slow_.queued_rows()) << Where();
      ASSERT_EQ(std::max(queue_.ReadyAt(now_), now_), slow_.ReadyAt(now_)) << Where();
    }
    while (queue_.ReadyAt(now_) < absl::InfiniteFuture()) {
      ASSERT_NO_FATAL_FAILURE(Next()) << Where();
      Wait(20);
    }
    for (const ShapedTask& task : tasks_) ASSERT_EQ(task.times_done, 1) << Where();
  }

 private:
  void Wait(int64_t milliseconds) {
    now_ += Milliseconds(milliseconds);
    absl::StrAppend(&trace_, " +", milliseconds, "ms");
  }

  std::string Where() const {
    std::string levels;
    for (const QueueLevel& level : settings_.levels) {
      absl::StrAppend(&levels, " {", level.max_rows, " rows, ",
                      absl::FormatDuration(level.default_timeout),
                      level.delay_on_timeout ? ", delay" : "", "}");
    }
    return absl::StrCat("\nseed ", seed_, ", max_batch_rows ", max_batch_rows_, ", max_delay ",
                        absl::FormatDuration(settings_.max_delay), ", levels", levels, ":", trace_);
  }

  void Push() {
    const int id = static_cast<int>(tasks_.size());
    const bool is_cancelled = dice_.OneIn(20);
    SlowQueue::Request request = {.id = id,
                                  .shape = static_cast<int>(dice_.Between(0, 2)),
                                  .rows = dice_.OneIn(2) ? 1 : dice_.Between(1, 10),
                                  .priority = static_cast<uint32_t>(dice_.Between(0, 4)),
                                  .deadline = absl::InfiniteFuture()};
    if (max_batch_rows_ == 0) request.rows = 1;
    ShapedTask& task = tasks_.emplace_back(std::vector<int64_t>{request.rows, request.shape});
    task.is_cancelled = is_cancelled;
    if (dice_.OneIn(2)) request.deadline = now_ + Milliseconds(dice_.Between(-1, 60));
    const BatchQueue::Outlook outlook = {.next_free = now_ + Milliseconds(dice_.Between(-5, 10)),
                                         .parallel = 0.5 * dice_.Between(1, 4)};
    absl::StrAppend(&trace_, " push ", id, "/", request.shape, "/", request.rows, "/",
                    request.priority, "/", absl::FormatDuration(request.deadline - now_));

    task.priority = request.priority;
    task.deadline = request.deadline;

    const std::optional<Refusal> expected = slow_.Push(request, now_, cost_, outlook);
    const std::optional<Refusal> refusal = queue_.Push(task, now_, cost_, outlook);
    ASSERT_EQ(refusal, expected);
    if (refusal) End(task);
  }

  void Next() {
    const int64_t max_rows = dice_.OneIn(4) ? dice_.Between(0, 6) : 100;
    absl::StrAppend(&trace_, " next ", max_rows);
    const SlowQueue::Cut expected = slow_.Next(now_, cost_, max_rows);
    BatchQueue::Cut cut = queue_.Next(now_, cost_, max_rows);
    std::vector<int> batch;
    int64_t rows = 0;
    for (Task* const task : cut.batch) {
      ASSERT_GT(task->deadline, now_);
      if (max_batch_rows_ > 0) {
        ASSERT_EQ(task->inputs[0].shape[1], cut.batch[0]->inputs[0].shape[1]);
      }
      rows += task->rows;
      batch.push_back(End(*task));
    }
    ASSERT_EQ(batch, expected.batch);
    ASSERT_EQ(rows, cut.rows);
    ASSERT_TRUE(batch.size() <= 1 || rows <= std::min(max_rows, max_batch_rows_));
    std::vector<std::pair<int, Refusal>> refused;
    for (BatchQueue::Refused& each : cut.refused) refused.emplace_back(End(*each.task), each.why);
    std::sort(refused.begin(), refused.end());
    std::vector<std::pair<int, Refusal>> expected_refused = expected.refused;
    std::sort(expected_refused.begin(), expected_refused.end());
    ASSERT_EQ(refused, expected_refused);
  }

  // Ends the task and returns its id.
  int End(Task& task) {
    task.Done(absl::CancelledError());
    for (size_t id = 0; id < tasks_.size(); ++id) {
      if (&task == &tasks_[id]) return static_cast<int>(id);
    }
    return -1;
  }

  const uint32_t seed_;
  Dice dice_;
  const int64_t max_batch_rows_;
  const BatchingSettings settings_;
  BatchCost cost_;
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1);
  std::deque<ShapedTask> tasks_;  // By id.
  BatchQueue queue_;
  SlowQueue slow_;
  std::string trace_;
};

TEST(BatchQueuePropertyTest, DecidesAsTheSlowQueueDoesAndEndsEveryTaskOnce) {
  for (uint32_t seed = 0; seed < kSequences; ++seed) {
    Sequence sequence(seed);
    sequence.Run();
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace weir
