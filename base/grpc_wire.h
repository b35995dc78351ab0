// How gRPC says things in HTTP/2's words.
#ifndef WEIR_BASE_GRPC_WIRE_H_
#define WEIR_BASE_GRPC_WIRE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir {

// The value of grpc-status; UNKNOWN for what is none.
absl::StatusCode ParseGrpcStatus(absl::string_view value);

// What an answer without a grpc-status means.
absl::StatusCode CodeOfHttpStatus(int http_status);

// What it means that the server reset the stream.
absl::StatusCode CodeOfReset(uint32_t http2_error);

// The value of grpc-message. What is no escape stays as it is.
std::string PercentDecoded(absl::string_view text);

// What is longer than `max_bytes` then ends earlier, between two characters.
std::string PercentEncoded(absl::string_view text, size_t max_bytes);

// A value of grpc-timeout in nanoseconds, at most kMaxTimeoutNs; none if it is malformed.
inline constexpr int64_t kMaxTimeoutNs = int64_t{1} << 60;
std::optional<int64_t> ParseGrpcTimeout(absl::string_view value);

// The value of grpc-timeout, rounded up by 5 % at most: few values, so that most calls send the one
// that the server knows already, in one byte.
class GrpcTimeout {
 public:
  GrpcTimeout() = default;
  explicit GrpcTimeout(int64_t timeout_ns);  // What has passed is a nanosecond.

  absl::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 12> text_ = {};
  size_t size_ = 0;
};

}  // namespace weir

#endif  // WEIR_BASE_GRPC_WIRE_H_
