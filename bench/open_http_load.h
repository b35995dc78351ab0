// Load on an HTTP/1.1 service as from users: requests are due at given times, whatever became of
// earlier ones, and latency counts from when a request was due. wrk has no such mode.
#ifndef WEIR_BENCH_OPEN_HTTP_LOAD_H_
#define WEIR_BENCH_OPEN_HTTP_LOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/histogram.h"
#include "loadgen/load/pacer.h"

namespace weir {

struct OpenHttpLoadOptions {
  // Of the service's workers, "127.0.0.1:8000". A request goes to one of those that have the
  // fewest.
  std::vector<std::string> addresses;

  // Each has one request in flight at most; when all of them have one, requests wait their turn.
  int connections_each = 32;

  // Whole requests with head and body, sent in turn.
  std::vector<std::string> requests;

  // What goes on this long after the last request was due is an error.
  absl::Duration timeout = absl::Seconds(30);
};

struct OpenHttpLoadReport {
  int64_t answers = 0;
  Histogram latency_ns;
  Histogram send_lag_ns;  // How much later than due this client noticed that requests were due.
};

// Sends a request at each time of `pacer`, which has to end, all on the thread that calls it. An
// error unless each is answered with 200 and a body of known length.
absl::StatusOr<OpenHttpLoadReport> RunOpenHttpLoad(const OpenHttpLoadOptions& options,
                                                   Pacer& pacer);

}  // namespace weir

#endif  // WEIR_BENCH_OPEN_HTTP_LOAD_H_
