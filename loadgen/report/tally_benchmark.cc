// What counting a request costs the generator's one thread:
//   bazel run //loadgen/report:tally_benchmark
#include <cstdint>
#include <cstdio>
#include <vector>

#include "base/clock.h"
#include "loadgen/report/tally.h"

namespace weir {
namespace {

constexpr int kRequests = 10'000'000;
constexpr absl::Duration kInterval = absl::Microseconds(20);  // So that seconds end meanwhile.

double NanosecondsPerRequest(int models) {
  Tally tally({{.name = "steady", .open_loop = true}}, std::vector<Tally::Model>(models));
  const absl::Time begin = MonotonicNow();
  absl::Time now = begin;
  tally.BeginPhase(0, now);
  uint64_t noise = 1;
  for (int i = 0; i < kRequests; ++i) {
    noise = noise * 6364136223846793005 + 1442695040888963407;
    const absl::Duration latency = absl::Nanoseconds(100'000 + (noise >> 44));
    now += kInterval;
    tally.Sent(0, i % models, now - absl::Microseconds(1), now);
    tally.Ended(0, i % models, now - latency, now, absl::StatusCode::kOk, 1);
  }
  return absl::ToDoubleNanoseconds(MonotonicNow() - begin) / kRequests;
}

}  // namespace
}  // namespace weir

int main() {
  for (const int models : {1, 3, 20}) {
    std::printf("%2d models: %.1f ns per request\n", models, weir::NanosecondsPerRequest(models));
  }
}
