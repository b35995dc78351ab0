// What the load of a fault test consists of, and where each request is counted.
#ifndef WEIR_TESTS_FAULTS_REQUEST_KINDS_H_
#define WEIR_TESTS_FAULTS_REQUEST_KINDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "loadgen/load/load_client.h"
#include "tests/faults/account.h"

namespace weir {

// The small ones: with commas between them.
inline constexpr absl::string_view kServedModels = "fashion-fast,flats-price";

// Requests that are all alike.
struct RequestKind {
  std::string name;
  std::string bytes;  // A serialised PredictRequest.
  std::string model;  // The label under which it is counted.
  int rows = 0;       // Of one that is answered with OK.
  int per_second = 0;
  // What a server answers that neither drains nor loads.
  absl::StatusCode answer = absl::StatusCode::kOk;
};

// Good ones for each model, one that does not fit its model, and one for a model that is not there.
const std::vector<RequestKind>& RequestKinds();

// Whether `status` is what the server says of a request that it counted. UNAVAILABLE and the like
// may also be what the client says of a call that was lost with its connection, or the server's
// gRPC of one that never reached it.
bool IsCountedAnswer(const absl::Status& status);

// What `result` says of how often requests of `kind` were counted: every call that was answered,
// under its code. With `may_have_broken`, those without an answer may have been counted or not,
// because the server was killed or ended; otherwise they too have been, under the code that the
// client saw.
void ExpectCounted(const RequestKind& kind, const LoadResult& result, bool may_have_broken,
                   Account& account);

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_REQUEST_KINDS_H_
