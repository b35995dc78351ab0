// Messages that a client has compressed.
#ifndef WEIR_SERVER_HTTP2_DECOMPRESS_H_
#define WEIR_SERVER_HTTP2_DECOMPRESS_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

// What a server understands, as grpc-accept-encoding says it.
inline constexpr absl::string_view kAcceptedEncodings = "identity,deflate,gzip";
bool IsAcceptedEncoding(absl::string_view encoding);

// RESOURCE_EXHAUSTED if it has more than `max_bytes`, of which no more are unpacked;
// INVALID_ARGUMENT if the bytes are no such thing.
absl::StatusOr<std::string> Decompress(absl::string_view bytes, absl::string_view encoding,
                                       size_t max_bytes);

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_DECOMPRESS_H_
