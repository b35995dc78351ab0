// A client that measures: it sends one request again and again, and counts what becomes of it.
//
// Two ways to put load on a server:
// - closed loop: so many calls are in flight; each answer starts the next call. It finds out how
//   much a server can do, and says little about latency, because it waits when the server does.
// - open loop: calls are due at given times, whatever became of earlier ones, as from users.
// Latency
//   counts from when a call was due, not from when it was sent, so that neither a server that
//   stalls nor a client that falls behind makes it look smaller.
#ifndef WEIR_BENCH_LOAD_CLIENT_H_
#define WEIR_BENCH_LOAD_CLIENT_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/histogram.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/status_code_enum.h"

namespace weir {

// One call, in the order in which they ended.
struct CallOutcome {
  absl::Duration due;      // Since the run's beginning; in a closed loop when it was sent.
  absl::Duration latency;  // From `due` to its end.
  grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
};

struct LoadReport {
  std::array<int64_t, 17> calls_by_code = {};  // The index is a gRPC status code.
  // Of these, those that is_answer does not know.
  std::array<int64_t, 17> unanswered_by_code = {};
  Histogram latency_ns;               // Of calls that were answered with OK.
  Histogram send_lag_ns;              // Open loop: how much later than due calls were sent.
  absl::Duration duration;            // What the counts above are of.
  absl::Duration client_cpu;          // Of the client's threads, meanwhile.
  int64_t all_calls = 0;              // Also those outside of what was measured.
  std::vector<CallOutcome> outcomes;  // Empty unless asked for.

  int64_t ok() const { return calls_by_code[grpc::StatusCode::OK]; }
  int64_t calls() const;
  double OkPerSecond() const { return static_cast<double>(ok()) / absl::ToDoubleSeconds(duration); }
  absl::Duration Latency(double quantile) const {
    return absl::Nanoseconds(latency_ns.Quantile(quantile));
  }

  // "12000 OK, 31 RESOURCE_EXHAUSTED".
  std::string Codes() const;

  void Merge(const LoadReport& other);
};

// One run at a time.
class LoadClient {
 public:
  struct Options {
    std::string address;
    std::string method;   // "/weir.v1.Predictor/Predict"
    std::string request;  // A serialised message.

    // Each has its own socket; calls take turns.
    int connections = 1;

    // Each has its own share of the connections and of the load; an open loop has one more for
    // each, which sends. Not more than connections.
    int threads = 1;

    // A call that takes longer ends with DEADLINE_EXCEEDED; counted from when it was due.
    absl::Duration timeout = absl::Seconds(30);

    // Calls wait while the server is away, which is looked for every 100 ms; otherwise they fail.
    bool wait_for_server = false;

    bool keep_outcomes = false;

    // Whether a status that is not OK is the server's answer, and not what gRPC says where none
    // came. Without it, all of them are. Called on the client's threads.
    std::function<bool(const grpc::Status&)> is_answer;
  };

  // Connects; UNAVAILABLE if nobody listens.
  static absl::StatusOr<std::unique_ptr<LoadClient>> Create(Options options);
  ~LoadClient();
  LoadClient(const LoadClient&) = delete;
  LoadClient& operator=(const LoadClient&) = delete;

  // Measures the calls that end in `duration`, after `warm_up`. `in_flight` is at least `threads`.
  LoadReport RunClosedLoop(int in_flight, absl::Duration warm_up, absl::Duration duration);

  // Sends a call at each of `arrivals`, and measures all of them. The duration is that until the
  // last arrival.
  LoadReport RunOpenLoop(absl::Span<const absl::Duration> arrivals);

 private:
  class Worker;

  explicit LoadClient(Options options);

  // Runs all workers, each on a thread of its own.
  LoadReport RunWorkers(const std::function<LoadReport(Worker&, int index)>& run);

  const Options options_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace weir

#endif  // WEIR_BENCH_LOAD_CLIENT_H_
