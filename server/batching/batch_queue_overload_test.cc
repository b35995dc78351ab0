// Whole machines under load, simulated: what the policy does over seconds, in no time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "server/batching/batch_queue.h"
#include "server/batching/shaped_task.h"

namespace weir {
namespace {

using absl::Microseconds;
using absl::Milliseconds;

constexpr int64_t kMaxRows = 16;

// A batch of 16 rows takes less than four times as long as one row.
absl::Duration BatchTimeOf(int64_t rows) { return Microseconds(1000 + 200 * rows); }

class Machine {
 public:
  struct Options {
    int instances = 1;
    absl::Duration deadline = Milliseconds(50);
    absl::Duration other_deadline = absl::ZeroDuration();  // Of every second request, if not zero.
    double slower = 1;                                     // Than measured.
    double noise = 0.1;                                    // Of batch times, to both sides.
    int64_t max_queue_rows = 0;
    double expected_parallel = 0;  // If not zero, believed in place of `instances`.
  };

  struct Report {
    int64_t in_time = 0;
    int64_t late = 0;  // Answered, but too late.
    int64_t refused = 0;
    absl::Duration longest_wait;  // Of an answered one.
  };

  explicit Machine(const Options& options)
      : options_(options), cost_(Measured()), queue_(Settings(options), kMaxRows) {}

  // Rows a second if all batches are full.
  double Capacity() const {
    return static_cast<double>(options_.instances * kMaxRows) /
           absl::ToDoubleSeconds(options_.slower * BatchTimeOf(kMaxRows));
  }

  // Requests of one row at random times.
  Report Run(double rows_per_second, absl::Duration time) {
    Report report;
    const absl::Time end = now_ + time;
    std::exponential_distribution<double> gap(rows_per_second);
    absl::Time arrival = now_ + absl::Seconds(gap(random_));
    while (now_ < end) {
      std::sort(running_.begin(), running_.end(),
                [](const Batch& a, const Batch& b) { return a.end < b.end; });
      if (running_.empty() || arrival < running_.front().end) {
        now_ = arrival;
        arrival += absl::Seconds(gap(random_));
        Arrive(report);
      } else {
        now_ = running_.front().end;
        End(report);
      }
      if (running_.size() < static_cast<size_t>(options_.instances)) Begin(report);
    }
    return report;
  }

  const BatchCost& cost() const { return cost_; }

 private:
  struct Batch {
    absl::Time begin;
    absl::Time end;
    absl::Time expected_end;
    BatchQueue::Cut cut;
  };

  static std::vector<BatchTime> Measured() {
    std::vector<BatchTime> measured;
    for (int64_t rows = 1; rows <= kMaxRows; ++rows) measured.push_back({rows, BatchTimeOf(rows)});
    return measured;
  }

  static BatchingSettings Settings(const Options& options) {
    BatchingSettings settings;
    settings.levels[0].max_rows = options.max_queue_rows;
    return settings;
  }

  void Arrive(Report& report) {
    auto owned = std::make_unique<ShapedTask>(std::vector<int64_t>{1, 4});
    ShapedTask& task = *owned;
    const bool is_other = ++arrived_ % 2 == 0 && options_.other_deadline > absl::ZeroDuration();
    task.deadline = now_ + (is_other ? options_.other_deadline : options_.deadline);
    BatchQueue::Outlook outlook = {.next_free = now_,
                                   .parallel = static_cast<double>(options_.instances)};
    if (options_.expected_parallel > 0) outlook.parallel = options_.expected_parallel;
    if (running_.size() == static_cast<size_t>(options_.instances)) {
      outlook.next_free = absl::InfiniteFuture();
      for (const Batch& batch : running_) {
        outlook.next_free = std::min(outlook.next_free, batch.expected_end);
      }
    }
    if (queue_.Push(task, now_, cost_, outlook)) {
      ++report.refused;
    } else {
      tasks_.emplace(&task, std::move(owned));
    }
  }

  void Begin(Report& report) {
    Batch batch = {.begin = now_, .cut = queue_.Next(now_, cost_, kMaxRows)};
    report.refused += static_cast<int64_t>(batch.cut.refused.size());
    for (const BatchQueue::Refused& each : batch.cut.refused) tasks_.erase(each.task);
    if (batch.cut.batch.empty()) return;
    std::uniform_real_distribution<double> noise(1 - options_.noise, 1 + options_.noise);
    batch.end = now_ + options_.slower * noise(random_) * BatchTimeOf(batch.cut.rows);
    batch.expected_end = now_ + cost_.Estimate(batch.cut.rows);
    running_.push_back(std::move(batch));
  }

