// One call, for whoever has no client.
#ifndef WEIR_LOADGEN_CLIENT_CALL_ONCE_H_
#define WEIR_LOADGEN_CLIENT_CALL_ONCE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

// One unary call, on a connection of its own: for what is asked before and after a run. The message
// of the answer.
absl::StatusOr<std::string> CallOnce(const std::string& address, const std::string& path,
                                     absl::string_view message, absl::Duration timeout);

}  // namespace weir

#endif  // WEIR_LOADGEN_CLIENT_CALL_ONCE_H_
