// The loop that puts load on servers: one thread sends requests when they are due and learns what
// becomes of them.
//
// Open loop: a request that cannot be sent in time is sent as soon as may be and keeps its due
// time. Closed loop: each end makes a request due at once, but 10 ms later after one with
// UNAVAILABLE.
#ifndef WEIR_LOADGEN_LOAD_LOAD_LOOP_H_
#define WEIR_LOADGEN_LOAD_LOAD_LOOP_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "loadgen/client/call_client.h"
#include "loadgen/load/pacer.h"
#include "loadgen/load/predict_streams.h"
#include "loadgen/load/traffic.h"

namespace weir {

// Times are MonotonicNow()'s. One run at a time; used by one thread but for Stop.
class LoadLoop {
 public:
  struct Options {
    // Requests wait until their target has a connection or their time is up, instead of failing.
    // For traffic to one target: those that wait are one queue.
    bool wait_for_servers = false;
  };

  // `client` must outlive the loop; a traffic, its requests: until Drain.
  explicit LoadLoop(CallClient& client) : LoadLoop(client, Options()) {}
  LoadLoop(CallClient& client, const Options& options);
  ~LoadLoop();  // Cancels what is in flight.
  LoadLoop(const LoadLoop&) = delete;
  LoadLoop& operator=(const LoadLoop&) = delete;

  // Keeps `in_flight` requests in flight until `end`, those of earlier runs among them. What is in
  // flight then ends in Drain or in the next run.
  void RunClosed(int in_flight, absl::Time end, Traffic& traffic);

  // Sends requests at `start` + pacer.Next(), those that are due before `end`. Returns at `end`,
  // or, if that is infinite, once there are no more; what was due but could not be sent is still
  // sent within a second after `end`. How many were due until the end, or until Stop, and not sent.
  int64_t RunOpen(Pacer& pacer, absl::Time start, absl::Time end, Traffic& traffic);

  // Waits until everything has ended; what is left at `deadline` is cancelled and ends so.
  void Drain(absl::Time deadline);

  // Ends a run and makes later ones return at once; Drain still waits. From any thread, from a
  // signal handler, and from Traffic.
  void Stop();
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }

  // Requests that have not ended.
  int in_flight() const {
    return open_calls_ + streams_.open_requests() + static_cast<int>(waiting_.size());
  }

 private:
  struct UnaryCall;

  void Send(Traffic& traffic, absl::Time due, absl::Time now);
  void Start(const SentRequest& request, absl::Time now);
  void End(const SentRequest& request, const absl::Status& status, absl::string_view response);
  void EndUnsent(const SentRequest& request, absl::StatusCode code);

  // Waits for something to happen until `until` at most, and sees to what the client does not.
  void Poll(absl::Time until);

  CallClient& client_;
  const Options options_;
  PredictStreams streams_;
  std::vector<std::unique_ptr<UnaryCall>> calls_;  // As many as were ever open at once.
  std::vector<UnaryCall*> idle_calls_;
  int open_calls_ = 0;
  std::deque<SentRequest> waiting_;  // For a connection, in the order in which they were due.

  // In a closed loop: when what ended with UNAVAILABLE is due again, ascending.
  bool rests_ = false;
  std::deque<absl::Time> resting_until_;

  // Released by Stop before it wakes the loop, acquired by the loop.
  std::atomic<bool> stopped_{false};
};

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_LOAD_LOOP_H_
