// Between the bytes on the wire and messages.
#ifndef WEIR_SERVER_RPC_MESSAGES_H_
#define WEIR_SERVER_RPC_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace weir {

// Large enough for a request that does no more than name something.
inline constexpr size_t kMaxNameRequestBytes = 4 << 10;

// Parses `bytes` into `message`. INVALID_ARGUMENT if they are none, or if they hold so many fields
// that the message would take many times their size; that is known before any of it is taken.
absl::Status Parse(absl::string_view bytes, google::protobuf::Message& message);

// How many fields a message may hold: so many do no harm, and larger ones may be full of data.
int64_t MaxFields(size_t message_bytes);

// The errors of Parse.
absl::Status TooManyFields(size_t message_bytes);
absl::Status NoSuchMessage(absl::string_view type);

// With the prefix that gRPC puts before each message.
std::string Framed(absl::string_view message);
std::string Serialize(const google::protobuf::MessageLite& message);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_MESSAGES_H_
