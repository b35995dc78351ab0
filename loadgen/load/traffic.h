// What a load consists of.
#ifndef WEIR_LOADGEN_LOAD_TRAFFIC_H_
#define WEIR_LOADGEN_LOAD_TRAFFIC_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "loadgen/client/call.h"

namespace weir {

// One request.
struct Shot {
  int target = 0;                             // Of the client.
  const CallMethod* method = nullptr;         // Outlives the request; on a stream, the loop.
  absl::string_view message;                  // Outlives the request.
  absl::Duration timeout = absl::Seconds(1);  // From when it was due.

  // As one message of a PredictStream call, a PredictRequest without request_id and timeout_us.
  // Calls are opened when they are first needed, one for each method and connection of the target.
  bool stream = false;

  uint64_t tag = 0;  // The traffic's own.
};

// Chooses what is sent and learns how it ended. Called by the thread that runs the loop.
class Traffic {
 public:
  virtual ~Traffic() = default;

  virtual Shot Next(absl::Time due) = 0;
  virtual void OnSent(const Shot& shot, absl::Time due, absl::Time sent) = 0;

  // Once for each request. `response` is the message of an answer with OK, empty otherwise. On a
  // stream it is the PredictResponse, and `status` the RequestError. An answer that comes after its
  // timeout is DEADLINE_EXCEEDED.
  virtual void OnEnd(const Shot& shot, absl::Time due, absl::Time now, const absl::Status& status,
                     absl::string_view response) = 0;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_TRAFFIC_H_
