// What a call costs the client, with so many in flight. Against a server that does nothing:
//   bazel run //loadgen/client:call_client_benchmark -- ADDRESS [IN_FLIGHT [CONNECTIONS [SECONDS
//   [TIMEOUT_SECONDS]]]]
// Without a timeout calls have no deadline.
#include <time.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <string>

#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "loadgen/client/call_client.h"
#include "weir/v1/diagnostics.pb.h"

namespace weir {
namespace {

// As a request for one image has, and its answer.
constexpr int kRequestBytes = 3200;
constexpr int kAnswerBytes = 150;

struct Run {
  CallClient client;
  CallMethod method = {.path = "/weir.v1.Diagnostics/Echo", .metadata = {}};
  std::string message;
  absl::Duration timeout = absl::InfiniteDuration();
  int target = 0;
  bool stopped = false;
  int64_t answers = 0;
};

class LoopCall final : public Call {
 public:
  explicit LoopCall(Run& run) : run_(run) {}
  void Start() {
    run_.client.Start(run_.target, run_.method, run_.message, MonotonicNow() + run_.timeout, *this);
  }
  void OnMessage(absl::string_view) override {}
  void OnEnd(const absl::Status& status) override {
    if (!status.ok()) {
      std::cerr << status << "\n";
      std::exit(1);
    }
    ++run_.answers;
    if (!run_.stopped) Start();
  }

 private:
  Run& run_;
};

absl::Duration Cpu() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return absl::DurationFromTimespec(time);
}

void Measure(const std::string& address, int in_flight, int connections, double seconds,
             absl::Duration timeout) {
  Run run;
  run.timeout = timeout;
  v1::EchoRequest request;
  request.mutable_payload()->resize(kRequestBytes);
  request.set_answer_bytes(kAnswerBytes);
  run.message = request.SerializeAsString();
  const auto target = run.client.AddTarget(address, connections, absl::Seconds(2));
  if (!target.ok()) {
    std::cerr << target.status() << "\n";
    std::exit(1);
  }
  run.target = *target;
  std::deque<LoopCall> calls;
  for (int i = 0; i < in_flight; ++i) calls.emplace_back(run).Start();
  const absl::Time start = MonotonicNow();
  const absl::Duration cpu = Cpu();
  int64_t turns = 0;
  for (absl::Time now = start; now < start + absl::Seconds(seconds); now = MonotonicNow()) {
    run.client.Poll(start + absl::Seconds(seconds));
    ++turns;
  }
  const auto answers = static_cast<double>(run.answers);
  absl::PrintF(
      "in_flight=%d connections=%d calls_per_second=%.0f cpu_us_per_call=%.2f "
      "calls_per_turn=%.1f\n",
      in_flight, connections, answers / seconds, absl::ToDoubleMicroseconds(Cpu() - cpu) / answers,
      answers / static_cast<double>(turns));
  run.stopped = true;
  while (run.client.open_calls() > 0) run.client.Poll(absl::InfiniteFuture());
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "which address?\n";
    return 2;
  }
  const auto argument = [&](int index, int other) {
    return argc > index ? std::atoi(argv[index]) : other;
  };
  weir::Measure(argv[1], argument(2, 64), argument(3, 1), argument(4, 3),
                argc > 5 ? absl::Seconds(argument(5, 1)) : absl::InfiniteDuration());
  return 0;
}
