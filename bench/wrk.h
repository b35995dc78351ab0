// wrk, the HTTP load generator, in a closed loop.
#ifndef WEIR_BENCH_WRK_H_
#define WEIR_BENCH_WRK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace weir {

struct WrkReport {
  double per_second = 0;
  absl::Duration p50;
  absl::Duration p99;
  absl::Duration cpu_per_answer;  // Of wrk.
  int64_t answers = 0;
};

struct WrkOptions {
  std::string program = "/usr/bin/wrk";
  std::string script;                  // bench/python_stack/post.lua
  std::string bodies_file;             // A request's body on each line.
  std::vector<std::string> addresses;  // At most one thread of wrk for each.
  std::string path = "/predict";
  int connections = 1;                         // Each has a request in flight.
  absl::Duration duration = absl::Seconds(1);  // Rounded up to whole seconds, as wrk wants it.
};

// An error unless all requests are answered with 200.
absl::StatusOr<WrkReport> RunWrk(const WrkOptions& options);

// The report from what wrk printed; its script's line.
absl::StatusOr<WrkReport> ParseWrk(const std::string& output);

}  // namespace weir

#endif  // WEIR_BENCH_WRK_H_
