// The loop that puts load on servers: one thread sends requests when they are due and learns what
// becomes of them.
//
// Open loop: a request that cannot be sent in time is sent as soon as may be and keeps its due time.
// Closed loop: each end makes a request due at once; one that failed because there is no connection
// is made due again 10 ms later.
#ifndef WEIR_LOADGEN_LOAD_LOAD_LOOP_H_
#define WEIR_LOADGEN_LOAD_LOAD_LOOP_H_

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "loadgen/client/call_client.h"
#include "loadgen/load/pacer.h"

namespace weir {

// What to send.
struct Shot {
  int target = 0;                      // Of the client.
  const CallMethod* method = nullptr;  // Outlives the request.
  absl::string_view message;           // The same.
  absl::Duration timeout = absl::Seconds(1);  // From when it was due.
  bool stream = false;                 // As a message of a stream that PredictStream answers.
  uint64_t tag = 0;                    // The traffic's own.
};

// Chooses what is sent and learns how it ended. Called by the thread that runs the loop.
class Traffic {
 public:
  virtual ~Traffic() = default;
  virtual Shot Next(absl::Time due) = 0;
  virtual void OnSent(const Shot& shot, absl::Time due, absl::Time sent) = 0;
  // `response` is the message of an answer with OK, empty otherwise. On a stream it is the
  // PredictResponse, and status the RequestError.
  virtual void OnEnd(const Shot& shot, absl::Time due, absl::Time now, const absl::Status& status,
                     absl::string_view response) = 0;
};

// One run at a time; used by one thread but for Stop.
class LoadLoop {
 public:
  // `client` must outlive the loop. Streams are opened when they are first needed, one for each
  // connection of a target.
  explicit LoadLoop(CallClient& client);
  ~LoadLoop();
  LoadLoop(const LoadLoop&) = delete;
  LoadLoop& operator=(const LoadLoop&) = delete;

  // Keeps `in_flight` requests in flight until `end`. Returns then: Drain, or the next Run, waits for
  // what is in flight (requests of a phase may end in the next one).
  void RunClosed(int in_flight, absl::Time end, Traffic& traffic);

  // Sends requests at `start` + pacer.Next() until `end`, or until there are no more.
  void RunOpen(Pacer& pacer, absl::Time start, absl::Time end, Traffic& traffic);

  // Waits until everything has ended; what is left at `deadline` is cancelled and ends so.
  void Drain(absl::Time deadline);

  // Ends Run and makes later ones return at once; Drain still waits. From any thread.
  void Stop();
  bool stopped() const;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_LOAD_LOOP_H_
