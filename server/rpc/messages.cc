#include "server/rpc/messages.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/grpc_message_reader.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message.h"
#include "google/protobuf/wire_format_lite.h"

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

}  // namespace

absl::Status Parse(absl::string_view bytes, Message& message) {
  const auto* const data = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto size = static_cast<int>(bytes.size());
  bool parsed = true;
  if (size > kHarmlessFields * kMinFieldBytes) {
    FieldCounter counter(MaxFields(bytes.size()));
    CodedInputStream stream(data, size);
    parsed = counter.Count(stream, message.GetDescriptor(), 0, 0);
    if (counter.too_many()) return TooManyFields(bytes.size());
  }
  if (parsed && message.ParseFromArray(data, size)) return absl::OkStatus();
  return NoSuchMessage(message.GetTypeName());
}

int64_t MaxFields(size_t message_bytes) {
  return kHarmlessFields + static_cast<int64_t>(message_bytes) / kBytesPerField;
}

absl::Status TooManyFields(size_t message_bytes) {
  return absl::InvalidArgumentError(absl::StrCat("the message holds more than ",
                                                 MaxFields(message_bytes), " fields in its ",
                                                 message_bytes, " bytes"));
}

absl::Status NoSuchMessage(absl::string_view type) {
  return absl::InvalidArgumentError(absl::StrCat("the message is no ", type));
}

std::string Framed(absl::string_view message) {
  const auto prefix = MessageReader::Prefix(message.size());
  std::string framed;
  framed.reserve(prefix.size() + message.size());
  framed.append(prefix.data(), prefix.size());
  framed.append(message.data(), message.size());
  return framed;
}

std::string Serialize(const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  const auto prefix = MessageReader::Prefix(size);
  std::string framed;
  framed.reserve(prefix.size() + size);
  framed.append(prefix.data(), prefix.size());
  framed.resize(prefix.size() + size);
  message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(&framed[prefix.size()]));
  return framed;
}

}  // namespace weir
