#include "server/rpc/messages.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message.h"
#include "google/protobuf/wire_format_lite.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"

namespace weir {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// A field may take two bytes on the wire and a hundred in memory. So many do no harm...
constexpr int64_t kHarmlessFields = 4096;
// ... and larger messages may have one more for so many bytes: they are full of data, not of
// fields.
constexpr int64_t kBytesPerField = 32;
constexpr int64_t kMinFieldBytes = 2;

// protobuf's own limit for messages within messages.
constexpr int kMaxDepth = 100;

// Walks over a message without building it.
class FieldCounter {
 public:
  explicit FieldCounter(int64_t max_fields) : left_(max_fields) {}

  // False if there are too many fields, or if these are no fields. `type` is null for what weir
  // does not know. Ends at the end of the stream, or after the end of the group `group` if it is
  // not 0.
  bool Count(CodedInputStream& stream, const Descriptor* type, uint32_t group, int depth) {
    if (depth > kMaxDepth) return false;
    while (const uint32_t tag = stream.ReadTag()) {
      if (--left_ < 0) return false;
      const auto number = static_cast<uint32_t>(WireFormatLite::GetTagFieldNumber(tag));
      const WireFormatLite::WireType wire = WireFormatLite::GetTagWireType(tag);
      if (wire == WireFormatLite::WIRETYPE_END_GROUP) return number == group;
      if (wire == WireFormatLite::WIRETYPE_START_GROUP) {
        if (number == 0 || !Count(stream, nullptr, number, depth + 1)) return false;
      } else if (wire == WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
        if (number == 0 || !CountWithin(stream, type, number, depth)) return false;
      } else if (!WireFormatLite::SkipField(&stream, tag)) {
        return false;
      }
    }
    return group == 0 && stream.ConsumedEntireMessage();
  }

  bool too_many() const { return left_ < 0; }

 private:
  bool CountWithin(CodedInputStream& stream, const Descriptor* type, uint32_t number, int depth) {
    int size = 0;
    if (!stream.ReadVarintSizeAsInt(&size)) return false;
    const FieldDescriptor* const field =
        type == nullptr ? nullptr : type->FindFieldByNumber(static_cast<int>(number));
    if (field != nullptr && field->message_type() != nullptr) {
      const CodedInputStream::Limit limit = stream.PushLimit(size);
      if (!Count(stream, field->message_type(), 0, depth + 1)) return false;
      const bool whole = stream.BytesUntilLimit() == 0;
      stream.PopLimit(limit);
      return whole;
    }
    // Packed numbers of one byte take eight in memory.
    if (field != nullptr && field->is_packable() && !HasFixedSize(*field)) left_ -= size / 8;
    return left_ >= 0 && stream.Skip(size);
  }

  static bool HasFixedSize(const FieldDescriptor& field) {
    const auto type = static_cast<WireFormatLite::FieldType>(field.type());
    return WireFormatLite::WireTypeForFieldType(type) != WireFormatLite::WIRETYPE_VARINT;
  }

  int64_t left_;
};

// Where the bytes lie in one piece, as they mostly do, nothing has to look for the next one.
template <typename OnArray, typename OnStream>
bool Read(const grpc::ByteBuffer& bytes, const OnArray& on_array, const OnStream& on_stream) {
  grpc::Slice slice;
  if (bytes.TrySingleSlice(&slice).ok()) {
    return on_array(slice.begin(), static_cast<int>(slice.size()));
  }
  grpc::ByteBuffer copy = bytes;  // Of the references only. The reader wants it changeable.
  grpc::ProtoBufferReader reader(&copy);
  return on_stream(reader);
}

bool CountFields(const grpc::ByteBuffer& bytes, const Descriptor& type, FieldCounter& counter) {
  const auto count = [&](CodedInputStream stream) { return counter.Count(stream, &type, 0, 0); };
  return Read(
      bytes, [&](const uint8_t* data, int size) { return count(CodedInputStream(data, size)); },
      [&](grpc::ProtoBufferReader& reader) { return count(CodedInputStream(&reader)); });
}

bool ParseBytes(const grpc::ByteBuffer& bytes, Message& message) {
  return Read(
      bytes, [&](const uint8_t* data, int size) { return message.ParseFromArray(data, size); },
      [&](grpc::ProtoBufferReader& reader) { return message.ParseFromZeroCopyStream(&reader); });
}

}  // namespace

absl::Status Parse(const grpc::ByteBuffer& bytes, Message& message) {
  const auto size = static_cast<int64_t>(bytes.Length());
  bool parsed = true;
  if (size > kHarmlessFields * kMinFieldBytes) {
    const int64_t max_fields = kHarmlessFields + size / kBytesPerField;
    FieldCounter counter(max_fields);
    parsed = CountFields(bytes, *message.GetDescriptor(), counter);
    if (counter.too_many()) {
      return absl::InvalidArgumentError(absl::StrCat("the message holds more than ", max_fields,
                                                     " fields in its ", size, " bytes"));
    }
  }
  if (parsed && ParseBytes(bytes, message)) return absl::OkStatus();
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
