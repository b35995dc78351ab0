// What the queue costs a request: 64 of one row are pushed and cut, again and again, on one core.
//   bazel run -c opt //server/batching:batch_queue_benchmark
#include <cstdint>
#include <deque>
#include <iostream>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "server/batching/batch_queue.h"
#include "server/batching/shaped_task.h"

namespace weir {
namespace {

constexpr int kRows = 64;  // Of a batch.
constexpr int64_t kRequests = 2'000'000;

struct Case {
  const char* name;
  int waiting = 0;  // Behind those that are pushed and cut.
  int shapes = 1;
  absl::Duration deadline = absl::InfiniteDuration();
};

double NanosecondsPerRequest(const Case& what) {
  BatchingSettings settings;
  settings.levels[0].max_rows = 1 << 20;
  BatchQueue queue(settings, kRows);
  const BatchCost cost({{1, absl::Microseconds(1)}, {kRows, absl::Microseconds(kRows)}});
  std::deque<ShapedTask> tasks;
  std::vector<Task*> idle;
  for (int i = 0; i < what.waiting + kRows; ++i) {
    idle.push_back(&tasks.emplace_back(std::vector<int64_t>{1, i % what.shapes}));
  }
  absl::Time now = absl::UnixEpoch() + absl::Hours(1);
  const auto push = [&](int count) {
    for (int i = 0; i < count && !idle.empty(); ++i) {
      Task& task = *idle.back();
      idle.pop_back();
      task.deadline = now + what.deadline;
      if (queue.Push(task, now, cost, {})) idle.push_back(&task);
    }
  };
  push(what.waiting);
  int64_t left = 0;  // Requests that have left the queue.
  const absl::Time start = MonotonicNow();
  while (left < kRequests) {
    push(kRows);
    const BatchQueue::Cut cut = queue.Next(now, cost, kRows);
    idle.insert(idle.end(), cut.batch.begin(), cut.batch.end());
    for (const BatchQueue::Refused& refused : cut.refused) idle.push_back(refused.task);
    left += static_cast<int64_t>(cut.batch.size() + cut.refused.size());
    now += absl::Microseconds(100);
  }
  return absl::ToDoubleNanoseconds(MonotonicNow() - start) / static_cast<double>(left);
}

void Main() {
  for (const Case& what : std::vector<Case>{
           {.name = "no deadline"},
           {.name = "a deadline", .deadline = absl::Seconds(1)},
           {.name = "5,000 wait, of 1,000 shapes", .waiting = 5000, .shapes = 1000},
           {.name = "10,000 wait", .waiting = 10'000, .deadline = absl::Seconds(10)},
           {.name = "10,000 wait and expire together",
           .waiting = 10'000,
           .deadline = absl::Milliseconds(15)},
       }) {
    std::cout << absl::StreamFormat("%-34s %4.0f ns a request\n", what.name,
                                    NanosecondsPerRequest(what));
  }
}

}  // namespace
}  // namespace weir

int main() { weir::Main(); }
