// Faults that a request asks for in its metadata, so that alerts and dashboards can be tried for
// real. Only a server started for it listens to them.
//
//   weir-delay-ms    how long the answer is held back, at most a minute: 250
//   weir-fail-code   what the request fails with, a gRPC code by name or number: UNAVAILABLE, 14
//   weir-fail-ratio  how many of such requests fail: 0.1; all of them if it is not given
#ifndef WEIR_SERVER_RPC_FAULT_INJECTION_H_
#define WEIR_SERVER_RPC_FAULT_INJECTION_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace weir {

struct Fault {
  absl::Duration delay;
  absl::StatusCode fail_code = absl::StatusCode::kOk;
  double fail_ratio = 0;

  // What the request comes to after the delay, given a random number evenly out of [0, 1): a
  // failure with fail_code, or OK if it is to go on.
  absl::Status Outcome(double draw) const;
};

// The metadata as the call brought it: keys in lower case. No fault if it asks for none;
// INVALID_ARGUMENT that names the key if a value is malformed.
absl::StatusOr<Fault> ParseFault(absl::Span<const std::pair<std::string, std::string>> metadata);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_FAULT_INJECTION_H_
