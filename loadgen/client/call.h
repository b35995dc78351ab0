// What a caller of CallClient brings: the call, and what its server is told.
#ifndef WEIR_LOADGEN_CLIENT_CALL_H_
#define WEIR_LOADGEN_CLIENT_CALL_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir {

struct OpenCall;

// What a call's server is sent in its headers. Made once for many calls.
struct CallMethod {
  std::string path;                                           // "/weir.v1.Predictor/Predict"
  std::vector<std::pair<std::string, std::string>> metadata;  // Keys in lower case.
};

// One call, from its start to its end. Owned by the caller, who keeps it until OnEnd; it may be
// started again in OnEnd. Its functions are called by CallClient::Poll only, never by Start.
class Call {
 public:
  Call() = default;
  virtual ~Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // A message of the answer, whole, 64 MiB at most. Valid until OnMessage returns.
  virtual void OnMessage(absl::string_view message) = 0;

  // The end: OK, what the server said, or DEADLINE_EXCEEDED, UNAVAILABLE, CANCELLED by the client.
  // Nothing follows. A unary call that ends with OK has had one message.
  virtual void OnEnd(const absl::Status& status) = 0;

 private:
  friend class OpenCalls;
  OpenCall* open_ = nullptr;  // The client's, while the call is open.
};

// Whether a status is what the server answered, and not what the client says where no answer came:
// no connection, a connection that broke, a deadline that passed here, an answer that is no gRPC.
bool IsAnswer(const absl::Status& status);

// A status that the client gives, where no answer came.
absl::Status ClientError(absl::StatusCode code, absl::string_view message);

}  // namespace weir

#endif  // WEIR_LOADGEN_CLIENT_CALL_H_
