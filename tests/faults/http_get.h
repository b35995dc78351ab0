// One HTTP GET or POST, as a test needs it.
#ifndef WEIR_TESTS_FAULTS_HTTP_GET_H_
#define WEIR_TESTS_FAULTS_HTTP_GET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

// The body of the answer that 127.0.0.1:`port` gives to a GET of `target`. UNAVAILABLE if nobody
// listens or the answer is cut short, DEADLINE_EXCEEDED after `timeout`, UNKNOWN with the status
// line and the body if it is not 200.
absl::StatusOr<std::string> HttpGet(int port, absl::string_view target, absl::Duration timeout);

// The same of a POST with `json`.
absl::StatusOr<std::string> HttpPost(int port, absl::string_view target, absl::string_view json,
                                     absl::Duration timeout);

// `text` for use within a query: all but letters and digits as %XX.
std::string UrlEncoded(absl::string_view text);

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_HTTP_GET_H_
