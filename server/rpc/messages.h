// Between the bytes of gRPC and messages.
#ifndef WEIR_SERVER_RPC_MESSAGES_H_
#define WEIR_SERVER_RPC_MESSAGES_H_

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace weir {

// Parses `bytes` into `message`. INVALID_ARGUMENT if they are none, or if they hold so many fields
// that the message would take many times their size; that is known before any of it is taken.
absl::Status Parse(const grpc::ByteBuffer& bytes, google::protobuf::Message& message);

grpc::ByteBuffer Serialize(const google::protobuf::MessageLite& message);

// absl and gRPC number their codes alike.
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_MESSAGES_H_