  void End(Report& report) {
    const Batch batch = std::move(running_.front());
    running_.erase(running_.begin());
    cost_.Observe(batch.cut.rows, now_ - batch.begin);
    for (const Task* task : batch.cut.batch) {
      ++(now_ <= task->deadline ? report.in_time : report.late);
      report.longest_wait = std::max(report.longest_wait, now_ - task->enqueued);
      tasks_.erase(task);
    }
  }

  const Options options_;
  BatchCost cost_;
  BatchQueue queue_;
  absl::flat_hash_map<const Task*, std::unique_ptr<ShapedTask>> tasks_;  // Not ended.
  int64_t arrived_ = 0;
  std::mt19937 random_;
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1);
  std::vector<Batch> running_;
};

// What is answered in time at three times the capacity, as a part of the capacity.
double Goodput(const Machine::Options& options, double most_late = 0.005) {
  Machine machine(options);
  machine.Run(3 * machine.Capacity(), absl::Seconds(2));  // It learns how fast it is.
  const Machine::Report report = machine.Run(3 * machine.Capacity(), absl::Seconds(20));
  EXPECT_LT(report.late, most_late * report.in_time);
  EXPECT_LE(report.longest_wait, 1.1 * std::max(options.deadline, options.other_deadline));
  return static_cast<double>(report.in_time) / 20 / machine.Capacity();
}

TEST(BatchQueueOverloadTest, AtThreeTimesTheCapacityTheMachineStaysFull) {
  EXPECT_GT(Goodput({}), 0.97);
}

TEST(BatchQueueOverloadTest, SoDoTwoInstances) { EXPECT_GT(Goodput({.instances = 2}), 0.97); }

TEST(BatchQueueOverloadTest, SoDoesOneThatIsSlowerThanItWasMeasured) {
  EXPECT_GT(Goodput({.slower = 1.7}), 0.97);
  EXPECT_GT(Goodput({.slower = 3}), 0.97);
}

TEST(BatchQueueOverloadTest, SoDoesOneThatIsFasterThanItWasMeasured) {
  EXPECT_GT(Goodput({.slower = 0.5}), 0.97);
}

TEST(BatchQueueOverloadTest, SoDoesOneWhoseBatchesScatter) {
  EXPECT_GT(Goodput({.noise = 0.5}, 0.05), 0.93);
}

TEST(BatchQueueOverloadTest, SoDoesOneWhoseQueueIsShorterThanItsDeadline) {
  EXPECT_GT(Goodput({.max_queue_rows = 32}), 0.97);
}

TEST(BatchQueueOverloadTest, SoDoesOneWhoseDeadlinesAreHardlyLongerThanABatch) {
  EXPECT_GT(Goodput({.deadline = Milliseconds(10)}), 0.95);
}

TEST(BatchQueueOverloadTest, SoDoesOneWithHurriedAndPatientRequests) {
  EXPECT_GT(Goodput({.deadline = Milliseconds(8), .other_deadline = Milliseconds(200)}), 0.97);
  EXPECT_GT(Goodput({.deadline = Milliseconds(30), .other_deadline = Milliseconds(40)}), 0.97);
  EXPECT_GT(Goodput({.deadline = Milliseconds(8), .other_deadline = absl::Seconds(10)}), 0.97);
}

TEST(BatchQueueOverloadTest, OneThatIsHalfAsParallelAsItSeemsLosesLittle) {
  // Its queue is too long, so that all that is left of it has a tight deadline.
  EXPECT_GT(Goodput({.expected_parallel = 2}, 0.1), 0.9);
}

TEST(BatchQueueOverloadTest, ALightLoadIsHardlyRefused) {
  Machine machine({});
  const Machine::Report report = machine.Run(0.7 * machine.Capacity(), absl::Seconds(20));
  EXPECT_EQ(report.late, 0);
  EXPECT_EQ(report.refused, 0);
}

TEST(BatchQueueOverloadTest, ATenthOfASecondAfterTheLoadFellWaitsAreNormal) {
  Machine machine({});
  const absl::Duration normal =
      machine.Run(0.5 * machine.Capacity(), absl::Seconds(5)).longest_wait;
  machine.Run(3 * machine.Capacity(), absl::Seconds(5));
  machine.Run(0.5 * machine.Capacity(), Milliseconds(100));
  const Machine::Report after = machine.Run(0.5 * machine.Capacity(), absl::Seconds(5));
  EXPECT_LT(after.longest_wait, 1.2 * normal);
  EXPECT_EQ(after.refused, 0);
}

}  // namespace
}  // namespace weir
