// Resets of streams that were never opened.
#ifndef WEIR_SERVER_HTTP2_IDLE_RESETS_H_
#define WEIR_SERVER_HTTP2_IDLE_RESETS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir {

// Takes RST_STREAM frames of idle streams out of what a client sends. gRPC's own client sends such
// a frame for a call that is cancelled between getting its number and being written. To HTTP/2 that
// is an error of the connection, and all other calls would end with it; servers of gRPC overlook
// it.
class IdleResets {
 public:
  // Calls pass(bytes) with what is left of the bytes that came, piece by piece, until it returns an
  // error. An incomplete frame header waits for the rest. `last_opened` is the number of the last
  // stream that what was passed has opened.
  absl::Status Filter(absl::string_view bytes, absl::FunctionRef<int32_t()> last_opened,
                      absl::FunctionRef<absl::Status(absl::string_view)> pass);

 private:
  static constexpr size_t kPrefaceBytes = 24;  // "PRI * HTTP/2.0 ...", before the first frame.

  size_t frame_left_ = kPrefaceBytes;  // Of what is not a frame header.
  std::string held_;                   // The beginning of a header, or of a reset.
};

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_IDLE_RESETS_H_
