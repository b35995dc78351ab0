// A client that measures one method of one server: it sends requests and counts what becomes of
// them.
//
// Two ways to put load on a server:
// - closed loop: so many calls are in flight; each answer starts the next call. It finds out how
//   much a server can do, and says little about latency, because it waits when the server does.
// - open loop: calls are due at given times, whatever became of earlier ones, as from users.
// Latency counts from when a call was due, not from when it was sent, so that neither a server that
// stalls nor a client that falls behind makes it look smaller.
#ifndef WEIR_LOADGEN_LOAD_LOAD_CLIENT_H_
#define WEIR_LOADGEN_LOAD_LOAD_CLIENT_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/histogram.h"
#include "loadgen/client/call_client.h"
#include "loadgen/load/load_loop.h"
#include "loadgen/load/pacer.h"

namespace weir {

// One call, in the order in which they ended.
struct CallOutcome {
  absl::Duration due;      // Since the run's beginning; in a closed loop when it was sent.
  absl::Duration latency;  // From `due` to its end.
  absl::StatusCode code = absl::StatusCode::kUnknown;
};

struct LoadResult {
  std::array<int64_t, 17> calls_by_code = {};  // The index is a status code.
  // Of these, those that is_answer takes for none.
  std::array<int64_t, 17> unanswered_by_code = {};
  Histogram latency_ns;               // Of calls that were answered with OK.
  Histogram send_lag_ns;              // Open loop: how much later than due calls were sent.
  absl::Duration duration;            // What the counts above are of.
  absl::Duration client_cpu;          // Of the client, meanwhile.
  int64_t all_calls = 0;              // Also those outside of what was measured.
  std::vector<CallOutcome> outcomes;  // Empty unless asked for.

  int64_t Ended(absl::StatusCode code) const { return calls_by_code[static_cast<int>(code)]; }
  int64_t ok() const { return Ended(absl::StatusCode::kOk); }
  int64_t calls() const;
  double OkPerSecond() const;  // 0 of no duration.
  absl::Duration Latency(double quantile) const {
    return absl::Nanoseconds(latency_ns.Quantile(quantile));
  }

  // "12000 OK, 31 RESOURCE_EXHAUSTED".
  std::string Codes() const;

  void Merge(const LoadResult& other);
};

// One run at a time, all of it on the thread that calls it.
class LoadClient {
 public:
  struct Options {
    std::string address;
    std::string method;                 // "/weir.v1.Predictor/Predict"
    std::vector<std::string> requests;  // Serialised messages, sent in turn; one at least.

    // Each has its own socket; calls take turns.
    int connections = 1;

    // A call that takes longer ends with DEADLINE_EXCEEDED; counted from when it was due.
    absl::Duration timeout = absl::Seconds(30);

    // Calls wait while the server is away, which is looked for every 100 ms; otherwise they fail.
    bool wait_for_server = false;

    bool keep_outcomes = false;

    // Whether a status, OK among them, is an answer: what is none counts in unanswered_by_code.
    std::function<bool(const absl::Status&)> is_answer = IsAnswer;
  };

  // Connects; UNAVAILABLE if nobody listens.
  static absl::StatusOr<std::unique_ptr<LoadClient>> Create(Options options);
  LoadClient(const LoadClient&) = delete;
  LoadClient& operator=(const LoadClient&) = delete;

  // Measures the calls that end in `duration`, after `warm_up`.
  LoadResult RunClosedLoop(int in_flight, absl::Duration warm_up, absl::Duration duration);

  // Sends a call at each time of `pacer`, which has to end, and measures all of them. The duration
  // is that until the last was due.
  LoadResult RunOpenLoop(std::unique_ptr<Pacer> pacer);

 private:
  class Repeated;

  explicit LoadClient(Options options);

  const Options options_;
  const CallMethod method_;
  CallClient client_;
  LoadLoop loop_;
  size_t next_request_ = 0;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_LOAD_CLIENT_H_
