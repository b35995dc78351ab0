// Between the bytes of gRPC and messages.
#ifndef WEIR_SERVER_RPC_MESSAGES_H_
#define WEIR_SERVER_RPC_MESSAGES_H_

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace weir {

// Parses `bytes` into `message`. INVALID_ARGUMENT if they are none, or if they hold so many fields
// that the message would take a multiple of their size.
absl::Status Parse(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message);

grpc::ByteBuffer Serialize(const google::protobuf::MessageLite& message);

// absl and gRPC number their codes alike.
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_MESSAGES_H_
