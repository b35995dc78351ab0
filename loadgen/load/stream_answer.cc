#include "loadgen/load/stream_answer.h"

#include <algorithm>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

constexpr int kIdDigits = 16;

// The last of the fields 1 and 2 of a message, as far as they are bytes.
struct LastFields {
  absl::string_view first, second;
  int last = 0;  // Which of them came last; 0 if there is none.
};

std::optional<LastFields> ReadFields(absl::string_view message) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(message.data()),
                      static_cast<int>(message.size()));
  LastFields fields;
  while (const uint32_t tag = in.ReadTag()) {
    const int number = WireFormatLite::GetTagFieldNumber(tag);
    if (number > 2 ||
        WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&in, tag)) return std::nullopt;
      continue;
    }
    uint32_t size = 0;
    if (!in.ReadVarint32(&size)) return std::nullopt;
    const int begin = in.CurrentPosition();
    if (size > message.size() - begin || !in.Skip(static_cast<int>(size))) return std::nullopt;
    (number == 1 ? fields.first : fields.second) = message.substr(begin, size);
    fields.last = number;
  }
  if (!in.ConsumedEntireMessage()) return std::nullopt;
  return fields;
}

std::optional<uint64_t> ParseId(absl::string_view text) {
  uint64_t id = 0;
  if (text.size() != kIdDigits || !absl::SimpleHexAtoi(text, &id)) return std::nullopt;
  return id;
}

}  // namespace

void AppendRequestFields(uint64_t id, absl::Duration timeout, std::string& request) {
  uint8_t fields[2 + kIdDigits + 1 + 10];
  uint8_t* end = fields;
  *end++ =
      v1::PredictRequest::kRequestIdFieldNumber << 3 | WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
  *end++ = kIdDigits;
  for (int shift = 4 * (kIdDigits - 1); shift >= 0; shift -= 4) {
    *end++ = "0123456789abcdef"[id >> shift & 15];
  }
  if (timeout < absl::InfiniteDuration()) {
    *end++ = v1::PredictRequest::kTimeoutUsFieldNumber << 3 | WireFormatLite::WIRETYPE_VARINT;
    end = CodedOutputStream::WriteVarint64ToArray(
        std::max<int64_t>(1, absl::ToInt64Microseconds(timeout)), end);
  }
  request.append(reinterpret_cast<const char*>(fields), end - fields);
}

absl::StatusOr<StreamAnswer> ParseStreamAnswer(absl::string_view message) {
  const auto no_answer = [] {
    return absl::InternalError("the server's answer on a stream is no PredictStreamResponse");
  };
  const std::optional<LastFields> fields = ReadFields(message);
  if (!fields || fields->last == 0) return no_answer();
  StreamAnswer answer;
  absl::string_view id_text;
  v1::RequestError error;
  if (fields->last == v1::PredictStreamResponse::kResponseFieldNumber) {
    const std::optional<LastFields> of_response = ReadFields(fields->first);
    if (!of_response) return no_answer();
    answer.response = fields->first;
    id_text = of_response->second;
  } else {
    const absl::string_view bytes = fields->second;
    if (!error.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return no_answer();
    id_text = error.request_id();
    // gRPC and absl number their codes alike.
    const bool known = error.code() > 0 && error.code() <= 16;
    answer.status = absl::Status(
        known ? static_cast<absl::StatusCode>(error.code()) : absl::StatusCode::kUnknown,
        error.message());
  }
  const std::optional<uint64_t> id = ParseId(id_text);
  if (!id) {
    return absl::InternalError(absl::StrCat("the server's answer on a stream has the request_id \"",
                                            absl::CHexEscape(id_text.substr(0, 2 * kIdDigits)),
                                            "\", which nobody sent"));
  }
  answer.id = *id;
  return answer;
}

}  // namespace weir
