#include "server/rpc/messages.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"

namespace weir {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// A field may take two bytes on the wire and a hundred in memory. Messages below the first limit do
// no harm whatever they hold; larger ones are full of data, not of fields.
constexpr size_t kHarmlessBytes = 64 << 10;
constexpr int kMaxFields = 4096;

bool HasTooManyFields(const grpc::ByteBuffer& bytes) {
  grpc::ByteBuffer copy = bytes;  // Of the references only. The reader wants it changeable.
  grpc::ProtoBufferReader reader(&copy);
  CodedInputStream stream(&reader);
  int fields = 0;
  while (const uint32_t tag = stream.ReadTag()) {
    if (++fields > kMaxFields) return true;
    if (!WireFormatLite::SkipField(&stream, tag)) return false;  // The parser will say so.
  }
  return false;
}

bool ParseBytes(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message) {
  grpc::Slice slice;
  if (bytes.TrySingleSlice(&slice).ok()) {
    return message.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
  }
  grpc::ByteBuffer copy = bytes;
  grpc::ProtoBufferReader reader(&copy);
  return message.ParseFromZeroCopyStream(&reader);
}

}  // namespace

absl::Status Parse(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message) {
  if (bytes.Length() > kHarmlessBytes && HasTooManyFields(bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the message holds more than ", kMaxFields, " fields"));
  }
  if (ParseBytes(bytes, message)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the message is no ", message.GetTypeName()));
}

grpc::ByteBuffer Serialize(const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  grpc_slice slice = grpc_slice_malloc(size);
  message.SerializeWithCachedSizesToArray(GRPC_SLICE_START_PTR(slice));
  const grpc::Slice owned(slice, grpc::Slice::STEAL_REF);
  return grpc::ByteBuffer(&owned, 1);
}

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

}  // namespace weir
